//! Masked-autoencoder pretraining.

use std::collections::BTreeMap;
use std::thread;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::batches::Batches;
use super::checkpoint::Standing;
use super::optimizer::{AdamWOptions, adamw, trainable, with_stable_ids};
use super::panel::reconstruction_panel;
use super::schedule::{WarmupCosine, scaled_learning_rate};
use super::{RunFolder, Step, TrainError, TrainEvent};
use crate::data::order::shuffled;
use crate::data::{CropOptions, PhotoBatch, PhotoSet, TeacherFeatures};
use crate::model::{MaeConfig, MaskedAutoencoder, PatchMask};
use crate::pixels::Preprocess;
use crate::weights::{Architecture, ModelConfig};

/// The recipe of a pretraining run; the defaults are the paper's but for the batch (one machine).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PretrainOptions {
    /// The architecture.
    pub model: MaeConfig,
    /// Images per step.
    pub batch_size: usize,
    /// Passes over the photos.
    pub epochs: usize,
    /// Passes with a rising learning rate.
    pub warmup_epochs: f64,
    /// Learning rate for 256 images; the one used grows with the batch.
    pub base_learning_rate: f64,
    /// AdamW's decay.
    pub weight_decay: f32,
    /// Smallest share of a photo that a crop covers.
    pub min_crop: f64,
    /// Seed of order, crops, masks and fresh parameters.
    pub seed: u64,
    /// Steps between checkpoints.
    pub save_every: usize,
    /// Steps between reconstruction panels.
    pub panel_every: usize,
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
    let image_size = options.model.encoder.image_size;
    let config = ModelConfig { architecture: Architecture::Mae(options.model.clone()), labels: Vec::new() };
    let preprocess = Preprocess::square(image_size);
    let device = device.clone().autodiff();
    device.seed(options.seed);
    let model = with_stable_ids(MaskedAutoencoder::new(&options.model, &device));
    let optimizer = adamw(&model, AdamWOptions { betas: (0.9, 0.95), weight_decay: options.weight_decay });
    let mut at = run.resume(Standing { step: 0, model, average: None, optimizer }, &config)?;
    let done = at.step;
    let per_epoch = steps_per_epoch(photos, options)?;
    let steps = per_epoch * options.epochs;
    on_event(TrainEvent::Started { done, steps, parameters: trainable(&at.model) });
    let schedule = schedule(options);
    thread::scope(|scope| {
        let mut batches =
            Batches::spawn(scope, done..steps, |step| batch(photos, teacher, options, step, per_epoch));
        for step in done..steps {
            let Some(batch) = batches.next() else { break };
            let batch = batch?;
            for skipped in &batch.skipped {
                on_event(TrainEvent::Skipped(skipped.to_string()));
            }
            let epoch = step as f64 / per_epoch as f64;
            let learning_rate = schedule.at(epoch);
            let count = batch.pixels.len() / (3 * image_size * image_size);
            let pixels = TensorData::new(batch.pixels, [count, 3, image_size, image_size]);
            let images = Tensor::<4>::from_data(pixels, &device);
            let mask = draw_mask(&options.model, count, options.seed, step);
            let (loss, parts) = losses(&at.model, &images, batch.features, &mask);
            let value = scalar(&loss);
            if !value.is_finite() {
                return Err(TrainError::NotFinite { step: step + 1, loss: value });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &at.model);
            at.model = at.optimizer.step(learning_rate, at.model, gradients);
            at.step = step + 1;
            let report = Step {
                step: step + 1,
                steps,
                epoch: (step + 1) as f64 / per_epoch as f64,
                loss: value,
                learning_rate,
                data_wait: batches.data_wait(),
                parts,
            };
            run.log(&report)?;
            on_event(TrainEvent::Step(report));
            let last = step + 1 == steps;
            if (step + 1) % options.panel_every == 0 || last {
                let path = run.panel(step + 1);
                reconstruction_panel(&at.model.valid(), images.inner(), &mask, &preprocess, &path)?;
                on_event(TrainEvent::Panel(path));
            }
            if (step + 1) % options.save_every == 0 || last {
                on_event(run.save(&at, (&config, &preprocess))?);
            }
        }
        Ok(())
    })
}

/// The loss, and its parts where there are several.
fn losses(
    model: &MaskedAutoencoder,
    images: &Tensor<4>,
    features: Vec<f32>,
    mask: &PatchMask,
) -> (Tensor<1>, BTreeMap<&'static str, f64>) {
    let output = model.forward(images.clone(), mask);
    let of_pixels = model.loss(images.clone(), output.prediction, mask);
    let Some(predicted) = output.features else { return (of_pixels, BTreeMap::new()) };
    let target = Tensor::from_data(TensorData::new(features, predicted.dims()), &images.device());
    let of_features = model.feature_loss(predicted, target);
    let parts = BTreeMap::from([("pixels", scalar(&of_pixels)), ("features", scalar(&of_features))]);
    (of_pixels + of_features, parts)
}

fn scalar(loss: &Tensor<1>) -> f64 {
    f64::from(loss.clone().into_scalar::<f32>())
}

fn steps_per_epoch(photos: &PhotoSet, options: &PretrainOptions) -> Result<usize, TrainError> {
    let (photos, batch_size) = (photos.len(), options.batch_size);
    if photos < batch_size {
        let reason = format!("{photos} photos do not fill one batch of {batch_size}; lower --batch-size");
        return Err(TrainError::Option(reason));
    }
    Ok(photos / batch_size)
}

fn schedule(options: &PretrainOptions) -> WarmupCosine {
    WarmupCosine {
        peak: scaled_learning_rate(options.base_learning_rate, options.batch_size),
        floor: 0.0,
        warmup_epochs: options.warmup_epochs,
        epochs: options.epochs as f64,
    }
}

fn batch(
    photos: &PhotoSet,
    teacher: Option<&TeacherFeatures>,
    options: &PretrainOptions,
    step: usize,
    per_epoch: usize,
) -> Result<PhotoBatch, TrainError> {
    let epoch = (step / per_epoch) as u64;
    let order = shuffled(photos.len(), options.seed, epoch);
    let first = (step % per_epoch) * options.batch_size;
    let crop = CropOptions {
        image_size: options.model.encoder.image_size,
        scale: (options.min_crop, 1.0),
        ..CropOptions::default()
    };
    let teacher = teacher.map(|teacher| (teacher, options.model.encoder.grid()));
    let indices = &order[first..first + options.batch_size];
    Ok(photos.batch(indices, &crop, teacher, (options.seed, epoch))?)
}

/// Uniform noise per patch, from the seed and the step alone.
fn draw_mask(config: &MaeConfig, count: usize, seed: u64, step: usize) -> PatchMask {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(step as u64);
    let noise: Vec<Vec<f32>> =
        (0..count).map(|_| (0..config.encoder.num_patches()).map(|_| rng.random()).collect()).collect();
    PatchMask::from_noise(&noise, config.num_visible())
}
