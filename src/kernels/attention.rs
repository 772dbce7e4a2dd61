//! Multi-head self-attention and its derivative, on all threads, without copies of the heads.

use rayon::prelude::*;

use super::matrix::{Matrix, multiply};
use super::parallel::zeros;
use super::softmax::{softmax, softmax_backward};

/// Largest number of queries in a block, which one thread takes at once.
const QUERIES: usize = 128;
/// Positions of queries, keys and values in `qkv`.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// Sizes of the tensors of [`attention`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttentionShape {
    /// `T`, the number of tokens of a photo.
    pub length: usize,
    /// `H`, the number of heads.
    pub heads: usize,
    /// `d`, the width of one head.
    pub width: usize,
}

/// Returns `softmax(q kᵀ / √d) v` of each head, and the attention weights, which the softmax returns.
///
/// # Shapes
/// - `qkv`: `[B, T, 3, H, d]`
/// - returns `[B, T, H, d]` and `[B, T, H, T]`
#[must_use]
pub fn attention(qkv: &[f32], shape: AttentionShape) -> (Vec<f32>, Vec<f32>) {
    let AttentionShape { length, .. } = shape;
    let (token, row) = (shape.token(), shape.weight_row());
    let tokens = qkv.len() / 3 / token;
    let (mut output, mut weights) = (zeros(tokens * token), zeros(tokens * row));
    let outputs = output.par_chunks_exact_mut(length * token).zip(weights.par_chunks_exact_mut(length * row));
    qkv.par_chunks_exact(length * 3 * token).zip(outputs).for_each(|(qkv, (output, weights))| {
        let queries = shape.queries();
        let blocks = output.par_chunks_mut(queries * token).zip(weights.par_chunks_mut(queries * row));
        blocks.enumerate().for_each(|(block, (output, weights))| {
            shape.forward_block(qkv, block * queries, output, Some(weights));
        });
    });
    (output, weights)
}

/// Returns the first result of [`attention`] alone.
///
/// # Shapes
/// - `qkv`: `[B, T, 3, H, d]`
/// - returns `[B, T, H, d]`
#[must_use]
pub fn attention_output(qkv: &[f32], shape: AttentionShape) -> Vec<f32> {
    let AttentionShape { length, .. } = shape;
    let token = shape.token();
    let mut output = zeros(qkv.len() / 3);
    let outputs = output.par_chunks_exact_mut(length * token);
    qkv.par_chunks_exact(length * 3 * token).zip(outputs).for_each(|(qkv, output)| {
        let queries = shape.queries();
        output.par_chunks_mut(queries * token).enumerate().for_each(|(block, output)| {
            shape.forward_block(qkv, block * queries, output, None);
        });
    });
    output
}

/// Returns the gradient of `qkv` (`FlashAttention`, <https://arxiv.org/abs/2205.14135>, appendix B.2).
///
/// # Shapes
/// - `qkv`, returns: `[B, T, 3, H, d]`
/// - `weights`: `[B, T, H, T]`, as [`attention`] returns them
/// - `grad`: `[B, T, H, d]`, of its output
#[must_use]
pub fn attention_backward(qkv: &[f32], weights: &[f32], grad: &[f32], shape: AttentionShape) -> Vec<f32> {
    let AttentionShape { length, .. } = shape;
    let (token, row) = (shape.token(), shape.weight_row());
    let mut qkv_grad = zeros(qkv.len());
    let photos = qkv
        .par_chunks_exact(length * 3 * token)
        .zip(weights.par_chunks_exact(length * row))
        .zip(grad.par_chunks_exact(length * token));
    qkv_grad.par_chunks_exact_mut(length * 3 * token).zip(photos).for_each(
        |(qkv_grad, ((qkv, weights), grad))| {
            let queries = shape.queries();
            let mut score_grad = vec![0.0; weights.len()];
            let blocks = score_grad.par_chunks_mut(queries * row).zip(weights.par_chunks(queries * row));
            blocks.enumerate().for_each(|(block, (score_grad, weights))| {
                shape.score_grad_block(qkv, &grad[block * queries * token..], weights, score_grad);
            });
            // After all blocks, since gradients of keys and values are sums over all queries.
            qkv_grad.par_chunks_mut(queries * 3 * token).enumerate().for_each(|(block, qkv_grad)| {
                shape.qkv_grad_block(qkv, [&score_grad, weights, grad], block * queries, qkv_grad);
            });
        },
    );
    qkv_grad
}

/// Start and row stride of one head's matrix in a slice.
type Place = (usize, usize);

