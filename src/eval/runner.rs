//! Runs the engine over the photos of an annotation file.

use super::{EvalError, Prediction, Vocabulary, VocabularyKind};
use crate::data::PhotoFolder;
use crate::data::coco::CocoDataset;
use crate::engine::{Engine, SegmentOptions};

/// Returns the predictions of `engine` for every photo of `dataset` in `images`, each searched in as many
/// parts as [`SegmentOptions::tiles`] says; `done` is called after each photo.
///
/// See [`Engine::evaluation`] for which detections count.
///
/// # Errors
/// [`EvalError`] naming the photo that cannot be used, or the engine's failure.
pub async fn predict_dataset(
    engine: &Engine,
    dataset: &CocoDataset,
    images: &PhotoFolder,
    vocabulary: &Vocabulary,
    tiles: usize,
    mut done: impl FnMut(),
) -> Result<Vec<Prediction>, EvalError> {
    let any_class = vocabulary.kind() == VocabularyKind::ClassAgnostic;
    let options = SegmentOptions { tiles, ..engine.evaluation(any_class) };
    let mut predictions = Vec::new();
    for image in &dataset.images {
        dataset.unbroken(image)?;
        let photo = images.photo(image)?;
        let instances = engine.segment(&photo, &options).await?;
        predictions.extend(instances.iter().filter_map(|instance| {
            Some(Prediction::new(image.id, vocabulary.of_label(instance.category)?, instance))
        }));
        done();
    }
    Ok(predictions)
}
