//! The derivative of the mean squared error.

use super::{Autodiff, Backend, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::mse::MseOps;

/// The derivative of [`mse`](crate::model::ops::mse()) on a backend without autodiff.
pub(in crate::model::ops) trait MseBackward: MseOps {
    /// Returns the gradient of the prediction from that of the error, `[…, 1]`.
    fn backward(prediction: Float<Self>, target: Float<Self>, grad: Float<Self>) -> Float<Self> {
        backward::<Self>(prediction, target, grad)
    }
}

impl MseBackward for Cube {}

impl MseBackward for Flex {
    fn backward(prediction: Float<Self>, target: Float<Self>, grad: Float<Self>) -> Float<Self> {
        match contiguous([prediction, target, grad]) {
            Ok([prediction, target, grad]) => {
                let grad = kernels::mse_backward(numbers(&prediction), numbers(&target), numbers(&grad));
                tensor(grad, prediction.shape())
            }
            Err([prediction, target, grad]) => backward::<Self>(prediction, target, grad),
        }
    }
}

impl<B: MseBackward, C: CheckpointStrategy> MseOps for Autodiff<B, C> {
    fn forward(prediction: Float<Self>, target: Float<Self>) -> Float<Self> {
        let target = target.into_primitive();
        let kept = target.clone();
        record::<B, C, _, 1>(
            [prediction],
            |[prediction]| B::forward(prediction, target.clone()),
            |[prediction]| (B::forward(prediction.clone(), target.clone()), prediction),
            |prediction, grad, _| [Some(B::backward(prediction, kept, grad))],
        )
    }
}

/// Composes the gradient of Burn's operations: `grad · 2/D · (prediction - target)`.
fn backward<B: Backend>(prediction: Float<B>, target: Float<B>, grad: Float<B>) -> Float<B> {
    let shape = prediction.shape();
    let slope = 2.0 / f64::from(shape[shape.num_dims() - 1] as u32);
    let grad = B::float_expand(B::float_mul_scalar(grad, slope.into()), shape);
    B::float_mul(B::float_sub(prediction, target), grad)
}
