//! The options that every training verb has.

use std::ops::Range;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::args::{above_zero, at_least_one, below_one, defaults, number, whole};
use crate::train::{AdamWOptions, Optimizer, Precision, TrainError};

/// Options of every step.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct StepOptions {
    /// Number of photos per optimizer step, over all processes.
    #[arg(long, default_value_t = 64, value_name = "PHOTOS", value_parser = at_least_one)]
    #[arg(help_heading = "Optimisation")]
    pub batch_size: usize,
    /// Number of micro-batches that each batch is split into, to save memory.
    #[arg(long = "grad-accumulation", alias = "accumulate", default_value_t = 1, value_name = "PARTS")]
    #[arg(value_parser = at_least_one)]
    #[arg(help_heading = "Optimisation")]
    pub accumulate: usize,
    /// Optimizer of the model parameters.
    #[arg(long, value_enum, default_value_t, help_heading = "Optimisation")]
    pub optimizer: Optimizer,
    /// Weight decay of the optimizer.
    #[arg(long, default_value_t = 0.05, value_name = "DECAY", value_parser = number(0.0_f32, 10.0))]
    #[arg(help_heading = "Optimisation")]
    pub weight_decay: f32,
    /// Apply weight decay to biases, normalisation and layer scale too.
    #[arg(long = "decay-norm-and-bias", alias = "decay-vectors", help_heading = "Optimisation")]
    pub decay_vectors: bool,
    /// Maximum L2 norm to which the gradients are clipped [default: no clipping].
    #[arg(long, value_name = "NORM", value_parser = above_zero(1e9), help_heading = "Optimisation")]
    pub clip_norm: Option<f64>,
    /// Decay of the exponential moving average (EMA) of the weights; 0 disables it.
    #[arg(long = "ema-decay", alias = "average", default_value_t = 0.0, value_name = "DECAY")]
    #[arg(value_parser = below_one)]
    #[arg(help_heading = "Optimisation")]
    pub average_decay: f64,
    /// Precision of matrix multiplications in the transformer blocks.
    #[arg(long, value_enum, default_value_t, help_heading = "Optimisation")]
    pub precision: Precision,
    /// Seed of all random numbers.
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>, help_heading = "Run")]
    pub seed: u64,
    /// Steps between checkpoints.
    #[arg(long, default_value_t = 200, value_name = "STEPS", value_parser = at_least_one)]
    #[arg(help_heading = "Run")]
    pub save_every: usize,
    /// Steps between panels, images that show the model's current output.
    #[arg(long, default_value_t = 200, value_name = "STEPS", value_parser = at_least_one)]
    #[arg(help_heading = "Run")]
    pub panel_every: usize,
    /// Number of recent checkpoints whose weights are kept in the run's kept/ folder.
    #[arg(long, default_value_t = 0, value_name = "CHECKPOINTS", value_parser = whole::<usize>)]
    #[arg(help_heading = "Run")]
    pub keep: usize,
}

impl Default for StepOptions {
    fn default() -> Self {
        defaults()
    }
}

impl StepOptions {
    /// Photos that go through the model at once.
    #[must_use]
    pub fn at_once(&self) -> usize {
        self.batch_size / self.accumulate
    }

    /// Returns the options of AdamW, with this share of the second moment kept at each step.
    pub(in crate::train) fn adamw(&self, second_beta: f32) -> AdamWOptions {
        let Self { weight_decay, decay_vectors, .. } = *self;
        AdamWOptions { betas: (0.9, second_beta), weight_decay, decay_vectors }
    }

    /// # Errors
    /// [`TrainError::Option`] naming what cannot be followed.
    pub(in crate::train) fn check(&self) -> Result<(), TrainError> {
        let wrong = |what: &str| Err(TrainError::Option(what.to_owned()));
        match self {
            Self { batch_size: 0, .. } => wrong("the batch size must be at least 1"),
            Self { accumulate: 0, .. } => wrong("a batch must have at least one part"),
            Self { clip_norm: Some(limit), .. } if !(limit.is_finite() && *limit > 0.0) => {
                wrong("the norm that gradients are clipped to must be above 0")
            }
            Self { average_decay, .. } if !(0.0..1.0).contains(average_decay) => {
                wrong("the EMA decay must be at least 0 and below 1")
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`TrainError::Option`] where `processes` cannot share a step's photos out into equal parts.
    pub(in crate::train) fn check_parts(&self, processes: usize) -> Result<(), TrainError> {
        let Self { batch_size, accumulate, .. } = self;
        if batch_size.is_multiple_of(processes * accumulate) {
            return Ok(());
        }
        let each = if processes == 1 { String::new() } else { format!(" for each of {processes} processes") };
        Err(TrainError::Option(format!(
            "--batch-size {batch_size} cannot be split into {accumulate} equal parts{each}; choose a multiple"
        )))
    }

    /// Where each part of a step's photos begins and ends.
    pub(in crate::train) fn parts(&self, photos: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = photos.div_ceil(self.accumulate).max(1);
        (0..photos).step_by(size).map(move |start| start..(start + size).min(photos))
    }
}
