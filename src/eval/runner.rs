//! Runs the engine over the photos of an annotation file.

use std::fs;
use std::path::Path;

use super::{EvalError, Prediction, Vocabulary, VocabularyKind};
use crate::data::coco::{CocoDataset, CocoImage};
use crate::engine::{Engine, SegmentOptions};
use crate::image::RgbImage;
use crate::instance::Instance;

/// COCO judges at most so many predictions of a photo.
const MOST_PER_PHOTO: usize = 100;

/// The predictions of `engine` for every photo of `dataset` below `images`; `done` is called after each photo.
///
/// The best 100 (query, class) pairs of a photo count; where classes do not matter, the best 100 masks.
///
/// # Errors
/// [`EvalError`] naming the photo that cannot be used, or what stopped the engine.
pub async fn predict_dataset(
    engine: &Engine,
    dataset: &CocoDataset,
    images: &Path,
    vocabulary: &Vocabulary,
    mut done: impl FnMut(),
) -> Result<Vec<Prediction>, EvalError> {
    let agnostic = vocabulary.kind() == VocabularyKind::ClassAgnostic;
    // A query shows up once per class: enough pairs to find 100 different masks.
    let pairs = if agnostic { MOST_PER_PHOTO * engine.labels().len() } else { MOST_PER_PHOTO };
    let options = SegmentOptions { top_k: pairs, ..SegmentOptions::evaluation() };
    let mut predictions = Vec::new();
    for image in &dataset.images {
        let photo = read(image, images)?;
        let mut instances = engine.segment(&photo, &options).await?;
        if agnostic {
            instances = distinct(instances);
        }
        predictions.extend(instances.iter().take(MOST_PER_PHOTO).filter_map(|instance| {
            Some(Prediction::new(image.id, vocabulary.of_label(instance.category)?, instance))
        }));
        done();
    }
    Ok(predictions)
}

fn read(image: &CocoImage, images: &Path) -> Result<RgbImage, EvalError> {
    let path = images.join(&image.file_name);
    let bytes = fs::read(&path).map_err(|source| EvalError::Photo { path: path.clone(), source })?;
    let photo =
        RgbImage::decode(&bytes).map_err(|source| EvalError::Decode { path: path.clone(), source })?;
    let (found, listed) = ((photo.width(), photo.height()), (image.width, image.height));
    if found == listed { Ok(photo) } else { Err(EvalError::Size { path, found, listed }) }
}

/// Of instances with the very same mask, the first.
fn distinct(instances: Vec<Instance>) -> Vec<Instance> {
    let mut kept: Vec<Instance> = Vec::new();
    for instance in instances {
        let seen = |other: &Instance| other.bbox == instance.bbox && other.mask == instance.mask;
        if kept.len() < MOST_PER_PHOTO && !kept.iter().any(seen) {
            kept.push(instance);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    #[test]
    fn a_mask_counts_once() {
        let instance = |category, score, column| {
            let mask = BinaryMask::from_fn(4, 4, |x, _| x == column);
            Instance { category, label: String::new(), score, bbox: mask.bbox(), mask }
        };
        let kept = distinct(vec![instance(0, 0.9, 1), instance(1, 0.8, 1), instance(1, 0.7, 2)]);
        assert_eq!(kept.iter().map(|i| i.score).collect::<Vec<_>>(), [0.9, 0.7]);
    }
}
