//! Runs the engine over the photos of an annotation file.

use std::thread;

use super::{EvalError, Prediction, Vocabulary, VocabularyKind};
use crate::data::coco::{CocoDataset, CocoImage};
use crate::data::{Ahead, PhotoFolder};
use crate::engine::{Engine, SegmentOptions};

/// Returns the predictions of `engine` for every photo of `dataset` in `images`, each searched in as many
/// parts as [`SegmentOptions::tiles`] says; `done` is called after each photo. The next photo is decoded
/// meanwhile.
///
/// See [`Engine::evaluation`] for which detections count.
///
/// # Errors
/// [`EvalError`] naming the photo that cannot be used, or the engine's failure.
pub fn predict_dataset(
    engine: &Engine,
    dataset: &CocoDataset,
    images: &PhotoFolder,
    vocabulary: &Vocabulary,
    tiles: usize,
    mut done: impl FnMut(),
) -> Result<Vec<Prediction>, EvalError> {
    let any_class = vocabulary.kind() == VocabularyKind::ClassAgnostic;
    let options = SegmentOptions { tiles, ..engine.evaluation(any_class) };
    let decode = |image: &CocoImage| -> Result<_, EvalError> {
        dataset.unbroken(image)?;
        Ok(images.photo(image)?)
    };
    let mut predictions = Vec::new();
    thread::scope(|scope| {
        for (image, photo) in dataset.images.iter().zip(Ahead::spawn(scope, &dataset.images, decode)) {
            let instances = pollster::block_on(engine.segment(&photo?, &options))?;
            predictions.extend(instances.iter().filter_map(|instance| {
                Some(Prediction::new(image.id, vocabulary.of_label(instance.category)?, instance))
            }));
            done();
        }
        Ok(predictions)
    })
}
