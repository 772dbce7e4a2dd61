//! Converts annotations and predictions to `hotcoco`'s types.

use std::collections::BTreeMap;

use hotcoco::mask::to_bbox;
use hotcoco::types::{self, Annotation, Category, Dataset, Image, Segmentation};

use super::{CompressedMask, EvalError, Prediction};
use crate::data::coco::{CocoAnnotation, CocoDataset};
use crate::mask::Rle;

/// Converts the annotations; unless `masks` are needed, boxes without an outline suffice.
pub(super) fn dataset(truth: &CocoDataset, masks: bool) -> Result<Dataset, EvalError> {
    let sizes: BTreeMap<u64, (usize, usize)> =
        truth.images.iter().map(|image| (image.id, (image.width, image.height))).collect();
    let annotation = |annotation: &CocoAnnotation| {
        let refused = |reason: String| EvalError::Annotation { name: annotation.name(), reason };
        let (width, height) = sizes.get(&annotation.image_id).copied().unwrap_or_default();
        let plain = Annotation {
            id: annotation.id,
            image_id: annotation.image_id,
            category_id: annotation.category_id,
            bbox: annotation.bbox,
            area: annotation.area,
            iscrowd: annotation.iscrowd,
            ..Annotation::default()
        };
        match (annotation.segmentation.to_rle(width, height), annotation.bbox) {
            (Ok(rle), _) => Ok(Annotation {
                bbox: Some(annotation.bbox.unwrap_or_else(|| bbox(&rle))),
                area: Some(annotation.area.unwrap_or_else(|| rle.area() as f64)),
                segmentation: Some(Segmentation::UncompressedRle {
                    size: rle.size.map(|side| side as u32),
                    counts: rle.counts,
                }),
                ..plain
            }),
            (Err(_), Some([.., width, height])) if !masks => {
                Ok(Annotation { area: Some(annotation.area.unwrap_or(width * height)), ..plain })
            }
            (Err(error), _) => Err(refused(error.to_string())),
        }
    };
    Ok(Dataset {
        images: truth
            .images
            .iter()
            .map(|image| Image {
                id: image.id,
                width: image.width as u32,
                height: image.height as u32,
                ..Image::default()
            })
            .collect(),
        annotations: truth.annotations.iter().map(annotation).collect::<Result<_, EvalError>>()?,
        categories: truth
            .categories
            .iter()
            .map(|category| Category { id: category.id, name: category.name.clone(), ..Category::default() })
            .collect(),
        ..Dataset::default()
    })
}

/// Returns the box around a mask.
pub(super) fn bbox(rle: &Rle) -> [f64; 4] {
    let [h, w] = rle.size.map(|side| side as u32);
    to_bbox(&types::Rle { h, w, counts: rle.counts.clone() })
}

/// Converts a prediction to a mask annotation.
pub(super) fn mask(prediction: &Prediction) -> Annotation {
    let CompressedMask { size, counts } = &prediction.segmentation;
    Annotation {
        image_id: prediction.image_id,
        category_id: prediction.category_id,
        segmentation: Some(Segmentation::CompressedRle {
            size: size.map(|side| side as u32),
            counts: counts.clone(),
        }),
        score: Some(f64::from(prediction.score)),
        ..Annotation::default()
    }
}
