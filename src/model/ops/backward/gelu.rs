//! The derivative of GELU.

use burn::backend::ops::ActivationOps as _;

use super::{Autodiff, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::gelu::GeluOps;

/// The derivative of [`gelu`](crate::model::ops::gelu()) on a backend without autodiff.
pub(in crate::model::ops) trait GeluBackward: GeluOps {
    /// Returns the gradient of `x`.
    fn backward(x: Float<Self>, grad: Float<Self>) -> Float<Self> {
        Self::gelu_backward(x, grad)
    }
}

impl GeluBackward for Cube {}

impl GeluBackward for Flex {
    fn backward(x: Float<Self>, grad: Float<Self>) -> Float<Self> {
        match contiguous([x, grad]) {
            Ok([x, grad]) => tensor(kernels::gelu_backward(numbers(&x), numbers(&grad)), x.shape()),
            Err([x, grad]) => Self::gelu_backward(x, grad),
        }
    }
}

impl<B: GeluBackward, C: CheckpointStrategy> GeluOps for Autodiff<B, C> {
    fn forward(x: Float<Self>) -> Float<Self> {
        record::<B, C, _, 1>(
            [x],
            |[x]| B::forward(x),
            |[x]| (B::forward(x.clone()), x),
            |x, grad, _| [Some(B::backward(x, grad))],
        )
    }
}
