//! Runs the engine over the photos of an annotation file.

use std::fs;
use std::path::Path;

use super::{EvalError, Prediction, Vocabulary, VocabularyKind};
use crate::data::coco::{CocoDataset, CocoImage};
use crate::engine::Engine;
use crate::image::RgbImage;

/// The predictions of `engine` for every photo of `dataset` below `images`; `done` is called after each photo.
///
/// What of a photo counts is said by [`Engine::evaluation`].
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
    let any_class = vocabulary.kind() == VocabularyKind::ClassAgnostic;
    let options = engine.evaluation(any_class);
    let mut predictions = Vec::new();
    for image in &dataset.images {
        let photo = read(image, images)?;
        let instances = engine.segment(&photo, &options).await?;
        predictions.extend(instances.iter().filter_map(|instance| {
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
