//! Architectures as values: validated once, stored beside the weights.

mod segmenter;

use serde::{Deserialize, Serialize};

pub use segmenter::SegmenterConfig;

/// Why an architecture cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A size is zero.
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    /// A size is implausibly large.
    #[error("`{0}` is {1}; no model is that large")]
    TooLarge(&'static str, usize),
    /// One size must divide another.
    #[error("`{part}` ({part_value}) must divide `{whole}` ({whole_value})")]
    NotDivisible {
        /// The dividing field.
        part: &'static str,
        /// Its value.
        part_value: usize,
        /// The divided field.
        whole: &'static str,
        /// Its value.
        whole_value: usize,
    },
    /// A layer index or count exceeds the encoder's depth.
    #[error("`{field}` names layer {value}, but the encoder has {depth}")]
    LayerOutOfRange {
        /// The field at fault.
        field: &'static str,
        /// Its value.
        value: usize,
        /// Encoder depth.
        depth: usize,
    },
    /// A patch is larger than the image.
    #[error("`patch_size` ({patch}) must not exceed `image_size` ({image})")]
    NoPatch {
        /// Side of a patch.
        patch: usize,
        /// Side of the image.
        image: usize,
    },
    /// The layer-norm epsilon is out of range.
    #[error("`layer_norm_eps` ({0}) must be a positive number below 1")]
    Epsilon(String),
    /// The base of rotary positions is out of range.
    #[error("the base of rotary positions, `rope_theta`, is {0}; it must be above 1")]
    RotaryBase(String),
    /// The number of masked-attention probabilities differs from the number of blocks with queries.
    #[error("`attn_mask_probs` has {0} numbers, but {1} blocks process queries")]
    MaskProbabilities(usize, usize),
    /// The mask ratio leaves no visible or no hidden patch.
    #[error("mask ratio {0} must lie in (0, 1) and leave at least one visible and one hidden patch")]
    MaskRatio(String),
}

fn yes() -> bool {
    true
}

/// The maximum of every size, far above any published model; products of two sizes cannot overflow.
const LARGEST: usize = 1 << 20;

fn nonzero(field: &'static str, value: usize) -> Result<(), ConfigError> {
    match value {
        0 => Err(ConfigError::Zero(field)),
        1..=LARGEST => Ok(()),
        _ => Err(ConfigError::TooLarge(field, value)),
    }
}

fn divides(part: (&'static str, usize), whole: (&'static str, usize)) -> Result<(), ConfigError> {
    nonzero(part.0, part.1)?;
    nonzero(whole.0, whole.1)?;
    if whole.1.is_multiple_of(part.1) {
        return Ok(());
    }
    Err(ConfigError::NotDivisible { part: part.0, part_value: part.1, whole: whole.0, whole_value: whole.1 })
}

/// The configuration of the encoder, a plain pre-norm ViT (<https://arxiv.org/abs/2010.11929>).
///
/// It covers MAE and DINOv2-type encoders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VitConfig {
    /// Side of the square input in pixels; the remainder beyond a multiple of `patch_size` is ignored.
    pub image_size: usize,
    /// Side length of a patch, in pixels.
    pub patch_size: usize,
    /// Token width (`hidden_size` in Hugging Face).
    pub embed_dim: usize,
    /// Number of blocks.
    pub depth: usize,
    /// Number of attention heads; divides `embed_dim`.
    pub num_heads: usize,
    /// Hidden width of the MLPs.
    pub mlp_dim: usize,
    /// Number of register tokens after the class token.
    pub num_registers: usize,
    /// Whether the residual branches have a learned per-channel scale.
    pub layer_scale: bool,
    /// Whether the MLPs have a gate (`SwiGLU`) instead of a GELU.
    #[serde(default)]
    pub gated_mlp: bool,
    /// Whether queries, keys and values have a bias.
    #[serde(default = "yes")]
    pub qkv_bias: bool,
    /// The epsilon added to the variance in every `LayerNorm`.
    pub layer_norm_eps: f64,
    /// Whether position embeddings are resampled to other grids with antialiasing, as timm does.
    #[serde(default)]
    pub antialias_positions: bool,
    /// Base of the periods of rotary positions, which replace the position embeddings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotary_base: Option<f64>,
}

impl VitConfig {
    /// Returns a ViT with the usual ratios: MLPs four times as wide as the tokens, no registers, no layer
    /// scale.
    #[must_use]
    pub fn plain(
        image_size: usize,
        patch_size: usize,
        embed_dim: usize,
        depth: usize,
        num_heads: usize,
    ) -> Self {
        Self {
            image_size,
            patch_size,
            embed_dim,
            depth,
            num_heads,
            mlp_dim: 4 * embed_dim,
            num_registers: 0,
            layer_scale: false,
            gated_mlp: false,
            qkv_bias: true,
            layer_norm_eps: 1e-6,
            antialias_positions: false,
            rotary_base: None,
        }
    }

    /// Returns ViT-Tiny/16: 192 wide, 12 deep, 3 heads.
    #[must_use]
    pub fn tiny(image_size: usize) -> Self {
        Self::plain(image_size, 16, 192, 12, 3)
    }

