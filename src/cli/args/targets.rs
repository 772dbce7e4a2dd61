//! The prediction targets of a masked autoencoder whose weights do not state them.

use clap::Args;

use crate::weights::{Architecture, Checkpoint};

#[derive(Debug, Default, Args)]
pub(in crate::cli) struct TargetsArg {
    /// Whether the masked autoencoder predicts raw pixels instead of pixels normalised per patch [default: as
    /// in config.json; without one, true for files named `mae_visualize_*`, else false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    raw_pixels: Option<bool>,
}

impl TargetsArg {
    /// Returns the checkpoint with the targets that were asked for.
    pub(in crate::cli) fn of(&self, mut checkpoint: Checkpoint) -> Checkpoint {
        if let (Architecture::Mae(mae), Some(raw)) = (&mut checkpoint.config.architecture, self.raw_pixels) {
            mae.norm_pix_loss = !raw;
        }
        checkpoint
    }
}