impl AttentionShape {
    /// Returns the numbers per token, H·d.
    fn token(self) -> usize {
        self.heads * self.width
    }

    /// Returns the weights per query, H·T.
    fn weight_row(self) -> usize {
        self.heads * self.length
    }

    /// Returns the queries per block, such that all blocks have about as many.
    fn queries(self) -> usize {
        self.length.div_ceil(self.length.div_ceil(QUERIES))
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Locates queries, keys or values of a head.
    fn in_qkv(self, which: usize, head: usize) -> Place {
        (which * self.token() + head * self.width, 3 * self.token())
    }

    fn in_output(self, head: usize) -> Place {
        (head * self.width, self.token())
    }

    fn in_weights(self, head: usize) -> Place {
        (head * self.length, self.weight_row())
    }

    /// Computes the output of the queries from `first` on, and their weights where these are wanted.
    fn forward_block(self, qkv: &[f32], first: usize, output: &mut [f32], mut kept: Option<&mut [f32]>) {
        let Self { length, width, .. } = self;
        let rows = output.len() / self.token();
        let mut weights = vec![0.0; rows * length];
        for head in 0..self.heads {
            let query = matrix(&qkv[first * 3 * self.token()..], self.in_qkv(QUERY, head), [rows, width]);
            let [key, value] =
                [KEY, VALUE].map(|which| matrix(qkv, self.in_qkv(which, head), [length, width]));
            multiply(query, key.transposed(), None, &mut weights);
            softmax(&mut weights, length, self.scale());
            multiply_into(Matrix::new(&weights, length), value, output, self.in_output(head));
            if let Some(kept) = &mut kept {
                write(&weights, length, kept, self.in_weights(head));
            }
        }
    }

    /// Computes gradients of the scores `q kᵀ` of a block of queries; `grad` starts at the block.
    fn score_grad_block(self, qkv: &[f32], grad: &[f32], weights: &[f32], score_grad: &mut [f32]) {
        let Self { length, width, .. } = self;
        let rows = score_grad.len() / self.weight_row();
        for head in 0..self.heads {
            // As output = weights · v, the gradient of the weights is grad · vᵀ.
            let grad = matrix(grad, self.in_output(head), [rows, width]);
            let value = matrix(qkv, self.in_qkv(VALUE, head), [length, width]);
            multiply_into(grad, value.transposed(), score_grad, self.in_weights(head));
        }
        softmax_backward(score_grad, weights, length, self.scale());
    }

    /// Computes gradients of the queries, keys and values from `first` on.
    fn qkv_grad_block(
        self,
        qkv: &[f32],
        [score_grad, weights, grad]: [&[f32]; 3],
        first: usize,
        qkv_grad: &mut [f32],
    ) {
        let Self { length, width, .. } = self;
        let rows = qkv_grad.len() / 3 / self.token();
        for head in 0..self.heads {
            // Queries are the rows of scores and weights; keys and values are the columns.
            let query_rows =
                matrix(&score_grad[first * self.weight_row()..], self.in_weights(head), [rows, length]);
            let [key_rows, value_rows] = [score_grad, weights]
                .map(|all| matrix(&all[first..], self.in_weights(head), [length, rows]).transposed());
            let all = |which| matrix(qkv, self.in_qkv(which, head), [length, width]);
            let grad = matrix(grad, self.in_output(head), [length, width]);
            // dq = dscores · k, dk = dscoresᵀ · q and dv = weightsᵀ · dout.
            let products =
                [(QUERY, query_rows, all(KEY)), (KEY, key_rows, all(QUERY)), (VALUE, value_rows, grad)];
            for (which, left, right) in products {
                multiply_into(left, right, qkv_grad, self.in_qkv(which, head));
            }
        }
    }
}

/// Returns the matrix at `place`.
fn matrix(numbers: &[f32], (first, stride): Place, shape: [usize; 2]) -> Matrix<'_> {
    Matrix::strided(&numbers[first..], stride, shape)
}

/// Writes `left · right` to the matrix at `place`.
fn multiply_into(left: Matrix<'_>, right: Matrix<'_>, numbers: &mut [f32], (first, stride): Place) {
    let mut product = vec![0.0; left.rows() * right.columns()];
    multiply(left, right, None, &mut product);
    write(&product, right.columns(), numbers, (first, stride));
}

/// Writes a matrix of `columns` to the one at `place`.
fn write(from: &[f32], columns: usize, numbers: &mut [f32], (first, stride): Place) {
    for (row, target) in from.chunks_exact(columns).zip(numbers[first..].chunks_mut(stride)) {
        target[..columns].copy_from_slice(row);
    }
}
