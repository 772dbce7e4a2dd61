//! The linear layer and its derivative, on all threads.

use super::matrix::{Matrix, multiply};
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
    product(Matrix::new(tokens, inner), Matrix::new(weights, width), Some(bias))
}

/// Returns the gradient of the tokens of [`linear`]: `grad · weightsᵀ`.
///
/// # Shapes
/// - `weights`: `[D in, D out]`
/// - `grad`: `[T, D out]`, where `width` is `D out`
/// - returns `[T, D in]`
#[must_use]
pub fn linear_input_backward(weights: &[f32], grad: &[f32], width: usize) -> Vec<f32> {
    product(Matrix::new(grad, width), Matrix::new(weights, width).transposed(), None)
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

fn product(left: Matrix<'_>, right: Matrix<'_>, bias: Option<&[f32]>) -> Vec<f32> {
    let mut output = zeros(left.rows() * right.columns());
    multiply(left, right, bias, &mut output);
    output
}
