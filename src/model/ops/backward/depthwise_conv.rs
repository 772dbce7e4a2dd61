//! The derivative of depthwise convolution.

use burn::backend::ops::FloatTensorOps as _;

use super::{Autodiff, Backend, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::depthwise_conv::{
    CHANNELS_FIRST, CHANNELS_LAST, DepthwiseConvOps, KERNEL_CHANNELS_LAST, options,
};

/// Permutation of a kernel `[3, 3, 1, D]` to channels first.
const KERNEL_CHANNELS_FIRST: [usize; 4] = [3, 2, 0, 1];

/// The derivative of [`depthwise_conv`](crate::model::ops::depthwise_conv()) on a backend without autodiff.
pub(in crate::model::ops) trait DepthwiseConvBackward: DepthwiseConvOps {
    /// Returns the gradients of features and kernel.
    fn backward(features: Float<Self>, kernel: Float<Self>, grad: Float<Self>) -> [Float<Self>; 2] {
        backward::<Self>(features, kernel, grad)
    }
}

impl DepthwiseConvBackward for Cube {}

impl DepthwiseConvBackward for Flex {
    fn backward(features: Float<Self>, kernel: Float<Self>, grad: Float<Self>) -> [Float<Self>; 2] {
        let [features, kernel, grad] = match contiguous([features, kernel, grad]) {
            Ok(tensors) => tensors,
            Err([features, kernel, grad]) => return backward::<Self>(features, kernel, grad),
        };
        let kernel = Self::float_permute(kernel, &KERNEL_CHANNELS_LAST).to_contiguous();
        let [_, height, width, channels] = features.shape().dims();
        let [inputs, weights, grads] = [&features, &kernel, &grad].map(numbers);
        let (feature_grad, kernel_grad) =
            kernels::depthwise_conv_backward(inputs, weights, grads, [height, width, channels]);
        let kernel_grad = tensor(kernel_grad, kernel.shape());
        [tensor(feature_grad, features.shape()), Self::float_permute(kernel_grad, &KERNEL_CHANNELS_FIRST)]
    }
}

impl<B: DepthwiseConvBackward, C: CheckpointStrategy> DepthwiseConvOps for Autodiff<B, C> {
    fn forward(features: Float<Self>, kernel: Float<Self>) -> Float<Self> {
        record::<B, C, _, 2>(
            [features, kernel],
            |[features, kernel]| B::forward(features, kernel),
            |[features, kernel]| (B::forward(features.clone(), kernel.clone()), (features, kernel)),
            |(features, kernel), grad, _| B::backward(features, kernel, grad).map(Some),
        )
    }
}

/// Composes the gradients of Burn's operations.
fn backward<B: Backend>(features: Float<B>, kernel: Float<B>, grad: Float<B>) -> [Float<B>; 2] {
    let options = options(kernel.shape()[0]);
    let [features, grad] = [features, grad].map(|all| B::float_permute(all, &CHANNELS_FIRST));
    let feature_grad = B::conv2d_x_backward(features.clone(), kernel.clone(), grad.clone(), options.clone());
    let kernel_grad = B::conv2d_weight_backward(features, kernel, grad, options);
    [B::float_permute(feature_grad, &CHANNELS_LAST), kernel_grad]
}
