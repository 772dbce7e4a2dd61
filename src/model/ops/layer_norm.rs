//! Layer norm, <https://arxiv.org/abs/1607.06450>.

use burn::backend::ops::ModuleOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

use super::gpu;

/// Returns `(x - mean) / √(variance + epsilon) · gamma + beta`, with mean and variance over the last axis.
///
/// # Shapes
/// - `x`, returns: `[…, D]`
/// - `gamma`, `beta`: `[D]`
pub(in crate::model) fn layer_norm<const RANK: usize>(
    x: Tensor<RANK>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<RANK> {
    let [gamma, beta] = [gamma, beta].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as LayerNormOps>::forward(x.into_dispatch(), gamma, beta, epsilon))
}

/// A backend with [`layer_norm()`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait LayerNormOps: Backend {
    fn forward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(x, gamma, Some(beta), epsilon)
    }
}

impl LayerNormOps for Cube {
    fn forward(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        if gpu::takes([&x, &gamma, &beta]) {
            gpu::layer_norm(x, gamma, beta, epsilon)
        } else {
            Self::layer_norm(x, gamma, Some(beta), epsilon)
        }
    }
}

impl LayerNormOps for Flex {}
