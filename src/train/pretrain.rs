//! Masked-autoencoder pretraining.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

use super::epochs::Passes;
use super::optim::with_stable_ids;
use super::options::PretrainOptions;
use super::run::{MOST_ROWS, Standing, reconstruction_panel};
use super::trainer::{Loss, Task, images, train};
use super::{Peers, RunFolder, TrainError, TrainEvent};
use crate::data::{CropOptions, PhotoBatch, PhotoSet, TeacherFeatures};
use crate::model::{MaeConfig, MaskedAutoencoder, PatchMask, VitConfig};
use crate::pixels::Preprocess;
use crate::random::{Purpose, stream};
use crate::weights::{Architecture, Folder, ModelConfig, apply_encoder};

/// Pretrains on `photos` until every epoch is done, continuing from the state of `run`.
///
/// With a teacher, whose width is the model's `teacher_dim`, its features are reconstructed in addition to
/// the pixels. `encoder` holds the initial weights of the encoder, which are random without it; the decoder
/// is always initialised at random.
///
/// # Errors
/// [`TrainError`]; the last checkpoint stays intact.
pub fn pretrain(
    photos: &PhotoSet,
    teacher: Option<&TeacherFeatures>,
    options: &PretrainOptions,
    encoder: Option<Folder>,
    device: &Device,
    run: &mut RunFolder,
    mut on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    options.model.validate()?;
    if let Some(teacher) = teacher {
        photos.check_teacher(teacher)?;
    }
    let steps = &options.passes.steps;
    let passes = Passes::new(photos, &options.passes)?;
    let config = ModelConfig { architecture: Architecture::Mae(options.model.clone()), labels: Vec::new() };
    let preprocess = Preprocess::square(options.model.encoder.image_size);
    let device = device.clone().autodiff();
    device.seed(steps.seed);
    let model = with_stable_ids(begin(&options.model, encoder, &device)?);
    let optimizer = steps.optimizer.of(&model, options.passes.adamw());
    let at = run.resume(Standing::start(model, optimizer, steps), &config)?;
    let peers = run.peers();
    let task = Pretraining { passes, teacher, options, preprocess: &preprocess, device, peers };
    train(&task, at, steps, (&config, &preprocess), run, &mut on_event)
}

/// Returns the model before its first step.
fn begin(
    config: &MaeConfig,
    encoder: Option<Folder>,
    device: &Device,
) -> Result<MaskedAutoencoder, TrainError> {
    let mut model = MaskedAutoencoder::new(config, device);
    let Some(Folder { config: own, preprocess, layout, tensors, .. }) = encoder else { return Ok(model) };
    let usual = Preprocess::square(config.encoder.image_size);
    if usual.clone().normalised_as(&preprocess) != usual {
        let reason =
            "pretraining normalises pixels with ImageNet's statistics, but the encoder expects others";
        return Err(TrainError::Option(reason.to_owned()));
    }
    let VitConfig { num_registers, gated_mlp, qkv_bias, rotary_base, .. } = config.encoder;
    if num_registers > 0 || gated_mlp || !qkv_bias || rotary_base.is_some() {
        let reason =
            "an encoder with registers, gates or rotary positions cannot be stored as a masked autoencoder";
        return Err(TrainError::Option(reason.to_owned()));
    }
    let layer_scale = own.encoder().layer_scale;
    let own = MaeConfig { encoder: VitConfig { layer_scale, ..config.encoder.clone() }, ..config.clone() };
    let loaded = apply_encoder(MaskedAutoencoder::new(&own, device), layout, tensors)?;
    model.encoder = loaded.encoder.with_merged_scales();
    Ok(model)
}

struct Pretraining<'a> {
    passes: Passes<'a>,
    teacher: Option<&'a TeacherFeatures>,
    options: &'a PretrainOptions,
    preprocess: &'a Preprocess,
    device: Device,
    peers: Arc<dyn Peers>,
}

/// The photos of a step with their masks.
struct Batch {
    photos: PhotoBatch,
    mask: PatchMask,
}

impl Task for Pretraining<'_> {
    type Model = MaskedAutoencoder;
    type Batch = Batch;

    fn steps(&self) -> usize {
        self.passes.steps()
    }

    fn epoch(&self, steps: usize) -> f64 {
        self.passes.epoch(steps)
    }

    fn batch(&self, step: usize) -> Result<Batch, TrainError> {
        let (indices, pass) = self.passes.indices(step);
        let model = &self.options.model;
        let encoder = &model.encoder;
        let teacher = self.teacher.map(|teacher| (teacher, encoder.grid()));
        let seed = self.options.passes.steps.seed;
        let crop = CropOptions { colour: self.options.colour, ..self.passes.crop(encoder.image_size) };
        let own = self.peers.part(indices.len());
        let photos = self.passes.photos.batch(&indices[own.clone()], &crop, teacher, (seed, pass))?;
        let rngs = indices[own].iter().map(|&index| stream(Purpose::Hide, seed, pass, index as u64));
        let mask = self.options.mask_sampling.draw(rngs, encoder.grid(), model.num_visible());
        Ok(Batch { photos, mask })
    }

    fn photos(&self, batch: &Batch) -> usize {
        batch.mask.batch()
    }

    fn skipped(&self, batch: &Batch) -> Vec<String> {
        batch.photos.skipped.iter().map(ToString::to_string).collect()
    }

    fn loss(&self, model: &MaskedAutoencoder, batch: &Batch, part: Range<usize>) -> Result<Loss, TrainError> {
        let Batch { photos: PhotoBatch { pixels, features, .. }, mask } = batch;
        let share = part.len() as f64 / (mask.batch() * self.peers.size()) as f64;
        let images = images(pixels, &part, self.options.model.encoder.image_size, &self.device);
        let numbers = features.len() / mask.batch();
        let mask = mask.of_images(part.clone());
        let output = model.forward(images.clone(), &mask);
        let of_pixels = model.loss(images, output.prediction, &mask).mul_scalar(share);
        let Some(predicted) = output.features else {
            return Ok(Loss { total: of_pixels, parts: BTreeMap::new() });
        };
        let target = features[part.start * numbers..part.end * numbers].to_vec();
        let target = Tensor::from_data(TensorData::new(target, predicted.dims()), &self.device);
        let of_features = model.feature_loss(predicted, target, &mask).mul_scalar(share);
        let parts = BTreeMap::from([("pixels", of_pixels.clone()), ("features", of_features.clone())]);
        Ok(Loss { total: of_pixels + of_features, parts })
    }

    fn learning_rate(&self, step: usize) -> f64 {
        self.passes.learning_rate(step)
    }

    fn panel(&self, model: &MaskedAutoencoder, batch: &Batch) -> RgbImage {
        let Batch { photos, mask } = batch;
        let shown = 0..mask.batch().min(MOST_ROWS);
        let (side, device) = (self.options.model.encoder.image_size, self.device.clone().without_autodiff());
        let images = images(&photos.pixels, &shown, side, &device);
        let mask = mask.of_images(shown);
        reconstruction_panel(model, images, &mask, self.preprocess)
    }
}
