//! The mask segmenter: learned queries join the tokens and each claims one instance.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::{
    Block, ConfigError, DecoderConfig, Extent, LayerNorm, Linear, MaskHead, SegmenterConfig, TrainingPlan,
    UpscaleBlock, VisionTransformer, resample_grid, resample_kernels,
};

mod proposals;
mod together;

pub use proposals::Proposals;
pub use together::Half;

/// Prior odds of an object against "no object" for a freshly initialised model in which every patch is a
/// query.
const PRIOR: f32 = 0.1;

/// One prediction of the [`MaskSegmenter`].
#[derive(Debug, Clone)]
pub struct SegmenterOutput {
    /// Class logits, `[B, Q, K + 1]`; the last class is "no object".
    pub class_logits: Tensor<3>,
    /// Mask logits, `[B, Q, height, width]`, positive inside the instance; the size is 2ⁿ times the patch
    /// grid for n upscale blocks.
    pub mask_logits: Tensor<4>,
    /// The teacher's features as predicted from the patches, `[B, L, teacher D]`; only in training, for the
    /// final prediction.
    pub features: Option<Tensor<3>>,
}

/// New blocks over features from several depths of a frozen encoder (PMT, <https://github.com/tue-mps/pmt>).
#[derive(Module, Debug)]
pub struct LateralBlocks {
    /// One norm per lateral feature.
    pub norms: Vec<LayerNorm>,
    /// One projection per lateral feature; their sum enters the blocks.
    pub projections: Vec<Linear>,
    /// The new blocks.
    pub blocks: Vec<Block>,
    /// The norm before the head.
    pub norm: LayerNorm,
}

impl LateralBlocks {
    fn new(config: &SegmenterConfig, device: &Device) -> Self {
        let encoder = &config.encoder;
        let (d, eps) = (encoder.embed_dim, encoder.layer_norm_eps);
        let shape = DecoderConfig {
            embed_dim: d,
            depth: config.num_blocks,
            num_heads: encoder.num_heads,
            mlp_dim: encoder.mlp_dim,
        };
        let each = config.lateral_layers.iter();
        Self {
            norms: each.clone().map(|_| LayerNorm::new(d, eps, device)).collect(),
            projections: each.map(|_| Linear::new(d, d, device)).collect(),
            blocks: (0..config.num_blocks).map(|_| Block::decoder(&shape, eps, device)).collect(),
            norm: LayerNorm::new(d, eps, device),
        }
    }

    fn merge(&self, features: Vec<Tensor<3>>) -> Option<Tensor<3>> {
        let projected = features
            .into_iter()
            .zip(self.norms.iter().zip(&self.projections))
            .map(|(feature, (norm, projection))| projection.forward(norm.forward(feature)));
        projected.reduce(|sum, feature| sum + feature)
    }
}

/// The mask segmenter: encoder, queries and head (EoMT, <https://arxiv.org/abs/2503.19108>); step 5 of the
/// path.
///
/// Queries take part in the encoder's own last blocks, or in new [`LateralBlocks`]; both use the same code
/// path.
#[derive(Module, Debug)]
pub struct MaskSegmenter {
    /// The encoder.
    pub encoder: VisionTransformer,
    /// New blocks over the encoder's features, if the config has lateral layers.
    pub lateral: Option<LateralBlocks>,
    /// Learned queries, `[Q, D]`; without them every patch is a query for the object around it.
    pub queries: Option<Param<Tensor<2>>>,
    /// The head for classes and masks.
    pub head: MaskHead,
    /// The location terms of masks, if every patch is a query.
    pub extent: Option<Extent>,
    /// From patches to the features of a teacher, an additional training target; only with `teacher_dim`.
    pub teacher_pred: Option<Linear>,
    #[module(skip)]
    config: SegmenterConfig,
}

