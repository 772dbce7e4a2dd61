//! GELU.

use burn::backend::ops::ActivationOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use mae_seg_kernels as kernels;

use super::flex::{contiguous, numbers, tensor};
use super::gpu;

/// Returns `x · Φ(x)` of each number, with the standard normal distribution's Φ
/// (<https://arxiv.org/abs/1606.08415>).
pub(in crate::model) fn gelu<const RANK: usize>(x: Tensor<RANK>) -> Tensor<RANK> {
    Tensor::from_dispatch(<Dispatch as GeluOps>::forward(x.into_dispatch()))
}

/// A backend with [`gelu`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait GeluOps: Backend {
    fn forward(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu(x)
    }
}

impl GeluOps for Cube {
    fn forward(x: FloatTensor<Self>) -> FloatTensor<Self> {
        if gpu::takes([&x]) { gpu::gelu(x) } else { Self::gelu(x) }
    }
}

impl GeluOps for Flex {
    fn forward(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match contiguous([x]) {
            Ok([x]) => tensor(kernels::gelu(numbers(&x)), x.shape()),
            Err([x]) => Self::gelu(x),
        }
    }
}
