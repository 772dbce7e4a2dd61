//! The derivative of layer norm.

use super::{Autodiff, Backend, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::layer_norm::LayerNormOps;

/// The derivative of [`layer_norm`](crate::model::ops::layer_norm()) on a backend without autodiff.
pub(in crate::model::ops) trait LayerNormBackward: LayerNormOps {
    /// Returns the gradients of `x`, `gamma` and `beta`; mean and deviation are computed once more.
    fn backward(x: Float<Self>, gamma: Float<Self>, epsilon: f64, grad: Float<Self>) -> [Float<Self>; 3] {
        backward::<Self>(x, gamma, epsilon, grad)
    }
}

impl LayerNormBackward for Cube {}

impl LayerNormBackward for Flex {
    fn backward(x: Float<Self>, gamma: Float<Self>, epsilon: f64, grad: Float<Self>) -> [Float<Self>; 3] {
        let width = gamma.shape().num_elements();
        let (x, gamma, mut grad) = match contiguous([x, gamma, grad]) {
            Ok([x, gamma, grad]) if width.is_multiple_of(kernels::LANES) => (x, gamma, grad),
            Ok([x, gamma, grad]) | Err([x, gamma, grad]) => return backward::<Self>(x, gamma, epsilon, grad),
        };
        // The gradient of `x` takes the place of the output's, unless that is shared.
        let (start, end) = grad.layout().contiguous_offsets().unwrap_or_default();
        let grads = &mut grad.storage_mut::<f32>()[start..end];
        let sums = kernels::layer_norm_backward(numbers(&x), numbers(&gamma), epsilon as f32, grads);
        let (gamma_grad, beta_grad) = sums.split_at(width);
        [grad, tensor(gamma_grad.to_vec(), [width]), tensor(beta_grad.to_vec(), [width])]
    }
}

impl<B: LayerNormBackward, C: CheckpointStrategy> LayerNormOps for Autodiff<B, C> {
    fn forward(x: Float<Self>, gamma: Float<Self>, beta: Float<Self>, epsilon: f64) -> Float<Self> {
        record::<B, C, _, 3>(
            [x, gamma, beta],
            |[x, gamma, beta]| B::forward(x, gamma, beta, epsilon),
            |[x, gamma, beta]| (B::forward(x.clone(), gamma.clone(), beta, epsilon), (x, gamma)),
            move |(x, gamma), grad, _| B::backward(x, gamma, epsilon, grad).map(Some),
        )
    }
}

/// Composes the gradients of Burn's operations, with x̂ = (x - mean) / σ and y = γ·x̂ + β:
///
/// ```text
/// dγ = Σ dy·x̂      dβ = Σ dy      dx̂ = dy·γ      dx = (dx̂ - mean(dx̂) - x̂·mean(dx̂·x̂)) / σ
/// ```
fn backward<B: Backend>(x: Float<B>, gamma: Float<B>, epsilon: f64, grad: Float<B>) -> [Float<B>; 3] {
    let shape = x.shape();
    let width = shape[shape.num_dims() - 1];
    let rows = |all| B::float_reshape(all, [shape.num_elements() / width, width].into());
    let [x, grad] = [x, grad].map(rows);
    let mean = B::float_mean_dim(x.clone(), 1);
    let centered = B::float_sub(x, mean);
    let variance = B::float_mean_dim(B::float_mul(centered.clone(), centered.clone()), 1);
    let deviation = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let unit = B::float_div(centered, deviation.clone());
    let sum = |all| B::float_reshape(B::float_sum_dim(all, 0), [width].into());
    let gamma_grad = sum(B::float_mul(grad.clone(), unit.clone()));
    let beta_grad = sum(grad.clone());
    let unit_grad = B::float_mul(grad, B::float_reshape(gamma, [1, width].into()));
    let along = B::float_mean_dim(B::float_mul(unit_grad.clone(), unit.clone()), 1);
    let shift = B::float_mean_dim(unit_grad.clone(), 1);
    let x_grad = B::float_sub(B::float_sub(unit_grad, shift), B::float_mul(unit, along));
    [B::float_reshape(B::float_div(x_grad, deviation), shape), gamma_grad, beta_grad]
}
