//! COCO mask average precision, by `hotcoco`.

use std::collections::BTreeMap;

use hotcoco::params::IouType;
use hotcoco::types::{Annotation, Category, Dataset, Image, Segmentation};
use hotcoco::{COCO, COCOeval};
use serde::{Deserialize, Serialize};

use super::EvalError;
use crate::data::coco::{CocoAnnotation, CocoDataset};
use crate::instance::Instance;
use crate::mask::Rle;

/// One row of COCO's results format for masks.
///
/// Without a box: `pycocotools` would take the object's size from the box instead of from the mask, and its numbers for
/// small, medium and large objects would not be those of masks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The photo's id in the annotations.
    pub image_id: u64,
    /// The category's id in the vocabulary.
    pub category_id: u64,
    /// The mask at the photo's own size.
    pub segmentation: CompressedMask,
    /// Confidence, 0 to 1.
    pub score: f32,
}

/// A mask in COCO's compressed form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompressedMask {
    /// Height and width.
    pub size: [usize; 2],
    /// The run lengths as text.
    pub counts: String,
}

impl Prediction {
    /// The row for one instance.
    #[must_use]
    pub fn new(image_id: u64, category_id: u64, instance: &Instance) -> Self {
        let rle = Rle::from_mask(&instance.mask);
        Self {
            image_id,
            category_id,
            segmentation: CompressedMask { size: rle.size, counts: rle.to_coco_string() },
            score: instance.score,
        }
    }
}

/// COCO's twelve numbers, each 0 to 1, or none where the annotations hold no such object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Over IoU 0.50 to 0.95.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// At IoU 0.50.
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    /// At IoU 0.75.
    #[serde(rename = "AP75")]
    pub ap75: Option<f64>,
    /// Objects below 32² pixels.
    #[serde(rename = "APs")]
    pub ap_small: Option<f64>,
    /// Objects from 32² to 96² pixels.
    #[serde(rename = "APm")]
    pub ap_medium: Option<f64>,
    /// Objects above 96² pixels.
    #[serde(rename = "APl")]
    pub ap_large: Option<f64>,
    /// Average recall with one detection per photo.
    #[serde(rename = "AR1")]
    pub ar1: Option<f64>,
    /// Average recall with ten detections per photo.
    #[serde(rename = "AR10")]
    pub ar10: Option<f64>,
    /// Average recall with a hundred detections per photo.
    #[serde(rename = "AR100")]
    pub ar100: Option<f64>,
    /// Average recall of small objects.
    #[serde(rename = "ARs")]
    pub ar_small: Option<f64>,
    /// Average recall of medium objects.
    #[serde(rename = "ARm")]
    pub ar_medium: Option<f64>,
    /// Average recall of large objects.
    #[serde(rename = "ARl")]
    pub ar_large: Option<f64>,
    /// AP of each category that has objects, by name.
    pub per_category: BTreeMap<String, f64>,
}

/// Judges predictions by COCO's rules, number for number as `pycocotools` does; the categories of both sides must be
/// those of `truth`.
///
/// # Errors
/// [`EvalError::Annotation`] for an outline that is no mask of its photo, [`EvalError::Metric`] if a prediction is
/// none.
pub fn average_precision(truth: &CocoDataset, predictions: &[Prediction]) -> Result<Metrics, EvalError> {
    let refused = |error: hotcoco::Error| EvalError::Metric(error.to_string());
    let truth = COCO::from_dataset(dataset(truth)?);
    let found = truth.load_res_anns(predictions.iter().map(detection).collect()).map_err(refused)?;
    let mut judge = COCOeval::new(truth, found, IouType::Segm);
    judge.evaluate().map_err(refused)?;
    judge.accumulate();
    judge.summarize_lines();
    let report = judge.report().map_err(refused)?;
    let metric = |name: &str| report.metrics.get(name).copied().filter(|value| *value >= 0.0);
    Ok(Metrics {
        ap: metric("AP"),
        ap50: metric("AP50"),
        ap75: metric("AP75"),
        ap_small: metric("APs"),
        ap_medium: metric("APm"),
        ap_large: metric("APl"),
        ar1: metric("AR1"),
        ar10: metric("AR10"),
        ar100: metric("AR100"),
        ar_small: metric("ARs"),
        ar_medium: metric("ARm"),
        ar_large: metric("ARl"),
        per_category: report
            .per_class
            .iter()
            .filter_map(|(name, metrics)| Some((name.clone(), *metrics.get("AP")?)))
            .collect(),
    })
}

