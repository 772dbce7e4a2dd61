//! The linear layer and its derivative, on all threads.

use gemmkit::{Bias, MatMut, MatRef, Parallelism, gemm_fused};

use super::parallel::{map_parts, zeros};
use super::{ROWS, sum};

/// Returns `tokens · weights + bias`.
///
/// # Shapes
/// - `tokens`: `[T, D in]`
/// - `weights`: `[D in, D out]`
/// - `bias`: `[D out]`
/// - returns `[T, D out]`
#[must_use]
pub fn linear(tokens: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let (inner, width) = (weights.len() / bias.len(), bias.len());
    let tokens = MatRef::from_row_major(tokens, tokens.len() / inner, inner);
    product(tokens, MatRef::from_row_major(weights, inner, width), Some(Bias::PerCol(bias)))
}

/// Returns the gradient of the tokens of [`linear`]: `grad · weightsᵀ`.
///
/// # Shapes
/// - `weights`: `[D in, D out]`
/// - `grad`: `[T, D out]`, where `width` is `D out`
/// - returns `[T, D in]`
#[must_use]
pub fn linear_input_backward(weights: &[f32], grad: &[f32], width: usize) -> Vec<f32> {
    let grad = MatRef::from_row_major(grad, grad.len() / width, width);
    product(grad, MatRef::from_col_major(weights, width, weights.len() / width), None)
}

/// Returns the gradient of the bias of [`linear`]: the sums of the columns of `grad`.
///
/// # Shapes
/// - `grad`: `[T, D out]`, where `width` is `D out`
/// - returns `[D out]`
#[must_use]
pub fn linear_bias_backward(grad: &[f32], width: usize) -> Vec<f32> {
    let blocks = map_parts(grad, ROWS * width, |_, rows| {
        let mut sums = vec![0.0; width];
        for row in rows.chunks_exact(width) {
            sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += number);
        }
        sums
    });
    sum(blocks, width)
}

fn product(left: MatRef<'_, f32>, right: MatRef<'_, f32>, bias: Option<Bias<'_, f32>>) -> Vec<f32> {
    let (rows, columns) = (left.rows(), right.cols());
    let mut output = zeros(rows * columns);
    let into = MatMut::from_row_major(&mut output, rows, columns);
    gemm_fused(1.0, left, right, 0.0, into, bias, None, Parallelism::Rayon(0));
    output
}
