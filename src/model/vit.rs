//! The encoder that all models share.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::{
    Around, Block, LayerNorm, PatchEmbed, PatchMask, Rotation, VitConfig, resample_grid, sin_cos_2d,
};

/// A plain Vision Transformer; step 4 of the path.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    /// The embedding of patches.
    pub patch_embed: PatchEmbed,
    /// The class token, `[1, 1, D]`.
    pub cls_token: Param<Tensor<3>>,
    /// Register tokens, `[1, R, D]`.
    pub register_tokens: Option<Param<Tensor<3>>>,
    /// Position embeddings, `[1, L, D]`, added to patches only.
    pub pos_embed: Param<Tensor<3>>,
    /// The transformer blocks.
    pub blocks: Vec<Block>,
    /// The norm after the last block.
    pub norm: LayerNorm,
    /// See [`VitConfig::antialias_positions`].
    #[module(skip)]
    antialias: bool,
    /// Base of rotary positions, and the width of a head.
    #[module(skip)]
    rotary: Option<(f64, usize)>,
}

impl VisionTransformer {
    /// Initialises the parameters; position embeddings start as MAE's sin-cos table and are not trained.
    #[must_use]
    pub fn new(config: &VitConfig, device: &Device) -> Self {
        let d = config.embed_dim;
        let positions = match config.rotary_base {
            None => Tensor::from_data(sin_cos_2d(d, config.grid()), device),
            Some(_) => Tensor::zeros([1, config.num_patches(), d], device),
        };
        Self {
            patch_embed: PatchEmbed::new(config, device),
            cls_token: token([1, 1, d], device),
            register_tokens: (config.num_registers > 0).then(|| token([1, config.num_registers, d], device)),
            pos_embed: Param::from_tensor(positions).set_require_grad(false),
            blocks: (0..config.depth).map(|_| Block::encoder(config, device)).collect(),
            norm: LayerNorm::new(d, config.layer_norm_eps, device),
            antialias: config.antialias_positions,
            rotary: config.rotary_base.map(|base| (base, config.embed_dim / config.num_heads)),
        }
    }

    /// Merges layer scale into every block, as [`Block::with_merged_scales`] does.
    #[must_use]
    pub fn with_merged_scales(mut self) -> Self {
        self.blocks = self.blocks.into_iter().map(Block::with_merged_scales).collect();
        self
    }

    /// Embeds patches and adds their position embeddings, without prefix tokens.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`; position embeddings are resampled if the grid differs from the
    ///   table's
    /// - returns `[B, L, D]`
    #[must_use]
    pub fn embed(&self, images: Tensor<4>) -> Tensor<3> {
        let positions = self.positions(&images);
        self.patch_embed.forward(images) + positions
    }

    /// Embeds the visible patches only, as [`embed`](Self::embed) does.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`
    /// - returns `[B, visible, D]`
    #[must_use]
    pub fn embed_visible(&self, images: Tensor<4>, mask: &PatchMask) -> Tensor<3> {
        let positions = mask.keep(self.positions(&images));
        self.patch_embed.project(mask.keep(self.patch_embed.cut(images))) + positions
    }

    /// Returns the position embeddings `[1, L, D]` for the grid of `images`.
    fn positions(&self, images: &Tensor<4>) -> Tensor<3> {
        let [_, _, height, width] = images.dims();
        let [_, _, p, _] = self.patch_embed.weight.dims();
        resample_grid(self.pos_embed.val(), [height / p, width / p], self.antialias)
    }

    /// Returns the inputs of attention besides the tokens, for a grid of `[rows, columns]` patches.
    #[must_use]
    pub fn around(&self, grid: [usize; 2], device: &Device) -> Around {
        let rotation = self.rotary.map(|(base, width)| Rotation::new(base, width, grid, device));
        Around { rotation, blocked: None }
    }

    /// Prepends class token and registers to `patches`.
    ///
    /// # Shapes
    /// - `patches`: `[B, L, D]`
    /// - returns `[B, 1 + R + L, D]`
    #[must_use]
    pub fn with_prefix(&self, patches: Tensor<3>) -> Tensor<3> {
        let batch = patches.dims()[0];
        Tensor::cat(self.prefix(batch).into_iter().chain([patches]).collect(), 1)
    }

    /// Returns class token and registers alone, `[B, 1 + R, D]`.
    #[must_use]
    pub(super) fn with_no_patches(&self, batch: usize) -> Tensor<3> {
        Tensor::cat(self.prefix(batch), 1)
    }

    fn prefix(&self, batch: usize) -> Vec<Tensor<3>> {
        let tokens = [Some(&self.cls_token), self.register_tokens.as_ref()];
        let expanded = |token: &Param<Tensor<3>>| {
            let [_, count, d] = token.dims();
            token.val().expand([batch, count, d])
        };
        tokens.into_iter().flatten().map(expanded).collect()
    }

    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    pub(super) fn round(&mut self) {
        self.blocks.iter_mut().for_each(Block::round);
    }

    /// Applies every block, then the final norm. `around` describes the patches if all of them are there.
    ///
    /// # Shapes
    /// - `tokens`, returns: `[B, T, D]`
    #[must_use]
    pub fn encode(&self, tokens: Tensor<3>, around: &Around) -> Tensor<3> {
        self.norm.forward(self.blocks.iter().fold(tokens, |tokens, block| block.forward(tokens, around)))
    }

    /// Encodes images with every patch visible, including the final norm.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`
    /// - returns `[B, 1 + R + L, D]`
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        let ([_, _, height, width], [_, _, p, _]) = (images.dims(), self.patch_embed.weight.dims());
        let around = self.around([height / p, width / p], &images.device());
        self.encode(self.with_prefix(self.embed(images)), &around)
    }
}

/// Draws a learned token from N(0, 0.02), as MAE does.
pub(super) fn token<const D: usize>(shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Initializer::Normal { mean: 0.0, std: 0.02 }.init(shape, device)
}
