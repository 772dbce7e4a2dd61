//! What the training verbs ask about their steps alike.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::wrong_usage;
use crate::text::counted;
use crate::train::{Optimizer, PassOptions, Precision, StepOptions};

#[derive(Debug, Args)]
pub(super) struct StepsArg {
    /// TOML file with a table for this verb, its flags as keys; flags given here replace the file's
    #[arg(long, value_name = "TOML", value_parser = super::recipe::existing)]
    recipe: Option<PathBuf>,
    /// Parts a step's photos go through the model in, for the same training in less memory
    #[arg(long, default_value_t = 1, value_parser = super::at_least_one, value_name = "PARTS")]
    accumulate: usize,
    /// Scale gradients down to this norm where they are larger
    #[arg(long, value_name = "NORM", value_parser = super::above_zero(1e9))]
    clip_norm: Option<f64>,
    /// What the blocks' matrix products are computed in; bf16 is faster where the device has it
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,
    /// What turns gradients into steps; muon treats the blocks' matrices, and leaves the rest to adamw
    #[arg(long, value_enum, default_value_t)]
    optimizer: OptimizerArg,
    /// Decay of weights
    #[arg(long, default_value_t = 0.05, value_parser = super::number(0.0_f32, 10.0))]
    weight_decay: f32,
    /// Let vectors (biases, norms, scales) decay too
    #[arg(long)]
    decay_vectors: bool,
    /// Seed of everything random
    #[arg(long, default_value_t = 0, value_parser = super::whole::<u64>)]
    seed: u64,
    /// Steps between checkpoints
    #[arg(long, default_value_t = 200, value_parser = super::at_least_one)]
    save_every: usize,
    /// Steps between panels of what the model makes of its photos
    #[arg(long, default_value_t = 200, value_parser = super::at_least_one)]
    panel_every: usize,
    /// Plain lines of progress, whatever the terminal can show
    #[arg(long)]
    no_tui: bool,
    /// Keep the weights of this many of the latest checkpoints, in kept/ of the run
    #[arg(long, default_value_t = 0, value_name = "CHECKPOINTS", value_parser = super::whole::<usize>)]
    keep: usize,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum PrecisionArg {
    #[default]
    F32,
    Bf16,
}

/// What turns gradients into steps.
#[derive(Debug, Clone, Copy, Default, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OptimizerArg {
    #[default]
    Adamw,
    Muon,
}

impl From<OptimizerArg> for Optimizer {
    fn from(argument: OptimizerArg) -> Self {
        match argument {
            OptimizerArg::Adamw => Self::AdamW,
            OptimizerArg::Muon => Self::Muon,
        }
    }
}

impl StepsArg {
    /// Refuses what no photo makes right.
    pub(super) fn check(&self, batch_size: usize) -> Result<()> {
        if batch_size.is_multiple_of(self.accumulate) {
            return Ok(());
        }
        let photos = counted(batch_size, "photo");
        Err(wrong_usage(format!(
            "{photos} do not make --accumulate {} equal parts; choose a multiple",
            self.accumulate
        )))
    }

    /// Photos that go through the model at once.
    pub(super) fn at_once(&self, batch_size: usize) -> usize {
        batch_size / self.accumulate
    }

    /// Whether progress is to be told in plain lines.
    pub(super) fn plain(&self) -> bool {
        self.no_tui
    }

    pub(super) fn options(&self, batch_size: usize, average_decay: f64) -> StepOptions {
        StepOptions {
            batch_size,
            accumulate: self.accumulate,
            clip_norm: self.clip_norm,
            precision: match self.precision {
                PrecisionArg::F32 => Precision::F32,
                PrecisionArg::Bf16 => Precision::Bf16,
            },
            optimizer: self.optimizer.into(),
            weight_decay: self.weight_decay,
            decay_vectors: self.decay_vectors,
            average_decay,
            seed: self.seed,
            save_every: self.save_every,
            panel_every: self.panel_every,
            keep: self.keep,
        }
    }
}

/// What verbs that learn from photos without labels ask.
#[derive(Debug, Args)]
pub(super) struct PassesArg {
    /// Passes over the photos
    #[arg(long, default_value_t = 800, value_parser = super::at_least_one)]
    epochs: usize,
    /// Passes with a rising learning rate
    #[arg(long, default_value_t = 40.0, value_parser = super::number(0.0, 1e9))]
    warmup_epochs: f64,
    /// Passes after which the learning rate falls to a tenth, in place of half a cosine
    #[arg(long, value_name = "EPOCHS", value_parser = super::number(0.0, 1e9), num_args = 1..)]
    fall_after: Vec<f64>,
    /// Photos per step
    #[arg(long, default_value_t = 64, value_parser = super::at_least_one)]
    batch_size: usize,
    /// Learning rate for 256 photos; the one used grows with the batch
    #[arg(long, default_value_t = 1.5e-4, value_parser = super::number(0.0, 1e3))]
    base_lr: f64,
    /// How much of AdamW's second moment stays at each step
    #[arg(long, default_value_t = 0.95, value_name = "BETA", value_parser = super::number(0.0_f32, 0.999_999))]
    beta2: f32,
    /// How much of the moving average of the weights stays at each step (0: none is kept)
    #[arg(long, default_value_t = 0.0, value_name = "DECAY", value_parser = super::below_one)]
    average: f64,
    /// Smallest share of a photo that a crop covers
    #[arg(long, default_value_t = 0.2, value_parser = super::number(0.01, 1.0))]
    min_crop: f64,
    /// Do not mirror crops
    #[arg(long)]
    no_flip: bool,
    /// Resize crops bilinearly, as `SimMIM` does, in place of bicubically
    #[arg(long)]
    bilinear: bool,
    #[command(flatten)]
    steps: StepsArg,
}

impl PassesArg {
    /// Refuses what no photo makes right.
    pub(super) fn check(&self) -> Result<()> {
        self.steps.check(self.batch_size)
    }

    /// Refuses what leaves a photo without others of its step.
    pub(super) fn check_together(&self) -> Result<()> {
        if self.batch_size < 2 {
            return Err(wrong_usage(
                "one photo has no other to be told apart from: contrast needs --batch-size 2 or more",
            ));
        }
        if self.steps.accumulate > 1 {
            return Err(wrong_usage(
                "photos are told apart within their part of the batch: contrast needs --accumulate 1",
            ));
        }
        Ok(())
    }

    /// Photos that go through the model at once.
    pub(super) fn at_once(&self) -> usize {
        self.steps.at_once(self.batch_size)
    }

    pub(super) fn plain(&self) -> bool {
        self.steps.plain()
    }

    pub(super) fn options(&self) -> PassOptions {
        PassOptions {
            epochs: self.epochs,
            warmup_epochs: self.warmup_epochs,
            falls: self.fall_after.clone(),
            base_learning_rate: self.base_lr,
            second_beta: self.beta2,
            min_crop: self.min_crop,
            flip: !self.no_flip,
            bilinear: self.bilinear,
            steps: self.steps.options(self.batch_size, self.average),
        }
    }
}
