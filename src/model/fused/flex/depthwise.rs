//! Depthwise convolution on burn-flex, row by row.

use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
#[cfg(feature = "native")]
use rayon::prelude::*;

#[cfg(feature = "native")]
use super::summed;
use super::{place, tensor};

/// Axes of a kernel `[D, 1, 3, 3]` with the channels last, and back.
const LAST: [usize; 4] = [2, 3, 1, 0];
#[cfg(feature = "native")]
const BACK: [usize; 4] = [3, 2, 0, 1];

/// `[B, height, width, D]` of the like, and a kernel `[D, 1, 3, 3]`.
pub(super) fn convolved(features: &FloatTensor<Flex>, kernel: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let kernel = Flex::float_permute(kernel, &LAST).to_contiguous();
    weighed(features, &kernel.storage::<f32>()[place(&kernel)])
}

/// Gradients of both from that of the output.
#[cfg(feature = "native")]
pub(super) fn convolved_back(
    [features, kernel]: [FloatTensor<Flex>; 2],
    grad: FloatTensor<Flex>,
) -> [FloatTensor<Flex>; 2] {
    let [_, height, width, channels] = features.shape().dims();
    let kernel = Flex::float_permute(kernel, &LAST).to_contiguous();
    let taps = kernel.storage::<f32>()[place(&kernel)].chunks_exact(channels);
    let reversed = taps.rev().flatten().copied().collect::<Vec<f32>>();

    let [features, grad] = [features, grad].map(|all| all.to_contiguous());
    let photos = &features.storage::<f32>()[place(&features)];
    let rows = grad.storage::<f32>()[place(&grad)].par_chunks_exact(width * channels).enumerate();
    let of_rows = rows.map(|(at, row)| {
        let (photo, y) = (&photos[at / height * row.len() * height..], at % height);
        let mut of_kernel = vec![0.0; reversed.len()];
        mae_seg_kernels::depthwise_back(photo, row, [height, width, channels], y, &mut of_kernel);
        of_kernel
    });
    let of_kernel = summed(of_rows, reversed.len());
    let of_kernel = Flex::float_permute(tensor(of_kernel, [3, 3, 1, channels]), &BACK);
    [weighed(&grad, &reversed), of_kernel]
}

fn weighed(features: &FloatTensor<Flex>, kernel: &[f32]) -> FloatTensor<Flex> {
    let [batch, height, width, channels] = features.shape().dims();
    let features = features.to_contiguous();
    let photos = &features.storage::<f32>()[place(&features)];
    let mut output = vec![0.0; photos.len()];
    let fill = |(at, row): (usize, &mut [f32])| {
        let (photo, y) = (&photos[at / height * row.len() * height..], at % height);
        mae_seg_kernels::depthwise(photo, kernel, [height, width, channels], y, row);
    };
    #[cfg(feature = "native")]
    output.par_chunks_exact_mut(width * channels).enumerate().for_each(fill);
    #[cfg(not(feature = "native"))]
    output.chunks_exact_mut(width * channels).enumerate().for_each(fill);
    tensor(output, [batch, height, width, channels])
}
