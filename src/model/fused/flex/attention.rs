//! Attention and its derivative on burn-flex: each photo's queries, keys and values are read where they lie side by side.

use std::ops::Range;

use burn::backend::Flex;
use burn::backend::TensorMetadata as _;
use burn::backend::tensor::FloatTensor;
use gemmkit::{MatMut, MatRef, Parallelism, gemm};
use mae_seg_kernels::{softmax, softmax_back};
use rayon::prelude::*;

use super::{place, tensor, zeros};

/// Queries that a thread takes at once, at most.
const QUERIES: usize = 128;
/// Places of queries, keys and values beside each other.
const QUERY: usize = 0;
const KEY: usize = 1;
const VALUE: usize = 2;

/// `[B, T, D]` of `[B, T, 3·D]`, and the weights `[B, T, H, T]`.
pub(super) fn keeping(parts: &FloatTensor<Flex>, heads: usize) -> [FloatTensor<Flex>; 2] {
    let parts = parts.to_contiguous();
    let [batch, length, width] = parts.shape().dims();
    let sizes = Sizes { length, heads, width: width / 3 / heads };
    let (wide, long) = (sizes.wide(), sizes.long());
    let (mut output, mut weights) = (zeros(batch * length * wide), zeros(batch * length * long));
    let photos = parts.storage::<f32>()[place(&parts)].par_chunks_exact(length * width);
    let outputs = output.par_chunks_exact_mut(length * wide);
    photos.zip(outputs).zip(weights.par_chunks_exact_mut(length * long)).for_each(
        |((parts, output), weights)| {
            let rows = sizes.rows();
            let blocks = output.par_chunks_mut(rows * wide).zip(weights.par_chunks_mut(rows * long));
            blocks.enumerate().for_each(|(block, (output, weights))| {
                sizes.attend(parts, block * rows, output, weights);
            });
        },
    );
    [tensor(output, [batch, length, wide]), tensor(weights, [batch, length, heads, length])]
}

/// The gradient of `parts`, from the weights and the gradient of the output.
pub(super) fn back(
    parts: FloatTensor<Flex>,
    heads: usize,
    weights: FloatTensor<Flex>,
    grad: FloatTensor<Flex>,
) -> FloatTensor<Flex> {
    let [parts, weights, grad] = [parts, weights, grad].map(|input| input.to_contiguous());
    let [batch, length, width] = parts.shape().dims();
    let sizes = Sizes { length, heads, width: width / 3 / heads };
    let [parts, weights, grad] = [&parts, &weights, &grad].map(|input| &input.storage::<f32>()[place(input)]);
    let mut of_parts = zeros(parts.len());
    let photos = parts
        .par_chunks_exact(length * width)
        .zip(weights.par_chunks_exact(length * sizes.long()))
        .zip(grad.par_chunks_exact(length * sizes.wide()));
    of_parts.par_chunks_exact_mut(length * width).zip(photos).for_each(
        |(of_parts, ((parts, weights), grad))| {
            let rows = sizes.rows();
            let mut of_scores = vec![0.0; weights.len()];
            let blocks =
                of_scores.par_chunks_mut(rows * sizes.long()).zip(weights.par_chunks(rows * sizes.long()));
            blocks.enumerate().for_each(|(block, (of_scores, weights))| {
                sizes.of_scores(parts, &grad[block * rows * sizes.wide()..], weights, of_scores);
            });
            of_parts.par_chunks_mut(rows * width).enumerate().for_each(|(block, of_parts)| {
                sizes.of_parts(parts, [&of_scores, weights, grad], block * rows, of_parts);
            });
        },
    );
    tensor(of_parts, [batch, length, width])
}

/// T, H and d.
#[derive(Clone, Copy)]
struct Sizes {
    length: usize,
    heads: usize,
    width: usize,
}

impl Sizes {
    /// D, all heads of a token.
    fn wide(self) -> usize {
        self.heads * self.width
    }

    /// Weights of all heads of a query.
    fn long(self) -> usize {
        self.heads * self.length
    }

