//! The head of the segmenter: from tokens to classes and masks.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, FloatDType, Tensor};

use super::ops::{PackedWeight, depthwise_conv, gelu, matmul_rounded};
use super::{LayerNorm, Linear};

/// The upscaler's own epsilon, whatever the encoder's is (as in timm's `LayerNorm2d`).
const LAYER_NORM_EPS: f64 = 1e-6;

/// One ×2 step of the mask features: transposed 2×2 convolution, GELU, depthwise 3×3 convolution, layer norm
/// over channels.
///
/// Features are channel-last, so that the first and the last step are plain matrix and row operations.
#[derive(Module, Debug)]
pub struct UpscaleBlock {
    /// Transposed convolution, `[D in, D out, 2, 2]`.
    pub conv1_weight: Param<Tensor<4>>,
    /// Its bias, `[D]`.
    pub conv1_bias: Param<Tensor<1>>,
    /// Depthwise convolution, `[D, 1, 3, 3]`, without bias.
    pub conv2_weight: Param<Tensor<4>>,
    /// The norm over channels.
    pub norm: LayerNorm,
    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    #[module(skip)]
    pub(super) rounding: Option<PackedWeight>,
}

impl UpscaleBlock {
    fn new(width: usize, device: &Device) -> Self {
        let uniform =
            |fan_in: f64| Initializer::Uniform { min: -1.0 / fan_in.sqrt(), max: 1.0 / fan_in.sqrt() };
        #[expect(clippy::cast_precision_loss, reason = "channel counts are small")]
        let conv1 = uniform(4.0 * width as f64);
        Self {
            conv1_weight: conv1.init([width, width, 2, 2], device),
            conv1_bias: Initializer::Zeros.init([width], device),
            conv2_weight: uniform(9.0).init([width, 1, 3, 3], device),
            norm: LayerNorm::new(width, LAYER_NORM_EPS, device),
            rounding: None,
        }
    }

    /// Allows rounding from now on; the weight must not change any more.
    pub(super) fn round(&mut self) {
        self.rounding = Some(PackedWeight::default());
    }

    /// Doubles the height and width of the features.
    ///
    /// # Shapes
    /// - `features`: `[B, height, width, D]`
    /// - returns `[B, 2·height, 2·width, D]`
    #[must_use]
    pub fn forward(&self, features: Tensor<4>) -> Tensor<4> {
        let given = FloatDType::from(features.dtype());
        let grown = gelu(self.transposed_convolution(features)).cast(given);
        self.norm.forward(depthwise_conv(grown, self.conv2_weight.val()))
    }

    /// Applies the transposed convolution, computed in the type of its weight.
    fn transposed_convolution(&self, features: Tensor<4>) -> Tensor<4> {
        let [batch, height, width, d] = features.dims();
        let weight = self.conv1_weight.val().permute([0, 2, 3, 1]).reshape([d, 4 * d]);
        let features = features.reshape([batch, height * width, d]).cast(FloatDType::from(weight.dtype()));
        let product = match &self.rounding {
            Some(packed) => matmul_rounded(features, weight, packed),
            None => features.matmul(weight.unsqueeze()),
        };
        let grown = product.reshape([batch, height, width, 2, 2, d]).permute([0, 1, 3, 2, 4, 5]).reshape([
            batch,
            2 * height,
            2 * width,
            d,
        ]);
        grown + self.conv1_bias.val().unsqueeze()
    }
}

/// Class scores per query, and mask embeddings, whose product with upscaled patch features gives mask logits.
#[derive(Module, Debug)]
pub struct MaskHead {
    /// From a query to its class logits, `[D, K + 1]`; the last class is "no object".
    pub class_predictor: Linear,
    /// First layer of the mask embedding.
    pub fc1: Linear,
    /// Second layer of the mask embedding.
    pub fc2: Linear,
    /// Third layer of the mask embedding.
    pub fc3: Linear,
    /// The ×2 upscaling steps.
    pub upscale: Vec<UpscaleBlock>,
}

impl MaskHead {
    /// Initialises the parameters.
    #[must_use]
    pub fn new(width: usize, num_classes: usize, num_upscale_blocks: usize, device: &Device) -> Self {
        Self {
            class_predictor: Linear::new(width, num_classes + 1, device),
            fc1: Linear::new(width, width, device),
            fc2: Linear::new(width, width, device),
            fc3: Linear::new(width, width, device),
            upscale: (0..num_upscale_blocks).map(|_| UpscaleBlock::new(width, device)).collect(),
        }
    }

    /// Predicts the class logits of each query.
    ///
    /// # Shapes
    /// - `queries`: `[B, Q, D]`, normalised tokens
    /// - returns `[B, Q, K + 1]`
    #[must_use]
    pub fn classes(&self, queries: Tensor<3>) -> Tensor<3> {
        self.class_predictor.forward(queries)
    }

    /// Embeds queries: the dot product with a pixel's features is the logit of the query's mask there.
    ///
    /// # Shapes
    /// - `queries`: `[B, Q, D]`, normalised tokens
    /// - returns `[B, Q, D]`
    #[must_use]
    pub fn embeddings(&self, queries: Tensor<3>) -> Tensor<3> {
        self.fc3.forward(gelu(self.fc2.forward(gelu(self.fc1.forward(queries)))))
    }

    /// Computes mask features, and their height and width: 2ⁿ times those of the grid for n upscale blocks.
    ///
    /// # Shapes
    /// - `patches`: `[B, rows·columns, D]`, normalised tokens
    /// - returns `[B, height·width, D]`
    #[must_use]
    pub fn pixels(&self, patches: Tensor<3>, [rows, columns]: [usize; 2]) -> (Tensor<3>, [usize; 2]) {
        let [batch, _, d] = patches.dims();
        let features = patches.reshape([batch, rows, columns, d]);
        let features = self.upscale.iter().fold(features, |features, block| block.forward(features));
        let [_, height, width, _] = features.dims();
        (features.reshape([batch, height * width, d]), [height, width])
    }
}