impl MaskSegmenter {
    /// Initialises the parameters; position embeddings start as MAE's and are trained.
    #[must_use]
    pub fn new(config: &SegmenterConfig, device: &Device) -> Self {
        let encoder = &config.encoder;
        let d = encoder.embed_dim;
        let queries = Initializer::Normal { mean: 0.0, std: 1.0 };
        let mut vit = VisionTransformer::new(encoder, device);
        vit.pos_embed = vit.pos_embed.set_require_grad(encoder.rotary_base.is_none());
        let mut head = MaskHead::new(d, config.num_classes, config.num_upscale_blocks, device);
        if config.num_queries == 0 {
            // At first masks are the extents alone, and few patches claim an object (the prior of RetinaNet,
            // <https://arxiv.org/abs/1708.02002>).
            head.fc3.weight = Initializer::Zeros.init([d, d], device);
            let mut bias = vec![0.0; config.num_classes];
            bias.push((config.num_classes as f32 / PRIOR).ln());
            head.class_predictor.bias = Some(Param::from_data(TensorData::from(bias.as_slice()), device));
        }
        Self {
            encoder: vit,
            lateral: (!config.lateral_layers.is_empty()).then(|| LateralBlocks::new(config, device)),
            queries: (config.num_queries > 0).then(|| queries.init([config.num_queries, d], device)),
            head,
            extent: (config.num_queries == 0).then(|| Extent::new(d, device)),
            teacher_pred: (config.teacher_dim > 0).then(|| Linear::new(d, config.teacher_dim, device)),
            config: config.clone(),
        }
    }

    /// Returns the architecture.
    #[must_use]
    pub fn config(&self) -> &SegmenterConfig {
        &self.config
    }

    /// Changes the patch size: the kernels of the patch embedding are resampled, as timm does it.
    #[must_use]
    pub fn with_patch_size(mut self, patch_size: usize) -> Self {
        self.config.encoder.patch_size = patch_size;
        self.encoder.patch_embed.weight = self.encoder.patch_embed.weight.map(|kernels| {
            let learned = kernels.is_require_grad();
            resample_kernels(kernels, patch_size).detach().set_require_grad(learned)
        });
        self
    }

    /// Changes the input size: the position embeddings are resampled.
    ///
    /// # Errors
    /// [`ConfigError`] if the patches do not fit the size.
    pub fn with_image_size(mut self, image_size: usize) -> Result<Self, ConfigError> {
        self.config.encoder.image_size = image_size;
        self.config.encoder.validate()?;
        let (grid, antialias) = (self.config.encoder.grid(), self.config.encoder.antialias_positions);
        self.encoder.pos_embed = self.encoder.pos_embed.map(|table| {
            let learned = table.is_require_grad();
            resample_grid(table, [grid; 2], antialias).detach().set_require_grad(learned)
        });
        Ok(self)
    }

    /// Allows rounding of activations, queries, keys and values to 16 bits, for weights of `f16` precision.
    /// Browsers without a GPU then need half the time; elsewhere nothing changes.
    #[must_use]
    pub fn rounding(mut self) -> Self {
        self.encoder.round();
        self.lateral.iter_mut().flat_map(|lateral| &mut lateral.blocks).for_each(Block::round);
        self.head.upscale.iter_mut().for_each(UpscaleBlock::round);
        self
    }

    /// Replaces the class predictor by a freshly initialised one for `num_classes` classes.
    #[must_use]
    pub fn with_classes(mut self, num_classes: usize, device: &Device) -> Self {
        self.config.num_classes = num_classes;
        let (width, upscale) = (self.config.encoder.embed_dim, self.config.num_upscale_blocks);
        self.head.class_predictor = MaskHead::new(width, num_classes, upscale, device).class_predictor;
        self
    }

    /// Makes the model predict `teacher_dim` features of a teacher per patch; 0 for none.
    #[must_use]
    pub fn with_teacher(mut self, teacher_dim: usize, device: &Device) -> Self {
        if teacher_dim != self.config.teacher_dim {
            let width = self.config.encoder.embed_dim;
            self.teacher_pred = (teacher_dim > 0).then(|| Linear::new(width, teacher_dim, device));
            self.config.teacher_dim = teacher_dim;
        }
        self
    }

