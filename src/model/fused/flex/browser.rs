//! What burn-flex computes in a browser with whole numbers.

use burn::backend::Flex;
use burn::backend::TensorMetadata as _;
use burn::backend::ops::{AttentionModuleOptions, FloatTensorOps as _, ModuleOps as _};
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use mae_seg_kernels::{Panels, Rows, product};

use super::{place, tensor};

/// `[B, H, T, d]` each.
pub(super) fn attended([query, key, value]: [FloatTensor<Flex>; 3]) -> FloatTensor<Flex> {
    if query.dtype() != DType::F32 {
        return Flex::attention(query, key, value, None, None, AttentionModuleOptions::default());
    }
    let [batch, heads, length, width] = query.shape().dims();
    let inputs = [query, key, value].map(|input| input.to_contiguous());
    let [query, key, value] = inputs.each_ref().map(|input| {
        let numbers = &input.storage::<f32>()[place(input)];
        numbers.chunks_exact(numbers.len() / (batch * heads))
    });
    let of_heads = query.zip(key).zip(value);
    let all =
        of_heads.flat_map(|((query, key), value)| mae_seg_kernels::attended([query, key, value], width));
    tensor(all.collect(), [batch, heads, length, width])
}

/// `[B, M, K] · [1, K, N]`
pub(super) fn multiplied(left: FloatTensor<Flex>, right: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let ([batch, height, inner], [of, _, width]) = (left.shape().dims(), right.shape().dims());
    if of != 1 || [&left, &right].iter().any(|side| side.dtype() != DType::F32) {
        return Flex::float_matmul(left, right);
    }
    let [left, right] = [left, right].map(|side| side.to_contiguous());
    let rows = Rows::new(&left.storage::<f32>()[place(&left)], inner);
    let panels = Panels::new(&right.storage::<f32>()[place(&right)], width);
    tensor(product(&rows, &panels), [batch, height, width])
}
