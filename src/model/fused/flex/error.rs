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

/// `[…, 1]` of predictions and targets, `[…, D]`.
pub(super) fn squared(inputs: [FloatTensor<Flex>; 2]) -> FloatTensor<Flex> {
    let [prediction, target] = inputs.map(|input| input.to_contiguous());
    let mut shape = prediction.shape();
    let last = shape.num_dims() - 1;
    let width = std::mem::replace(&mut shape[last], 1);
    let mut errors = zeros(shape.num_elements());
    let [prediction, target] =
        [&prediction, &target].map(|all| all.storage::<f32>()[place(all)].par_chunks(ROWS * width));
    let parts = errors.par_chunks_mut(ROWS).zip(prediction.zip(target));
    parts.for_each(|(errors, (prediction, target))| {
        mae_seg_kernels::squared_error(prediction, target, errors);
    });
    Flex::float_from_data(TensorData::new(errors, shape), &Default::default())
}

/// Gradient of the prediction.
pub(super) fn squared_back(inputs: [FloatTensor<Flex>; 2], grad: &FloatTensor<Flex>) -> FloatTensor<Flex> {
    let [prediction, target] = inputs.map(|input| input.to_contiguous());
    let grad = grad.to_contiguous();
    let shape = prediction.shape();
    let width = shape[shape.num_dims() - 1];
    let mut of_prediction = zeros(shape.num_elements());
    let [prediction, target] =
        [&prediction, &target].map(|all| all.storage::<f32>()[place(all)].par_chunks(ROWS * width));
    let grads = grad.storage::<f32>()[place(&grad)].par_chunks(ROWS);
    let parts = of_prediction.par_chunks_mut(ROWS * width).zip(grads.zip(prediction.zip(target)));
    parts.for_each(|(of_prediction, (grads, (prediction, target)))| {
        mae_seg_kernels::squared_error_back(prediction, target, grads, of_prediction);
    });
    Flex::float_from_data(TensorData::new(of_prediction, shape), &Default::default())
}
