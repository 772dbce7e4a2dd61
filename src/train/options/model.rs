//! Flags that describe an architecture.

use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;

use crate::args::{at_least_one, between_zero_and_one, image_size, read_from_flags, whole};
use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, PixelError, VitConfig};

/// Named sizes of encoders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
pub enum ModelSize {
    /// ViT-Tiny: width 192, 12 blocks, 3 heads.
    #[default]
    Tiny,
    /// ViT-S: width 384, 12 blocks, 6 heads.
    Small,
    /// ViT-B: width 768, 12 blocks, 12 heads.
    Base,
    /// ViT-L: width 1024, 24 blocks, 16 heads.
    Large,
    /// ViT-H: width 1280, 32 blocks, 16 heads.
    Huge,
}

impl ModelSize {
    /// Returns the plain encoder of this size.
    #[must_use]
    pub fn encoder(self, image_size: usize, patch_size: usize) -> VitConfig {
        let (width, depth, heads) = match self {
            Self::Tiny => (192, 12, 3),
            Self::Small => (384, 12, 6),
            Self::Base => (768, 12, 12),
            Self::Large => (1024, 24, 16),
            Self::Huge => (1280, 32, 16),
        };
        VitConfig::plain(image_size, patch_size, width, depth, heads)
    }
}

#[derive(Args)]
struct EncoderFlags {
    /// Size of the encoder.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    model: ModelSize,
    /// Side length of the training crops, in pixels.
    #[arg(long, default_value_t = 224, value_name = "PIXELS", value_parser = image_size)]
    #[arg(help_heading = "Model")]
    image_size: usize,
    /// Side length of a patch, in pixels.
    #[arg(long, default_value_t = 16, value_name = "PIXELS", value_parser = at_least_one)]
    #[arg(help_heading = "Model")]
    patch_size: usize,
}

impl From<EncoderFlags> for VitConfig {
    fn from(flags: EncoderFlags) -> Self {
        flags.model.encoder(flags.image_size, flags.patch_size)
    }
}

read_from_flags!(VitConfig, EncoderFlags);

#[derive(Args)]
struct MaeFlags {
    #[command(flatten)]
    encoder: VitConfig,
    /// Embedding dimension of the decoder.
    #[arg(long, default_value_t = 512, value_name = "WIDTH", value_parser = at_least_one)]
    #[arg(help_heading = "Model")]
    decoder_dim: usize,
    /// Number of decoder blocks; 0 makes the decoder linear.
    #[arg(long, default_value_t = 8, value_name = "BLOCKS", value_parser = whole::<usize>)]
    #[arg(help_heading = "Model")]
    decoder_depth: usize,
    /// Fraction of patches that are masked, between 0 and 1 (exclusive).
    #[arg(long, default_value_t = 0.75, value_name = "SHARE", value_parser = between_zero_and_one)]
    #[arg(help_heading = "Model")]
    mask_ratio: f64,
    /// What the encoder sees in place of masked patches.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    hidden_patches: HiddenPatches,
    /// Patches on which the reconstruction loss is computed.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    loss_on: LossOn,
    /// Error measure of the reconstruction loss.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    pixel_error: PixelError,
    /// Reconstruct raw pixels instead of pixels normalised per patch.
    #[arg(long = "raw-pixels", action = ArgAction::SetFalse, help_heading = "Model")]
    norm_pix_loss: bool,
}

impl From<MaeFlags> for MaeConfig {
    fn from(flags: MaeFlags) -> Self {
        let MaeFlags { encoder, decoder_dim, decoder_depth, mask_ratio, .. } = flags;
        let MaeFlags { hidden_patches, loss_on, pixel_error, norm_pix_loss, .. } = flags;
        let decoder = DecoderConfig::new(decoder_dim, decoder_depth, (decoder_dim / 32).max(1));
        let paper = Self::new(encoder, decoder);
        Self { mask_ratio, hidden_patches, loss_on, pixel_error, norm_pix_loss, ..paper }
    }
}

read_from_flags!(MaeConfig, MaeFlags);
