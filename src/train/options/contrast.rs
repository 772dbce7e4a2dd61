//! The options of contrastive pretraining.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::PassOptions;
use crate::args::{defaults, number};
use crate::model::VitConfig;

/// Options of a contrastive run.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct ContrastOptions {
    /// Architecture of the encoder.
    #[command(flatten)]
    pub encoder: VitConfig,
    /// Strength of brightness, contrast and saturation jitter, 0 to 1.
    #[arg(long = "color-jitter", alias = "colour", default_value_t = 0.4, value_name = "SHARE")]
    #[arg(value_parser = number(0.0_f32, 1.0), help_heading = "Augmentation")]
    pub colour: f32,
    /// Temperature of the contrastive loss; lower values weight the most similar photos more.
    #[arg(long, default_value_t = 0.2, value_parser = number(1e-3, 1e3), help_heading = "Optimisation")]
    pub temperature: f64,
    /// Passes over the photos.
    #[command(flatten)]
    #[serde(flatten)]
    pub passes: PassOptions,
}

impl Default for ContrastOptions {
    fn default() -> Self {
        defaults()
    }
}