    /// Queries of a block: as many in each.
    fn rows(self) -> usize {
        self.length.div_ceil(self.length.div_ceil(QUERIES))
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// A head of one of the parts, all tokens from the first of `parts` on, `[rows, d]`.
    fn part(self, parts: &[f32], rows: usize, part: usize, head: usize) -> MatRef<'_, f32> {
        let first = part * self.wide() + head * self.width;
        MatRef::new(&parts[first..], rows, self.width, 3 * self.wide() as isize, 1)
    }

    /// The same the other way round, `[d, T]`.
    fn turned(self, parts: &[f32], part: usize, head: usize) -> MatRef<'_, f32> {
        let first = part * self.wide() + head * self.width;
        MatRef::new(&parts[first..], self.width, self.length, 1, 3 * self.wide() as isize)
    }

    /// A head of an output or its gradient, `[rows, d]`.
    fn head(self, all: &[f32], rows: usize, head: usize) -> MatRef<'_, f32> {
        MatRef::new(&all[head * self.width..], rows, self.width, self.wide() as isize, 1)
    }

    /// Weights of a head: one of the first `rows` queries each row, `[rows, T]`.
    fn weights(self, all: &[f32], rows: usize, head: usize) -> MatRef<'_, f32> {
        MatRef::new(&all[head * self.length..], rows, self.length, self.long() as isize, 1)
    }

    /// Weights of a head for the keys of `rows`, `[rows, T]`.
    fn weights_of(self, all: &[f32], rows: Range<usize>, head: usize) -> MatRef<'_, f32> {
        let first = head * self.length + rows.start;
        MatRef::new(&all[first..], rows.len(), self.length, 1, self.long() as isize)
    }

    /// Output and weights of the queries from `first` on.
    fn attend(self, parts: &[f32], first: usize, output: &mut [f32], weights: &mut [f32]) {
        let rows = output.len() / self.wide();
        for head in 0..self.heads {
            let query = self.part(&parts[first * 3 * self.wide()..], rows, QUERY, head);
            let scores =
                MatMut::new(&mut weights[head * self.length..], rows, self.length, self.long() as isize, 1);
            gemm(1.0, query, self.turned(parts, KEY, head), 0.0, scores, Parallelism::Serial);
        }
        softmax(weights, self.length, self.scale());
        for head in 0..self.heads {
            let value = self.part(parts, self.length, VALUE, head);
            let mixed =
                MatMut::new(&mut output[head * self.width..], rows, self.width, self.wide() as isize, 1);
            gemm(1.0, self.weights(weights, rows, head), value, 0.0, mixed, Parallelism::Serial);
        }
    }

    /// Gradients of the scores of a block of queries, from that of their output, which is where `grad` starts.
    fn of_scores(self, parts: &[f32], grad: &[f32], weights: &[f32], of_scores: &mut [f32]) {
        let rows = of_scores.len() / self.long();
        for head in 0..self.heads {
            let of_weights =
                MatMut::new(&mut of_scores[head * self.length..], rows, self.length, self.long() as isize, 1);
            let grad = self.head(grad, rows, head);
            gemm(1.0, grad, self.turned(parts, VALUE, head), 0.0, of_weights, Parallelism::Serial);
        }
        softmax_back(of_scores, weights, self.length, self.scale());
    }

    /// Gradients of the queries, keys and values from `first` on.
    fn of_parts(
        self,
        parts: &[f32],
        [of_scores, weights, grad]: [&[f32]; 3],
        first: usize,
        of_parts: &mut [f32],
    ) {
        let rows = of_parts.len() / 3 / self.wide();
        let all = self.length;
        for head in 0..self.heads {
            let keys = first..first + rows;
            let of_queries = self.weights(&of_scores[first * self.long()..], rows, head);
            let products = [
                (QUERY, of_queries, self.part(parts, all, KEY, head)),
                (KEY, self.weights_of(of_scores, keys.clone(), head), self.part(parts, all, QUERY, head)),
                (VALUE, self.weights_of(weights, keys, head), self.head(grad, all, head)),
            ];
            for (part, left, right) in products {
                let first = part * self.wide() + head * self.width;
                let into = MatMut::new(&mut of_parts[first..], rows, self.width, 3 * self.wide() as isize, 1);
                gemm(1.0, left, right, 0.0, into, Parallelism::Serial);
            }
        }
    }
}
