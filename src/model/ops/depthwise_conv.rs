//! Depthwise convolution.

use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;
use mae_seg_kernels as kernels;

use super::flex::{contiguous, numbers, tensor};

/// Permutation of `[B, height, width, D]` to channels first, as Burn's convolutions expect, and its inverse.
pub(super) const CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];
pub(super) const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];
/// Permutation of a kernel `[D, 1, 3, 3]` to channels last, as our convolution expects.
pub(super) const KERNEL_CHANNELS_LAST: [usize; 4] = [2, 3, 1, 0];

/// Convolves each channel with its own 3×3 kernel, with zeros beyond the border.
///
/// # Shapes
/// - `features`, returns: `[B, height, width, D]`
/// - `kernel`: `[D, 1, 3, 3]`
pub(in crate::model) fn depthwise_conv(features: Tensor<4>, kernel: Tensor<4>) -> Tensor<4> {
    let [features, kernel] = [features, kernel].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as DepthwiseConvOps>::forward(features, kernel))
}

/// A backend with [`depthwise_conv()`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait DepthwiseConvOps: Backend {
    fn forward(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        forward::<Self>(features, kernel)
    }
}

impl DepthwiseConvOps for Cube {}

impl DepthwiseConvOps for Flex {
    fn forward(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        match contiguous([features, kernel]) {
            Ok([features, kernel]) => {
                let kernel = Self::float_permute(kernel, &KERNEL_CHANNELS_LAST).to_contiguous();
                let [_, height, width, channels] = features.shape().dims();
                let shape = [height, width, channels];
                tensor(kernels::depthwise_conv(numbers(&features), numbers(&kernel), shape), features.shape())
            }
            Err([features, kernel]) => forward::<Self>(features, kernel),
        }
    }
}

/// Composes the convolution of Burn's operations.
fn forward<B: Backend>(features: FloatTensor<B>, kernel: FloatTensor<B>) -> FloatTensor<B> {
    let options = options(kernel.shape()[0]);
    let features = B::float_permute(features, &CHANNELS_FIRST);
    B::float_permute(B::conv2d(features, kernel, None, options), &CHANNELS_LAST)
}

pub(super) fn options(channels: usize) -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], channels)
}
