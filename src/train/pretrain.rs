//! Masked-autoencoder pretraining.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::checkpoint::Standing;
use super::hiding::MaskSampling;
use super::optimizer::{AdamWOptions, adamw, with_stable_ids};
use super::panel::{MOST_ROWS, reconstruction_panel};
use super::schedule::{WarmupCosine, scaled_learning_rate};
use super::task::{Loss, StepOptions, Task, train};
use super::{RunFolder, TrainError, TrainEvent};
use crate::data::order::shuffled;
use crate::data::{CropOptions, PhotoBatch, PhotoSet, TeacherFeatures};
use crate::model::{MaeConfig, MaskedAutoencoder, PatchMask};
use crate::pixels::Preprocess;
use crate::weights::{Architecture, ModelConfig};

/// The recipe of a pretraining run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PretrainOptions {
    /// The architecture.
    pub model: MaeConfig,
    /// How the hidden patches are chosen.
    pub mask_sampling: MaskSampling,
    /// Passes over the photos.
    pub epochs: usize,
    /// Passes with a rising learning rate.
    pub warmup_epochs: f64,
    /// Learning rate for 256 images; the one used grows with the batch.
    pub base_learning_rate: f64,
    /// Smallest share of a photo that a crop covers.
    pub min_crop: f64,
    /// What every recipe chooses.
    pub steps: StepOptions,
}

/// Pretrains on `photos` until every epoch is done, from where `run` stands.
///
/// With a teacher, whose width is the model's `teacher_dim`, its features are reconstructed beside the pixels.
///
/// # Errors
/// [`TrainError`]; the last checkpoint stays whole.
pub fn pretrain(
    photos: &PhotoSet,
    teacher: Option<&TeacherFeatures>,
    options: &PretrainOptions,
    device: &Device,
    run: &mut RunFolder,
    mut on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    options.model.validate()?;
    options.steps.check()?;
    let config = ModelConfig { architecture: Architecture::Mae(options.model.clone()), labels: Vec::new() };
    let preprocess = Preprocess::square(options.model.encoder.image_size);
    let device = device.clone().autodiff();
    device.seed(options.steps.seed);
    let model = with_stable_ids(MaskedAutoencoder::new(&options.model, &device));
    let betas = (0.9, 0.95);
    let optimizer = adamw(&model, AdamWOptions { betas, weight_decay: options.steps.weight_decay });
    let at = run.resume(Standing::start(model, optimizer, &options.steps), &config)?;
    let steps_per_epoch = steps_per_epoch(photos, options)?;
    let task = Pretraining { photos, teacher, options, preprocess: &preprocess, steps_per_epoch, device };
    train(&task, at, &options.steps, (&config, &preprocess), run, &mut on_event)
}

fn steps_per_epoch(photos: &PhotoSet, options: &PretrainOptions) -> Result<usize, TrainError> {
    let (photos, batch_size) = (photos.len(), options.steps.batch_size);
    if photos < batch_size {
        let reason = format!("{photos} photos do not fill one batch of {batch_size}; lower --batch-size");
        return Err(TrainError::Option(reason));
    }
    Ok(photos / batch_size)
}

struct Pretraining<'a> {
    photos: &'a PhotoSet,
    teacher: Option<&'a TeacherFeatures>,
    options: &'a PretrainOptions,
    preprocess: &'a Preprocess,
    steps_per_epoch: usize,
    device: Device,
}

impl Pretraining<'_> {
    fn image_numbers(&self) -> usize {
        3 * self.options.model.encoder.image_size.pow(2)
    }

    /// `[part, 3, S, S]`
    fn images(&self, batch: &PhotoBatch, part: &Range<usize>, device: &Device) -> Tensor<4> {
        let (numbers, side) = (self.image_numbers(), self.options.model.encoder.image_size);
        let pixels = batch.pixels[part.start * numbers..part.end * numbers].to_vec();
        Tensor::from_data(TensorData::new(pixels, [part.len(), 3, side, side]), device)
    }

    /// Of a whole batch, from the seed and the step alone.
    fn mask(&self, photos: usize, step: usize) -> PatchMask {
        let mut rng = ChaCha8Rng::seed_from_u64(self.options.steps.seed);
        rng.set_stream(step as u64);
        let model = &self.options.model;
        self.options.mask_sampling.draw(&mut rng, photos, model.encoder.grid(), model.num_visible())
    }
}

