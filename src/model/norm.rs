//! Layer norm.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::ops::layer_norm;

/// Normalises every token to mean 0 and variance 1, then applies a learned scale and shift per channel
/// (<https://arxiv.org/abs/1607.06450>).
///
/// Burn's own layer norm does not expose its epsilon, which the derivative needs.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// The scale, `[D]`.
    pub gamma: Param<Tensor<1>>,
    /// The shift, `[D]`.
    pub beta: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    /// Initialises scale 1 and shift 0; `epsilon` is added to the variance.
    pub(super) fn new(width: usize, epsilon: f64, device: &Device) -> Self {
        Self {
            gamma: Initializer::Ones.init([width], device),
            beta: Initializer::Zeros.init([width], device),
            epsilon,
        }
    }

    /// Applies the norm over the last axis.
    ///
    /// # Shapes
    /// - `tokens`, returns: `[…, D]`
    #[must_use]
    pub fn forward<const RANK: usize>(&self, tokens: Tensor<RANK>) -> Tensor<RANK> {
        layer_norm(tokens, self.gamma.val(), self.beta.val(), self.epsilon)
    }
}
