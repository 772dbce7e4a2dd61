//! Contrastive pretraining (`SimCLR`, <https://arxiv.org/abs/2002.05709>), as a baseline for masked
//! autoencoding.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::tensor::Device;
use image::RgbImage;

use super::epochs::Passes;
use super::optim::with_stable_ids;
use super::options::ContrastOptions;
use super::run::{MOST_ROWS, Standing, views_panel};
use super::trainer::{Loss, Task, images, train};
use super::{RunFolder, TrainError, TrainEvent};
use crate::data::{CropOptions, PhotoBatch, PhotoSet};
use crate::model::{ContrastiveEncoder, contrastive_loss};
use crate::pixels::Preprocess;
use crate::weights::{Architecture, ModelConfig};

/// Pretrains an encoder on `photos` until every epoch is done, continuing from the state of `run`.
///
/// # Errors
/// [`TrainError`]; the last checkpoint stays intact.
pub fn contrast(
    photos: &PhotoSet,
    options: &ContrastOptions,
    device: &Device,
    run: &mut RunFolder,
    mut on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    options.encoder.validate()?;
    let steps = &options.passes.steps;
    if steps.batch_size < 2 {
        return Err(TrainError::Option(
            "contrast needs at least 2 photos per batch: it compares them".to_owned(),
        ));
    }
    if steps.accumulate > 1 {
        return Err(TrainError::Option(
            "contrast needs --grad-accumulation 1: it compares all photos of a batch".to_owned(),
        ));
    }
    if run.peers().size() > 1 {
        return Err(TrainError::Option(
            "contrast compares all photos of a batch, so it runs in a single process".to_owned(),
        ));
    }
    let passes = Passes::new(photos, &options.passes)?;
    let architecture = Architecture::Encoder(options.encoder.clone());
    let config = ModelConfig { architecture, labels: Vec::new() };
    let preprocess = Preprocess::square(options.encoder.image_size);
    let device = device.clone().autodiff();
    device.seed(steps.seed);
    let model = with_stable_ids(ContrastiveEncoder::new(&options.encoder, &device));
    let optimizer = steps.optimizer.of(&model, options.passes.adamw());
    let at = run.resume(Standing::start(model, optimizer, steps), &config)?;
    let task = Contrasting { passes, options, preprocess: &preprocess, device };
    train(&task, at, steps, (&config, &preprocess), run, &mut on_event)
}

struct Contrasting<'a> {
    passes: Passes<'a>,
    options: &'a ContrastOptions,
    preprocess: &'a Preprocess,
    device: Device,
}

impl Task for Contrasting<'_> {
    type Model = ContrastiveEncoder;
    /// Two views of each photo.
    type Batch = [PhotoBatch; 2];

    fn steps(&self) -> usize {
        self.passes.steps()
    }

    fn epoch(&self, steps: usize) -> f64 {
        self.passes.epoch(steps)
    }

    fn batch(&self, step: usize) -> Result<[PhotoBatch; 2], TrainError> {
        let (indices, pass) = self.passes.indices(step);
        let crop =
            CropOptions { colour: self.options.colour, ..self.passes.crop(self.options.encoder.image_size) };
        let seed = self.options.passes.steps.seed;
        let view = |number| self.passes.photos.batch(&indices, &crop, None, (seed, 2 * pass + number));
        Ok([view(0)?, view(1)?])
    }

    fn photos(&self, [view, _]: &[PhotoBatch; 2]) -> usize {
        view.pixels.len() / (3 * self.options.encoder.image_size.pow(2))
    }

    fn skipped(&self, [view, _]: &[PhotoBatch; 2]) -> Vec<String> {
        view.skipped.iter().map(ToString::to_string).collect()
    }

    fn loss(
        &self,
        model: &ContrastiveEncoder,
        batch: &[PhotoBatch; 2],
        part: Range<usize>,
    ) -> Result<Loss, TrainError> {
        let side = self.options.encoder.image_size;
        let [first, second] =
            batch.each_ref().map(|view| model.forward(images(&view.pixels, &part, side, &self.device)));
        let total = contrastive_loss(first, second, self.options.temperature);
        Ok(Loss { total, parts: BTreeMap::new() })
    }

    fn learning_rate(&self, step: usize) -> f64 {
        self.passes.learning_rate(step)
    }

    fn panel(&self, _model: &ContrastiveEncoder, batch: &[PhotoBatch; 2]) -> RgbImage {
        let (shown, side) = (0..self.photos(batch).min(MOST_ROWS), self.options.encoder.image_size);
        let device = self.device.clone().without_autodiff();
        let views = batch.each_ref().map(|view| images(&view.pixels, &shown, side, &device));
        views_panel(views, self.preprocess)
    }
}
