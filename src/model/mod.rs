//! Models on tensors: the plain Vision Transformer, the masked autoencoder around it, and the mask segmenter
//! on top.
//!
//! ```text
//!                       ┌▶ MaskedAutoencoder: drop hidden patches → blocks → light decoder → pixels
//! images ▶ PatchEmbed ▶ │
//!                       └▶ MaskSegmenter: blocks → queries join the tokens → more blocks → classes and masks
//! ```
//!
//! Axes: `B` batch · `S` image side in pixels · `P` patch side · `g` grid side `S / P` · `L` patches `g²` ·
//! `D` `embed_dim` · `H` heads · `T` all tokens of a sequence · `Q` queries · `K` classes.
//!
//! "Mask" alone means an instance's mask here; what MAE hides is called [`PatchMask`] and `hidden`.

mod attention;
mod block;
mod config;
mod contrastive;
mod extent;
mod head;
mod hiding;
mod linear;
mod mae;
mod masking;
mod norm;
mod ops;
mod patch;
mod plan;
mod pos_embed;
mod redraw;
mod resample;
mod rotary;
mod segmenter;
mod vit;

pub use attention::Attention;
pub use block::{Around, Block, LayerScale, Mlp};
pub use config::{
    ConfigError, DecoderConfig, HiddenPatches, LossOn, MaeConfig, PixelError, SegmenterConfig, VitConfig,
};
pub use contrastive::{ContrastiveEncoder, Projector, contrastive_loss};
pub use extent::Extent;
pub use head::{MaskHead, UpscaleBlock};
pub use hiding::MaskSampling;
pub use linear::Linear;
pub use mae::{MaeOutput, MaskedAutoencoder};
pub use masking::PatchMask;
pub use norm::LayerNorm;
pub use patch::{PatchEmbed, patchify, unpatchify};
pub use plan::TrainingPlan;
pub use pos_embed::{resample_grid, sin_cos_2d};
pub use resample::resample_kernels;
pub use rotary::Rotation;
pub use segmenter::{Half, LateralBlocks, MaskSegmenter, Proposals, SegmenterOutput};
pub use vit::VisionTransformer;
