//! Linear layers on burn-flex, written where they belong in one go.

use burn::backend::Flex;
use burn::backend::TensorMetadata as _;
use burn::backend::tensor::FloatTensor;
use gemmkit::{Bias, MatMut, MatRef, Parallelism, gemm, gemm_fused};
use rayon::prelude::*;

use super::{place, summed, tensor, zeros};

/// Rows whose gradients of the bias are added up by themselves, whichever thread does it.
const ROWS: usize = 256;

/// `[B, T, D out]` of tokens `[B, T, D in]`, weights `[D in, D out]` and a bias `[D out]`.
pub(super) fn multiplied(inputs: [FloatTensor<Flex>; 3]) -> FloatTensor<Flex> {
    let [tokens, weights, bias] = inputs.map(|input| input.to_contiguous());
    let ([batch, length, inner], [_, width]) = (tokens.shape().dims(), weights.shape().dims());
    let rows = batch * length;
    let mut output = zeros(rows * width);
    gemm_fused(
        1.0,
        MatRef::from_row_major(&tokens.storage::<f32>()[place(&tokens)], rows, inner),
        MatRef::from_row_major(&weights.storage::<f32>()[place(&weights)], inner, width),
        0.0,
        MatMut::from_row_major(&mut output, rows, width),
        Some(Bias::PerCol(&bias.storage::<f32>()[place(&bias)])),
        None,
        Parallelism::Rayon(0),
    );
    tensor(output, [batch, length, width])
}

/// Gradient of the tokens.
pub(super) fn of_tokens(inputs: [FloatTensor<Flex>; 2]) -> FloatTensor<Flex> {
    let [weights, grad] = inputs.map(|input| input.to_contiguous());
    let ([batch, length, width], [inner, _]) = (grad.shape().dims(), weights.shape().dims());
    let rows = batch * length;
    let mut of_tokens = zeros(rows * inner);
    gemm(
        1.0,
        MatRef::from_row_major(&grad.storage::<f32>()[place(&grad)], rows, width),
        MatRef::from_col_major(&weights.storage::<f32>()[place(&weights)], width, inner),
        0.0,
        MatMut::from_row_major(&mut of_tokens, rows, inner),
        Parallelism::Rayon(0),
    );
    tensor(of_tokens, [batch, length, inner])
}

/// Gradient of the bias.
pub(super) fn of_bias(grad: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    let (grad, [_, _, width]) = (grad.to_contiguous(), grad.shape().dims());
    let blocks = grad.storage::<f32>()[place(&grad)].par_chunks(ROWS * width);
    tensor(summed(blocks.map(|block| column_sums(block, width)), width), [width])
}

fn column_sums(rows: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
    }
    sums
}