fn dataset(truth: &CocoDataset) -> Result<Dataset, EvalError> {
    let sizes: BTreeMap<u64, (usize, usize)> =
        truth.images.iter().map(|image| (image.id, (image.width, image.height))).collect();
    let annotation = |annotation: &CocoAnnotation| {
        let refused = |reason: String| EvalError::Annotation { id: annotation.id, reason };
        let (width, height) = sizes.get(&annotation.image_id).copied().unwrap_or_default();
        let rle =
            annotation.segmentation.to_rle(width, height).map_err(|error| refused(error.to_string()))?;
        Ok(Annotation {
            id: annotation.id,
            image_id: annotation.image_id,
            category_id: annotation.category_id,
            bbox: Some(annotation.bbox),
            // Files that leave it out mean the mask's own area.
            area: Some(if annotation.area > 0.0 { annotation.area } else { rle.area() as f64 }),
            segmentation: Some(Segmentation::UncompressedRle {
                size: rle.size.map(|side| side as u32),
                counts: rle.counts,
            }),
            iscrowd: annotation.iscrowd,
            ..Annotation::default()
        })
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

fn detection(prediction: &Prediction) -> Annotation {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Reference {
        gt: CocoDataset,
        dets: Vec<Prediction>,
        pycocotools: BTreeMap<String, f64>,
    }

    fn reference() -> Reference {
        let mut recorded: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/fixtures/coco_ap.json")).unwrap();
        // The recording has no photos, only their sizes.
        recorded["gt"]["images"].as_array_mut().unwrap().iter_mut().for_each(|i| i["file_name"] = "".into());
        serde_json::from_value(recorded).unwrap()
    }

    fn numbers(metrics: &Metrics) -> serde_json::Map<String, serde_json::Value> {
        serde_json::to_value(metrics).unwrap().as_object().unwrap().clone()
    }

    #[test]
    fn equals_pycocotools() {
        let Reference { gt, dets, pycocotools } = reference();
        let metrics = numbers(&average_precision(&gt, &dets).unwrap());
        for (name, expected) in pycocotools {
            let found = metrics[&name].as_f64().unwrap();
            assert!((found - expected).abs() < 1e-12, "{name}: {found} instead of {expected}");
        }
    }

    #[test]
    fn perfect_predictions_score_one_and_none_score_zero() {
        let Reference { gt, .. } = reference();
        let perfect: Vec<Prediction> = gt
            .annotations
            .iter()
            .filter(|annotation| !annotation.iscrowd)
            .map(|annotation| {
                let image = gt.images.iter().find(|image| image.id == annotation.image_id).unwrap();
                let rle = annotation.segmentation.to_rle(image.width, image.height).unwrap();
                Prediction {
                    image_id: annotation.image_id,
                    category_id: annotation.category_id,
                    segmentation: CompressedMask { size: rle.size, counts: rle.to_coco_string() },
                    score: 1.0,
                }
            })
            .collect();
        assert_eq!(average_precision(&gt, &perfect).unwrap().ap50, Some(1.0));
        assert_eq!(average_precision(&gt, &[]).unwrap().ap, Some(0.0));
        assert_eq!(average_precision(&CocoDataset::default(), &[]).unwrap().ap, None);
    }

    #[test]
    fn a_broken_prediction_is_an_error() {
        let Reference { gt, mut dets, .. } = reference();
        dets[0].score = f32::NAN;
        assert!(matches!(average_precision(&gt, &dets), Err(EvalError::Metric(_))));
    }
}
