//! The mean squared error.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use mae_seg_kernels as kernels;

use super::flex::{contiguous, numbers, tensor, with_last};

/// Returns the mean squared difference along the last axis; `target` gets no gradient.
///
/// # Shapes
/// - `prediction`, `target`: `[B, L, D]`
/// - returns `[B, L]`
///
/// # Panics
/// If they are of different shapes.
pub(in crate::model) fn mse(prediction: Tensor<3>, target: Tensor<3>) -> Tensor<2> {
    assert_eq!(prediction.dims(), target.dims());
    let [prediction, target] = [prediction, target].map(Tensor::into_dispatch);
    Tensor::<3>::from_dispatch(<Dispatch as MseOps>::forward(prediction, target)).squeeze_dim(2)
}

/// A backend with [`mse()`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait MseOps: Backend {
    /// Returns `[…, 1]` for inputs `[…, D]`.
    fn forward(prediction: FloatTensor<Self>, target: FloatTensor<Self>) -> FloatTensor<Self> {
        forward::<Self>(prediction, target)
    }
}

impl MseOps for Cube {}

impl MseOps for Flex {
    fn forward(prediction: FloatTensor<Self>, target: FloatTensor<Self>) -> FloatTensor<Self> {
        match contiguous([prediction, target]) {
            Ok([prediction, target]) => {
                let width = prediction.shape()[prediction.rank() - 1];
                let errors = kernels::mse(numbers(&prediction), numbers(&target), width);
                tensor(errors, with_last(prediction.shape(), 1))
            }
            Err([prediction, target]) => forward::<Self>(prediction, target),
        }
    }
}

/// Composes the error of Burn's operations.
fn forward<B: Backend>(prediction: FloatTensor<B>, target: FloatTensor<B>) -> FloatTensor<B> {
    let last = prediction.rank() - 1;
    let error = B::float_sub(prediction, target);
    B::float_mean_dim(B::float_mul(error.clone(), error), last)
}
