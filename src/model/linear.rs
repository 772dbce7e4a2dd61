//! The linear layer.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, FloatDType, Tensor};

use super::ops::{PackedWeight, linear, matmul_rounded};

/// `x · weight + bias`, computed in the type of the weight.
///
/// Burn's own has a slower derivative on CPUs, and does not round.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[D in, D out]`
    pub weight: Param<Tensor<2>>,
    /// `[D out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    #[module(skip)]
    pub(super) rounding: Option<PackedWeight>,
}

impl Linear {
    /// Draws a Xavier-uniform weight, as MAE does; the bias is zero.
    #[must_use]
    pub fn new(d_input: usize, d_output: usize, device: &Device) -> Self {
        let xavier = Initializer::XavierUniform { gain: 1.0 };
        Self {
            weight: xavier.init_with([d_input, d_output], Some(d_input), Some(d_output), device),
            bias: Some(Initializer::Zeros.init([d_output], device)),
            rounding: None,
        }
    }

    /// # Shapes
    /// - `x`: `[…, D in]`
    /// - returns `[…, D out]`, in the type of `x`
    #[must_use]
    pub fn forward<const RANK: usize>(&self, x: Tensor<RANK>) -> Tensor<RANK> {
        let weight = self.weight.val();
        let bias = match &self.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([weight.dims()[1]], (&weight.device(), weight.dtype())),
        };
        if let Some(packed) = &self.rounding {
            return matmul_rounded(x, weight, packed) + bias.unsqueeze();
        }
        self.in_weight_type(x, |x| linear(x, weight, bias))
    }

    /// Allows rounding from now on; the weight must not change any more.
    pub(super) fn round(&mut self) {
        self.rounding = Some(PackedWeight::default());
    }

    /// Computes in the type of the weight, and returns the result in the type of `x`.
    pub(super) fn in_weight_type<const RANK: usize>(
        &self,
        x: Tensor<RANK>,
        compute: impl FnOnce(Tensor<RANK>) -> Tensor<RANK>,
    ) -> Tensor<RANK> {
        let (given, computed) = (FloatDType::from(x.dtype()), FloatDType::from(self.weight.val().dtype()));
        if given == computed {
            return compute(x);
        }
        compute(x.cast(computed)).cast(given)
    }
}