    /// Predicts classes and masks of all queries.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`, normalised
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> SegmenterOutput {
        self.drawn(self.propose(images))
    }

    /// Runs the first half of [`forward`](Self::forward), up to the classes of the queries.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`, normalised
    #[must_use]
    pub fn propose(&self, images: Tensor<4>) -> Proposals {
        let grid = self.grid(&images);
        let mut masked = self.config.masked_queries(images.dims()[0]).into_iter();
        let mut around = self.encoder.around(grid, &images.device());
        let mut tokens = self.join(images, &[]);
        for block in self.blocks() {
            // As in `transformers`, a block without a share of its own keeps the attention mask of the one
            // before.
            if let Some(kept) = masked.next().flatten() {
                let output = self.predict(tokens.clone(), grid);
                around.blocked = Some(self.blocked(&output.mask_logits, grid, &kept));
            }
            tokens = block.forward(tokens, &around);
        }
        self.proposals(tokens, grid)
    }

    /// Runs training's forward pass, and returns all predictions, the final one last; each is meant to get
    /// the full loss.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`, normalised
    #[must_use]
    pub fn forward_training(&self, images: Tensor<4>, plan: &TrainingPlan) -> Vec<SegmenterOutput> {
        let grid = self.grid(&images);
        self.forward_joined(self.join(images, &plan.branches), grid, plan)
    }

    /// Runs training's forward pass from the [`lateral_features`](Self::lateral_features) of images with a
    /// `grid` of rows and columns of patches.
    #[must_use]
    pub fn forward_laterals(
        &self,
        laterals: Vec<Tensor<3>>,
        grid: [usize; 2],
        plan: &TrainingPlan,
    ) -> Vec<SegmenterOutput> {
        let merged = self.lateral.as_ref().and_then(|lateral| lateral.merge(laterals));
        merged.map_or_else(Vec::new, |tokens| self.forward_joined(self.with_queries(tokens), grid, plan))
    }

    /// Computes the encoder's features of `images`, `[B, 3, height, width]`, at each lateral depth of the
    /// config: `[B, prefix + L, D]`.
    #[must_use]
    pub fn lateral_features(&self, images: Tensor<4>) -> Vec<Tensor<3>> {
        self.query_free(images, &[]).1
    }

    fn forward_joined(
        &self,
        mut tokens: Tensor<3>,
        grid: [usize; 2],
        plan: &TrainingPlan,
    ) -> Vec<SegmenterOutput> {
        let mut outputs = Vec::new();
        let mut around = self.encoder.around(grid, &tokens.device());
        let later = plan.branches.get(self.config.query_free_depth()..).unwrap_or_default();
        for (index, block) in self.blocks().iter().enumerate() {
            let blocked = plan.masked.get(index).and_then(Option::as_ref).map(|kept| {
                let output = self.predict(tokens.clone(), grid);
                let masks = kept.iter().any(|kept| *kept);
                let blocked = masks.then(|| self.blocked(&output.mask_logits, grid, kept));
                outputs.push(output);
                blocked
            });
            around.blocked = blocked.flatten();
            tokens = block.forward_dropped(tokens, &around, later.get(index));
        }
        let proposals = self.proposals(tokens, grid);
        let rows = plan.rows(proposals.queries.dims()[1], &proposals.queries.device());
        let mask_logits = self.draw(&proposals, rows.as_ref());
        let features = self.teacher_pred.as_ref().map(|linear| linear.forward(proposals.patches));
        outputs.push(SegmenterOutput { class_logits: proposals.class_logits, mask_logits, features });
        outputs
    }

    /// Returns the number of patch rows and columns in `images`, `[B, 3, height, width]`.
    #[must_use]
    pub fn grid(&self, images: &Tensor<4>) -> [usize; 2] {
        let [_, _, height, width] = images.dims();
        [height, width].map(|side| side / self.config.encoder.patch_size)
    }

