//! Flags that describe an architecture.

use clap::{ArgAction, Args, ValueEnum};
use serde::Serialize;

use crate::args::{at_least_one, between_zero_and_one, image_size, read_from_flags, whole};
use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, PixelError, VitConfig};

/// Named sizes of encoders.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize)]
pub enum ModelSize {
    /// ViT-Tiny: 192 wide, 12 deep, 3 heads.
    #[default]
    Tiny,
    /// ViT-S: 384 wide, 12 deep, 6 heads.
    Small,
    /// ViT-B: 768 wide, 12 deep, 12 heads.
    Base,
    /// ViT-L: 1024 wide, 24 deep, 16 heads.
    Large,
    /// ViT-H: 1280 wide, 32 deep, 16 heads.
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
    /// Side of the training crops, in pixels.
    #[arg(long, default_value_t = 224, value_name = "PIXELS", value_parser = image_size)]
    #[arg(help_heading = "Model")]
    image_size: usize,
    /// Side of a patch, in pixels.
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
    /// Width of the decoder.
    #[arg(long, default_value_t = 512, value_name = "WIDTH", value_parser = at_least_one)]
    #[arg(help_heading = "Model")]
    decoder_dim: usize,
    /// Depth of the decoder in blocks; with 0 it is linear.
    #[arg(long, default_value_t = 8, value_name = "BLOCKS", value_parser = whole::<usize>)]
    #[arg(help_heading = "Model")]
    decoder_depth: usize,
    /// Masking ratio: the share of patches that are hidden, above 0 and below 1.
    #[arg(long, default_value_t = 0.75, value_name = "SHARE", value_parser = between_zero_and_one)]
    #[arg(help_heading = "Model")]
    mask_ratio: f64,
    /// What the encoder sees in place of masked patches.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    hidden_patches: HiddenPatches,
    /// Patches that the reconstruction loss is taken on.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    loss_on: LossOn,
    /// Distance between pixels in the reconstruction loss.
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
