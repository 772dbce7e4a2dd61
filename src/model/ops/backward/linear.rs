//! The derivative of linear layers.

use burn::backend::ops::ModuleOps as _;

use super::{Autodiff, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::flex::with_last;
use crate::model::ops::linear::LinearOps;

/// The derivative of [`linear`](crate::model::ops::linear()) on a backend without autodiff; the gradient of
/// the weight is Burn's.
pub(in crate::model::ops) trait LinearBackward: LinearOps {
    /// Returns the gradient of `x`: `grad · weightᵀ`.
    fn input_backward(weight: Float<Self>, grad: Float<Self>) -> Float<Self> {
        Self::linear_x_backward(weight, grad)
    }

    /// Returns the gradient of the bias: the sum of `grad` over all axes but the last.
    fn bias_backward(grad: Float<Self>) -> Float<Self> {
        Self::linear_bias_backward(grad)
    }
}

impl LinearBackward for Cube {}

impl LinearBackward for Flex {
    fn input_backward(weight: Float<Self>, grad: Float<Self>) -> Float<Self> {
        match contiguous([weight, grad]) {
            Ok([weight, grad]) => {
                let [inner, width] = weight.shape().dims();
                let input_grad = kernels::linear_input_backward(numbers(&weight), numbers(&grad), width);
                tensor(input_grad, with_last(grad.shape(), inner))
            }
            Err([weight, grad]) => Self::linear_x_backward(weight, grad),
        }
    }

    fn bias_backward(grad: Float<Self>) -> Float<Self> {
        let width = grad.shape()[grad.rank() - 1];
        match contiguous([grad]) {
            Ok([grad]) => tensor(kernels::linear_bias_backward(numbers(&grad), width), [width]),
            Err([grad]) => Self::linear_bias_backward(grad),
        }
    }
}

impl<B: LinearBackward, C: CheckpointStrategy> LinearOps for Autodiff<B, C> {
    fn forward(x: Float<Self>, weight: Float<Self>, bias: Float<Self>) -> Float<Self> {
        record::<B, C, _, 3>(
            [x, weight, bias],
            |[x, weight, bias]| B::forward(x, weight, bias),
            |[x, weight, bias]| (B::forward(x.clone(), weight.clone(), bias), (x, weight)),
            // Each gradient is a product of its own, and the pixels of photos need none.
            |(x, weight), grad, [of_x, of_weight, of_bias]| {
                [
                    of_x.then(|| B::input_backward(weight, grad.clone())),
                    of_weight.then(|| B::linear_weight_backward(x, grad.clone())),
                    of_bias.then(|| B::bias_backward(grad)),
                ]
            },
        )
    }
}