    fn blocks(&self) -> &[Block] {
        match &self.lateral {
            Some(lateral) => &lateral.blocks,
            None => &self.encoder.blocks[self.config.query_free_depth()..],
        }
    }

    /// Runs the query-free blocks and prepends the queries: `[B, Q + prefix + L, D]`.
    fn join(&self, images: Tensor<4>, branches: &[[Vec<f32>; 2]]) -> Tensor<3> {
        let (tokens, laterals) = self.query_free(images, branches);
        let merged = self.lateral.as_ref().and_then(|lateral| lateral.merge(laterals));
        self.with_queries(merged.unwrap_or(tokens))
    }

    /// Returns the encoder's tokens before the queries join, and those at each lateral depth.
    fn query_free(&self, images: Tensor<4>, branches: &[[Vec<f32>; 2]]) -> (Tensor<3>, Vec<Tensor<3>>) {
        let around = self.encoder.around(self.grid(&images), &images.device());
        let mut tokens = self.encoder.with_prefix(self.encoder.embed(images));
        let mut laterals = Vec::new();
        for (index, block) in self.encoder.blocks[..self.config.query_free_depth()].iter().enumerate() {
            tokens = block.forward_dropped(tokens, &around, branches.get(index));
            if self.config.lateral_layers.contains(&(index + 1)) {
                laterals.push(tokens.clone());
            }
        }
        (tokens, laterals)
    }

    fn with_queries(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, _, d] = tokens.dims();
        match &self.queries {
            Some(queries) => {
                let queries = queries.val().unsqueeze::<3>().expand([batch, self.config.num_queries, d]);
                Tensor::cat(vec![queries, tokens], 1)
            }
            None => tokens,
        }
    }

    fn predict(&self, tokens: Tensor<3>, grid: [usize; 2]) -> SegmenterOutput {
        self.drawn(self.proposals(tokens, grid))
    }

    fn drawn(&self, proposals: Proposals) -> SegmenterOutput {
        let mask_logits = self.draw(&proposals, None);
        SegmenterOutput { mask_logits, class_logits: proposals.class_logits, features: None }
    }

    /// Returns the attention mask `[B, 1, T, T]`, true where a query must not attend to a patch, because it
    /// lies outside its own predicted mask.
    fn blocked(&self, mask_logits: &Tensor<4>, grid: [usize; 2], kept: &[bool]) -> Tensor<4, Bool> {
        let [batch, count, _, _] = mask_logits.dims();
        let device = mask_logits.device();
        let patches = grid[0] * grid[1];
        let outside = pool_to_grid(mask_logits.clone().detach(), grid).lower_equal_scalar(0.0);
        let kept = Tensor::<3, Bool>::from_data(TensorData::new(kept.to_vec(), [batch, count, 1]), &device);
        let outside = outside.reshape([batch, count, patches]).bool_and(kept.expand([batch, count, patches]));
        let open = |rows, columns| Tensor::<3>::zeros([batch, rows, columns], &device).greater_scalar(0.0);
        let total = count + self.config.encoder.num_prefix() + patches;
        let query_rows = Tensor::cat(vec![open(count, total - patches), outside], 2);
        Tensor::cat(vec![query_rows, open(total - count, total)], 1).unsqueeze_dim(1)
    }
}

/// Reduces bilinearly without antialiasing (`align_corners` false): for an even factor, the mean of the 2×2
/// centre.
fn pool_to_grid(logits: Tensor<4>, [rows, columns]: [usize; 2]) -> Tensor<4> {
    let [batch, count, height, width] = logits.dims();
    let (fy, fx) = (height / rows, width / columns);
    if (fy, fx) == (1, 1) {
        return logits;
    }
    let cells = logits.reshape([batch, count, rows, fy, columns, fx]);
    let centre = cells.narrow(3, fy / 2 - 1, 2).narrow(5, fx / 2 - 1, 2);
    centre.mean_dim(5).mean_dim(3).reshape([batch, count, rows, columns])
}

#[cfg(test)]
mod tests;
