//! The squared error on burn-flex, row by row.

use burn::backend::Flex;
use burn::backend::TensorMetadata as _;
use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::tensor::TensorData;
use rayon::prelude::*;

use super::{place, zeros};

/// Rows that a thread takes at once.
const ROWS: usize = 32;

/// `[…, 1]` of what was drawn and what was wanted, `[…, D]`.
pub(super) fn squared(inputs: [FloatTensor<Flex>; 2]) -> FloatTensor<Flex> {
    let [drawn, wanted] = inputs.map(|input| input.to_contiguous());
    let mut shape = drawn.shape();
    let last = shape.num_dims() - 1;
    let width = std::mem::replace(&mut shape[last], 1);
    let mut errors = zeros(shape.num_elements());
    let [drawn, wanted] =
        [&drawn, &wanted].map(|all| all.storage::<f32>()[place(all)].par_chunks(ROWS * width));
    let parts = errors.par_chunks_mut(ROWS).zip(drawn.zip(wanted));
    parts.for_each(|(errors, (drawn, wanted))| mae_seg_kernels::squared_error(drawn, wanted, errors));
    Flex::float_from_data(TensorData::new(errors, shape), &Default::default())
}

/// Gradient of what was drawn.
pub(super) fn squared_back(inputs: [FloatTensor<Flex>; 2], grad: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let [drawn, wanted] = inputs.map(|input| input.to_contiguous());
    let grad = grad.to_contiguous();
    let shape = drawn.shape();
    let width = shape[shape.num_dims() - 1];
    let mut of_drawn = zeros(shape.num_elements());
    let [drawn, wanted] =
        [&drawn, &wanted].map(|all| all.storage::<f32>()[place(all)].par_chunks(ROWS * width));
    let grads = grad.storage::<f32>()[place(&grad)].par_chunks(ROWS);
    let parts = of_drawn.par_chunks_mut(ROWS * width).zip(grads.zip(drawn.zip(wanted)));
    parts.for_each(|(of_drawn, (grads, (drawn, wanted)))| {
        mae_seg_kernels::squared_error_back(drawn, wanted, grads, of_drawn);
    });
    Flex::float_from_data(TensorData::new(of_drawn, shape), &Default::default())
}
