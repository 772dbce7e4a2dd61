//! Linear layers.

#[cfg(target_arch = "wasm32")]
use std::sync::{Arc, OnceLock};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
#[cfg(target_arch = "wasm32")]
use mae_seg_kernels::Panels;

use super::flex::{contiguous, numbers, tensor, with_last};

/// Returns `x · weight + bias`.
///
/// # Shapes
/// - `x`: `[…, D in]`
/// - `weight`: `[D in, D out]`
/// - `bias`: `[D out]`
/// - returns `[…, D out]`
pub(in crate::model) fn linear<const RANK: usize>(
    x: Tensor<RANK>,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<RANK> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as LinearOps>::forward(x, weight, bias))
}

/// A weight as the kernel of [`matmul_rounded`] takes it: packed at the first product, and kept.
#[derive(Debug, Clone, Default)]
pub(in crate::model) struct PackedWeight(#[cfg(target_arch = "wasm32")] Arc<OnceLock<Panels>>);

/// Returns the matrix product, for which 16 bits of each number suffice; browsers without a GPU use no more
/// (`mae_seg_kernels::quantized_matmul`).
///
/// # Shapes
/// - `x`: `[…, D in]`
/// - `weight`: `[D in, D out]`
/// - `packed`: for this weight only
/// - returns `[…, D out]`
pub(in crate::model) fn matmul_rounded<const RANK: usize>(
    x: Tensor<RANK>,
    weight: Tensor<2>,
    packed: &PackedWeight,
) -> Tensor<RANK> {
    let (x, weight) = (x.into_dispatch(), weight.unsqueeze::<RANK>().into_dispatch());
    Tensor::from_dispatch(<Dispatch as LinearOps>::matmul_rounded(x, weight, packed.clone()))
}

/// A backend with [`linear()`] and [`matmul_rounded`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait LinearOps: Backend {
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(x, weight, Some(bias))
    }

    /// Returns `[…, D out]` for `x` `[…, D in]` and `weight` `[1, …, D in, D out]`.
    fn matmul_rounded(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        _packed: PackedWeight,
    ) -> FloatTensor<Self> {
        Self::float_matmul(x, weight)
    }
}

impl LinearOps for Cube {}

impl LinearOps for Flex {
    #[cfg(feature = "native")]
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        use burn::backend::ops::ModuleOps as _;

        match contiguous([x, weight, bias]) {
            Ok([x, weight, bias]) => {
                let output = mae_seg_kernels::linear(numbers(&x), numbers(&weight), numbers(&bias));
                tensor(output, with_last(x.shape(), bias.shape().num_elements()))
            }
            Err([x, weight, bias]) => Self::linear(x, weight, Some(bias)),
        }
    }

    #[cfg(target_arch = "wasm32")]
    fn matmul_rounded(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        packed: PackedWeight,
    ) -> FloatTensor<Self> {
        use burn::backend::ops::FloatTensorOps as _;
        use mae_seg_kernels::{Rows, quantized_matmul};

        match contiguous([x, weight]) {
            Ok([x, weight]) => {
                let (shape, last) = (weight.shape(), weight.rank() - 1);
                let rows = Rows::new(numbers(&x), shape[last - 1]);
                let panels = packed.0.get_or_init(|| Panels::new(numbers(&weight), shape[last]));
                tensor(quantized_matmul(&rows, panels), with_last(x.shape(), shape[last]))
            }
            Err([x, weight]) => Self::float_matmul(x, weight),
        }
    }
}