    /// Returns the side of the patch grid.
    #[must_use]
    pub fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }

    /// Returns the number of patches, `grid²`.
    #[must_use]
    pub fn num_patches(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Returns the number of tokens in front of the patches: class token and registers.
    #[must_use]
    pub fn num_prefix(&self) -> usize {
        1 + self.num_registers
    }

    /// Checks that the sizes are possible and fit each other.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field at fault.
    pub fn validate(&self) -> Result<(), ConfigError> {
        nonzero("depth", self.depth)?;
        nonzero("mlp_dim", self.mlp_dim)?;
        nonzero("patch_size", self.patch_size)?;
        nonzero("image_size", self.image_size)?;
        if self.patch_size > self.image_size {
            return Err(ConfigError::NoPatch { patch: self.patch_size, image: self.image_size });
        }
        nonzero("number of patches", self.num_patches())?;
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(ConfigError::Epsilon(self.layer_norm_eps.to_string()));
        }
        divides(("num_heads", self.num_heads), ("embed_dim", self.embed_dim))?;
        if let Some(base) = self.rotary_base {
            divides(("4", 4), ("width of a head", self.embed_dim / self.num_heads))?;
            if !(base.is_finite() && base > 1.0) {
                return Err(ConfigError::RotaryBase(base.to_string()));
            }
        }
        divides(("4", 4), ("embed_dim", self.embed_dim))
    }
}

/// The configuration of a stack of plain blocks besides the encoder's: MAE's decoder, or the segmenter's
/// blocks over a frozen encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecoderConfig {
    /// Token width.
    pub embed_dim: usize,
    /// Number of blocks; 0 leaves only linear layers, as in SimMIM.
    pub depth: usize,
    /// Number of attention heads.
    pub num_heads: usize,
    /// Hidden width of the MLPs.
    pub mlp_dim: usize,
}

impl DecoderConfig {
    /// Returns a stack whose MLPs are four times as wide as its tokens.
    #[must_use]
    pub fn new(embed_dim: usize, depth: usize, num_heads: usize) -> Self {
        Self { embed_dim, depth, num_heads, mlp_dim: 4 * embed_dim }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        nonzero("decoder mlp_dim", self.mlp_dim)?;
        divides(("decoder num_heads", self.num_heads), ("decoder embed_dim", self.embed_dim))?;
        divides(("4", 4), ("decoder embed_dim", self.embed_dim))
    }
}

/// What the encoder sees in place of a hidden patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum HiddenPatches {
    /// Nothing: masked patches are dropped, as in MAE.
    #[default]
    Drop,
    /// A learned mask token, as in BERT and SimMIM.
    MaskToken,
    /// The embedding of an all-zero patch.
    Zero,
}

/// The patches on which the reconstruction loss is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum LossOn {
    /// Masked patches, as in MAE.
    #[default]
    Hidden,
    /// Visible patches.
    Visible,
    /// All patches.
    All,
}

/// The error measure of predicted pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum PixelError {
    /// Squared error, as in MAE.
    #[default]
    Squared,
    /// Absolute error, as in SimMIM.
    Absolute,
}

/// The configuration of the masked autoencoder (<https://arxiv.org/abs/2111.06377>).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MaeConfig {
    /// The encoder.
    pub encoder: VitConfig,
    /// The light decoder.
    pub decoder: DecoderConfig,
    /// Share of patches hidden from the encoder, in (0, 1).
    pub mask_ratio: f64,
    /// Whether the target patches are normalised by their own mean and standard deviation.
    pub norm_pix_loss: bool,
    /// The patches on which the loss is computed.
    #[serde(default)]
    pub loss_on: LossOn,
    /// The error measure of the loss.
    #[serde(default)]
    pub pixel_error: PixelError,
    /// What the encoder sees in place of hidden patches.
    #[serde(default)]
    pub hidden_patches: HiddenPatches,
    /// Number of features per patch of a teacher, reconstructed in addition to the pixels; 0 for pixels only.
    #[serde(default)]
    pub teacher_dim: usize,
}

impl MaeConfig {
    /// Returns the paper's choices around `encoder`: 75 % hidden, normalised pixels.
    #[must_use]
    pub fn new(encoder: VitConfig, decoder: DecoderConfig) -> Self {
        Self {
            encoder,
            decoder,
            mask_ratio: 0.75,
            norm_pix_loss: true,
            loss_on: LossOn::Hidden,
            pixel_error: PixelError::Squared,
            hidden_patches: HiddenPatches::Drop,
            teacher_dim: 0,
        }
    }

    /// Returns the number of patches that the encoder sees: `floor(L · (1 − mask_ratio))`.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "patch counts are small and the ratio lies in (0, 1)"
    )]
    pub fn num_visible(&self) -> usize {
        (self.encoder.num_patches() as f64 * (1.0 - self.mask_ratio)) as usize
    }

    /// Checks that the sizes are possible and that the mask ratio leaves visible and hidden patches.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field at fault.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.encoder.validate()?;
        self.decoder.validate()?;
        divides(("patch_size", self.encoder.patch_size), ("image_size", self.encoder.image_size))?;
        let visible = self.num_visible();
        let possible = self.mask_ratio > 0.0 && self.mask_ratio < 1.0;
        if possible && visible > 0 && visible < self.encoder.num_patches() {
            Ok(())
        } else {
            Err(ConfigError::MaskRatio(self.mask_ratio.to_string()))
        }
    }
}
