//! The options of masked-autoencoder pretraining.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::PassOptions;
use crate::args::{defaults, number};
use crate::model::{MaeConfig, MaskSampling};

/// Options of a pretraining run.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct PretrainOptions {
    /// Architecture of the masked autoencoder.
    #[command(flatten)]
    pub model: MaeConfig,
    /// Sampling strategy for masked patches.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pub mask_sampling: MaskSampling,
    /// Strength of brightness, contrast and saturation jitter, 0 to 1.
    #[arg(long = "color-jitter", alias = "colour", default_value_t = 0.0, value_name = "SHARE")]
    #[arg(value_parser = number(0.0_f32, 1.0), help_heading = "Augmentation")]
    pub colour: f32,
    /// Passes over the photos.
    #[command(flatten)]
    #[serde(flatten)]
    pub passes: PassOptions,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        defaults()
    }
}
