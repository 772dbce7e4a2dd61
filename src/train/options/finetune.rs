//! The options of fine-tuning.

use std::str::FromStr;

use clap::{ArgAction, Args};
use serde::{Deserialize, Serialize};

use super::StepOptions;
use crate::args::{at_least_one, below_one, defaults, number, whole};
use crate::data::AugmentOptions;
use crate::train::TrainError;
use crate::train::loss::SetLossConfig;

/// How much of the encoder changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tune {
    /// Nothing: new blocks work on features from several of its depths.
    Frozen,
    /// Its last K blocks, in which the queries take part.
    Top(usize),
    /// All of it.
    Full,
}

impl FromStr for Tune {
    type Err = String;

    /// Reads `frozen`, `top:K` or `full`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "frozen" => Ok(Self::Frozen),
            None if text == "full" => Ok(Self::Full),
            Some(("top", blocks)) => match blocks.parse() {
                Ok(blocks) if blocks > 0 => Ok(Self::Top(blocks)),
                _ => Err("top:K needs at least one block, such as top:4".to_owned()),
            },
            _ => Err("expected frozen, top:K (such as top:4) or full".to_owned()),
        }
    }
}

/// Options of a fine-tuning run.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[command(mut_arg("batch_size", |arg| arg.default_value("16")))]
#[command(mut_arg("average_decay", |arg| arg.default_value("0.999")))]
#[serde(default)]
pub struct FinetuneOptions {
    /// Side length of a patch, in pixels, to which the patch embedding is resampled [default: that of
    /// --encoder; 16 from scratch].
    #[arg(long, value_name = "PIXELS", value_parser = at_least_one, help_heading = "Model")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_size: Option<usize>,
    /// Part of the encoder to fine-tune: none, the last K blocks, or all of it.
    #[arg(long, default_value = "full", value_name = "frozen|top:K|full", help_heading = "Model")]
    pub tune: Tune,
    /// Number of learned queries, which limits the instances per photo; 0 makes every patch a query, which
    /// learns faster.
    #[arg(long = "queries", default_value_t = 50, value_name = "QUERIES", value_parser = whole::<usize>)]
    #[arg(help_heading = "Model")]
    pub num_queries: usize,
    /// Number of blocks that process the queries together with the patches.
    #[arg(long = "blocks", default_value_t = 3, value_name = "BLOCKS", value_parser = at_least_one)]
    #[arg(help_heading = "Model")]
    pub num_blocks: usize,
    /// Start from all weights of the segmenter given as --encoder: also its queries, blocks, head and shared
    /// labels.
    #[arg(long, help_heading = "Model")]
    pub whole: bool,
    /// Drop path (stochastic depth) rate of the last block; it decreases linearly to 0 at the first block.
    #[arg(long, default_value_t = 0.0, value_name = "RATE", value_parser = below_one, help_heading = "Model")]
    pub drop_path: f64,
    /// Disable masked attention, for cheaper steps but slower learning.
    #[arg(long = "no-masked-attention", action = ArgAction::SetFalse, help_heading = "Model")]
    pub masked_attention: bool,
    /// How a photo varies from one visit to the next; its side is that of the input, to which the encoder's
    /// positions are resampled.
    #[command(flatten)]
    pub augment: AugmentOptions,
    /// Number of fixed augmented views per photo; 0 draws a new view each time.
    ///
    /// The features of fixed views are computed only once if the encoder is frozen, and stored in the run's
    /// features/ folder.
    #[arg(long, default_value_t = 0, value_parser = whole::<usize>, help_heading = "Augmentation")]
    pub views: usize,
    /// Weight of the distillation loss.
    #[arg(
        long = "distill-weight",
        alias = "teacher-coefficient",
        default_value_t = 5.0,
        value_name = "WEIGHT"
    )]
    #[arg(value_parser = number(0.0_f32, 1e6), help_heading = "Distillation")]
    pub teacher_coefficient: f32,
    /// Number of optimizer steps.
    #[arg(long = "steps", default_value_t = 20_000, value_name = "STEPS", value_parser = at_least_one)]
    #[arg(help_heading = "Schedule")]
    pub total_steps: usize,
    /// Number of warm-up steps for new parameters, during which the encoder is frozen.
    #[arg(long, default_value_t = 500, value_name = "STEPS", value_parser = whole::<usize>)]
    #[arg(help_heading = "Schedule")]
    pub warmup_steps: usize,
    /// Number of warm-up steps for the encoder after --warmup-steps [default: twice as many].
    #[arg(long, value_name = "STEPS", value_parser = whole::<usize>, help_heading = "Schedule")]
    pub encoder_warmup_steps: Option<usize>,
    /// Intervals in which masked attention is phased out, one per --blocks, as fractions of the training, for
    /// example 0.1-0.3,0.3-0.5,0.5-0.8 [default: a sixth each, evenly spaced from 1/6 to 5/6].
    #[arg(long = "anneal-masks", value_name = "START-END", value_parser = window, num_args = 1..)]
    #[arg(value_delimiter = ',', help_heading = "Schedule")]
    pub annealing: Vec<(f64, f64)>,
    /// Peak learning rate of new parameters and of the last encoder block.
    #[arg(long = "lr", default_value_t = 1e-4, value_name = "LR", value_parser = number(0.0, 1e3))]
    #[arg(help_heading = "Optimisation")]
    pub learning_rate: f64,
    /// Factor by which the learning rate decreases from each encoder block to the one before it.
    #[arg(long, default_value_t = 0.8, value_name = "FACTOR", value_parser = number(0.0, 1.0))]
    #[arg(help_heading = "Optimisation")]
    pub layer_decay: f64,
    /// The set loss.
    #[command(flatten)]
    pub loss: SetLossConfig,
    /// Options of every step.
    #[command(flatten)]
    #[serde(flatten)]
    pub steps: StepOptions,
}

fn window(text: &str) -> Result<(f64, f64), String> {
    let shares = text.split_once('-').map(|(start, end)| (start.trim().parse(), end.trim().parse()));
    match shares {
        Some((Ok(start), Ok(end))) if 0.0 <= start && start <= end && end <= 1.0 => Ok((start, end)),
        _ => Err("expected two fractions of the training from 0 to 1, such as 0.1-0.3".to_owned()),
    }
}

impl Default for FinetuneOptions {
    fn default() -> Self {
        defaults()
    }
}

impl FinetuneOptions {
    /// Warm-up steps of the encoder.
    #[must_use]
    pub fn encoder_warmup(&self) -> usize {
        self.encoder_warmup_steps.unwrap_or(2 * self.warmup_steps)
    }

    /// # Errors
    /// [`TrainError::Option`] naming what cannot be followed.
    pub(in crate::train) fn check(&self) -> Result<(), TrainError> {
        if (0.0..1.0).contains(&self.drop_path) {
            return self.steps.check();
        }
        Err(TrainError::Option("the drop path rate must be at least 0 and below 1".to_owned()))
    }
}