impl Task for Pretraining<'_> {
    type Model = MaskedAutoencoder;
    type Batch = PhotoBatch;

    fn steps(&self) -> usize {
        self.steps_per_epoch * self.options.epochs
    }

    fn epoch(&self, steps: usize) -> f64 {
        steps as f64 / self.steps_per_epoch as f64
    }

    fn batch(&self, step: usize) -> Result<PhotoBatch, TrainError> {
        let StepOptions { seed, batch_size, .. } = self.options.steps;
        let epoch = (step / self.steps_per_epoch) as u64;
        let order = shuffled(self.photos.len(), seed, epoch);
        let first = (step % self.steps_per_epoch) * batch_size;
        let encoder = &self.options.model.encoder;
        let crop = CropOptions {
            image_size: encoder.image_size,
            scale: (self.options.min_crop, 1.0),
            ..CropOptions::default()
        };
        let teacher = self.teacher.map(|teacher| (teacher, encoder.grid()));
        Ok(self.photos.batch(&order[first..first + batch_size], &crop, teacher, (seed, epoch))?)
    }

    fn photos(&self, batch: &PhotoBatch) -> usize {
        batch.pixels.len() / self.image_numbers()
    }

    fn skipped(&self, batch: &PhotoBatch) -> Vec<String> {
        batch.skipped.iter().map(ToString::to_string).collect()
    }

    fn loss(
        &self,
        model: &MaskedAutoencoder,
        batch: &PhotoBatch,
        part: Range<usize>,
        step: usize,
    ) -> Result<Loss, TrainError> {
        let photos = self.photos(batch);
        let share = part.len() as f64 / photos as f64;
        let images = self.images(batch, &part, &self.device);
        let mask = self.mask(photos, step).of_images(part.clone());
        let output = model.forward(images.clone(), &mask);
        let of_pixels = model.loss(images, output.prediction, &mask).mul_scalar(share);
        let Some(predicted) = output.features else {
            return Ok(Loss { total: of_pixels, parts: BTreeMap::new() });
        };
        let numbers = batch.features.len() / photos;
        let target = batch.features[part.start * numbers..part.end * numbers].to_vec();
        let target = Tensor::from_data(TensorData::new(target, predicted.dims()), &self.device);
        let of_features = model.feature_loss(predicted, target).mul_scalar(share);
        let parts = BTreeMap::from([("pixels", of_pixels.clone()), ("features", of_features.clone())]);
        Ok(Loss { total: of_pixels + of_features, parts })
    }

    fn learning_rate(&self, step: usize) -> f64 {
        let schedule = WarmupCosine {
            peak: scaled_learning_rate(self.options.base_learning_rate, self.options.steps.batch_size),
            floor: 0.0,
            warmup_epochs: self.options.warmup_epochs,
            epochs: self.options.epochs as f64,
        };
        schedule.at(self.epoch(step))
    }

    fn learning_rates(&self, step: usize) -> ModuleLearningRate {
        self.learning_rate(step).into()
    }

    fn validate_every(&self) -> Option<usize> {
        None
    }

    fn validate(&self, _model: &MaskedAutoencoder) -> Result<BTreeMap<&'static str, f64>, TrainError> {
        Ok(BTreeMap::new())
    }

    fn panel(
        &self,
        model: &MaskedAutoencoder,
        batch: &PhotoBatch,
        step: usize,
        path: &Path,
    ) -> Result<(), TrainError> {
        let shown = 0..self.photos(batch).min(MOST_ROWS);
        let images = self.images(batch, &shown, &self.device.clone().without_autodiff());
        let mask = self.mask(self.photos(batch), step).of_images(shown);
        reconstruction_panel(model, images, &mask, self.preprocess, path)
    }
}
