//! The derivative of layer norm on burn-flex, row by row.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::{place, summed, tensor};

/// Rows whose gradients of scale and shift are added up by themselves, whichever thread does it.
const ROWS: usize = 256;

/// Gradients of tokens, scale and shift.
pub(super) fn back(
    [tokens, gamma]: [FloatTensor<Flex>; 2],
    epsilon: f64,
    grad: FloatTensor<Flex>,
) -> [FloatTensor<Flex>; 3] {
    let [tokens, gamma, mut grad] = [tokens, gamma, grad].map(|input| input.to_contiguous());
    let gamma = &gamma.storage::<f32>()[place(&gamma)];
    let (width, all) = (gamma.len(), place(&grad));
    let tokens = tokens.storage::<f32>()[place(&tokens)].par_chunks(ROWS * width);
    let grads = grad.storage_mut::<f32>()[all].par_chunks_mut(ROWS * width);
    let of_blocks = grads.zip(tokens).map(|(grads, tokens)| {
        let mut sums = vec![0.0; 2 * width];
        mae_seg_kernels::normalise_back(tokens, gamma, epsilon as f32, grads, &mut sums);
        sums
    });
    let sums = summed(of_blocks, 2 * width);
    let (of_gamma, of_beta) = sums.split_at(width);
    [grad, tensor(of_gamma.to_vec(), [width]), tensor(of_beta.to_vec(), [width])]
}
