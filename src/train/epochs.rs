//! Epochs over unlabelled photos, shared by all kinds of pretraining.

use super::TrainError;
use super::optim::schedule::{WarmupCosine, WarmupFalls, scaled_learning_rate};
use super::options::{PassOptions, StepOptions};
use crate::data::order::shuffled;
use crate::data::{CropOptions, PhotoSet};
use crate::pixels::Filter;
use crate::text::counted;

/// Photos in full batches; the remainder of an epoch is left out of it.
pub(super) struct Passes<'a> {
    pub(super) photos: &'a PhotoSet,
    options: &'a PassOptions,
    per_pass: usize,
}

impl<'a> Passes<'a> {
    pub(super) fn new(photos: &'a PhotoSet, options: &'a PassOptions) -> Result<Self, TrainError> {
        options.steps.check()?;
        let (count, batch_size) = (photos.len(), options.steps.batch_size);
        if count < batch_size {
            let reason = format!(
                "too few photos for one batch of {batch_size}: {}; lower --batch-size",
                counted(count, "photo")
            );
            return Err(TrainError::Option(reason));
        }
        Ok(Self { photos, options, per_pass: count / batch_size })
    }

    pub(super) fn steps(&self) -> usize {
        self.per_pass * self.options.epochs
    }

    pub(super) fn epoch(&self, steps: usize) -> f64 {
        steps as f64 / self.per_pass as f64
    }

    /// Returns the photos of a step and the epoch it belongs to.
    pub(super) fn indices(&self, step: usize) -> (Vec<usize>, u64) {
        let StepOptions { seed, batch_size, .. } = self.options.steps;
        let pass = (step / self.per_pass) as u64;
        let first = (step % self.per_pass) * batch_size;
        (shuffled(self.photos.len(), seed, pass)[first..first + batch_size].to_vec(), pass)
    }

    pub(super) fn crop(&self, image_size: usize) -> CropOptions {
        let PassOptions { min_crop, bilinear, .. } = *self.options;
        let filter = if bilinear { Filter::Bilinear } else { Filter::Bicubic };
        CropOptions { image_size, scale: (min_crop, 1.0), filter, ..CropOptions::default() }
    }

    pub(super) fn learning_rate(&self, step: usize) -> f64 {
        let PassOptions { warmup_epochs, epochs, ref falls, base_learning_rate, .. } = *self.options;
        let peak = scaled_learning_rate(base_learning_rate, self.options.steps.batch_size);
        let epoch = self.epoch(step);
        if falls.is_empty() {
            return WarmupCosine { peak, floor: 0.0, warmup_epochs, epochs: epochs as f64 }.at(epoch);
        }
        WarmupFalls { peak, warmup_epochs, falls }.at(epoch)
    }
}
