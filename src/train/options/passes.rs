//! The options that both kinds of pretraining share.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::StepOptions;
use crate::args::{at_least_one, defaults, number};
use crate::train::AdamWOptions;

/// Options of passes over unlabelled photos (MAE, <https://arxiv.org/abs/2111.06377> Table 8).
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct PassOptions {
    /// Minimum area of a random resized crop, as a fraction of the photo, 0.01 to 1.
    #[arg(long, default_value_t = 0.2, value_name = "SHARE", value_parser = number(0.01, 1.0))]
    #[arg(help_heading = "Augmentation")]
    pub min_crop: f64,
    /// Resize crops with bilinear instead of bicubic interpolation, as SimMIM does.
    #[arg(long, help_heading = "Augmentation")]
    pub bilinear: bool,
    /// Number of passes over the photos.
    #[arg(long, default_value_t = 800, value_parser = at_least_one, help_heading = "Schedule")]
    pub epochs: usize,
    /// Number of epochs of linear learning-rate warm-up.
    #[arg(long, default_value_t = 40.0, value_name = "EPOCHS", value_parser = number(0.0, 1e9))]
    #[arg(help_heading = "Schedule")]
    pub warmup_epochs: f64,
    /// Epochs after which the learning rate is divided by 10, instead of cosine decay.
    #[arg(long = "lr-milestones", alias = "fall-after", value_name = "EPOCHS")]
    #[arg(value_parser = number(0.0, 1e9), num_args = 1..)]
    #[arg(help_heading = "Schedule")]
    pub falls: Vec<f64>,
    /// Base learning rate for a batch size of 256; scaled linearly with the batch size.
    #[arg(long = "base-lr", default_value_t = 1.5e-4, value_name = "LR", value_parser = number(0.0, 1e3))]
    #[arg(help_heading = "Optimisation")]
    pub base_learning_rate: f64,
    /// Beta 2 of AdamW: the decay rate of the second moment.
    #[arg(long = "beta2", default_value_t = 0.95, value_name = "BETA")]
    #[arg(value_parser = number(0.0_f32, 0.999_999), help_heading = "Optimisation")]
    pub second_beta: f32,
    /// Options of every step.
    #[command(flatten)]
    #[serde(flatten)]
    pub steps: StepOptions,
}

impl Default for PassOptions {
    fn default() -> Self {
        defaults()
    }
}

impl PassOptions {
    pub(in crate::train) fn adamw(&self) -> AdamWOptions {
        self.steps.adamw(self.second_beta)
    }
}
