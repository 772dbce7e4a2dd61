//! Multi-head self-attention, <https://arxiv.org/abs/1706.03762> §3.2.

use burn::backend::ops::{AttentionModuleOptions, FloatTensorOps as _};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::{Slice, Tensor};

use super::gpu;

/// Returns `softmax(q kᵀ / √d) v` of each head.
///
/// # Shapes
/// - `qkv`: `[B, T, 3·D]`, queries, keys and values side by side, each with its heads side by side
/// - returns `[B, T, D]`
pub(in crate::model) fn attention(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as AttentionOps>::forward(qkv.into_dispatch(), heads))
}

/// Computes [`attention()`] where 16 bits of queries, keys, values and weights suffice; browsers without a
/// GPU use no more.
pub(in crate::model) fn attention_rounded(qkv: Tensor<3>, heads: usize) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as AttentionOps>::forward_rounded(qkv.into_dispatch(), heads))
}

/// Computes [`attention()`] of some tokens over all.
///
/// # Shapes
/// - `query`: `[B, t, D]`
/// - `key_value`: `[B, T, 2·D]`, keys and values of all tokens side by side
/// - returns `[B, t, D]`
pub(in crate::model) fn attention_of_part(
    query: Tensor<3>,
    key_value: Tensor<3>,
    heads: usize,
    rounds: bool,
) -> Tensor<3> {
    let (query, key_value) = (query.into_dispatch(), key_value.into_dispatch());
    Tensor::from_dispatch(<Dispatch as AttentionOps>::forward_part(query, key_value, heads, rounds))
}

/// A backend with [`attention()`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait AttentionOps: Backend {
    fn forward(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        attend::<Self>(split_heads::<Self>(qkv, heads))
    }

    fn forward_rounded(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        Self::forward(qkv, heads)
    }

    fn forward_part(
        query: FloatTensor<Self>,
        key_value: FloatTensor<Self>,
        heads: usize,
        _rounds: bool,
    ) -> FloatTensor<Self> {
        attend::<Self>(split_part::<Self>(query, key_value, heads))
    }
}

impl AttentionOps for Cube {
    fn forward(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        attend_on_gpu(split_at_once(qkv, heads))
    }

    fn forward_part(
        query: FloatTensor<Self>,
        key_value: FloatTensor<Self>,
        heads: usize,
        _rounds: bool,
    ) -> FloatTensor<Self> {
        let ([query], [key, value]) = (split_at_once(query, heads), split_at_once(key_value, heads));
        attend_on_gpu([query, key, value])
    }
}

impl AttentionOps for Flex {
    #[cfg(feature = "native")]
    fn forward(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        use mae_seg_kernels::{AttentionShape, attention_output};

        use super::flex::{contiguous, numbers, tensor, with_last};

        let qkv = match contiguous([qkv]) {
            Ok([qkv]) => qkv,
            Err([qkv]) => return attend::<Self>(split_heads::<Self>(qkv, heads)),
        };
        let [_, length, width] = qkv.shape().dims();
        let output =
            attention_output(numbers(&qkv), AttentionShape { length, heads, width: width / 3 / heads });
        tensor(output, with_last(qkv.shape(), width / 3))
    }

    #[cfg(target_arch = "wasm32")]
    fn forward_rounded(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        attend_rounded(split_heads::<Self>(qkv, heads))
    }

    #[cfg(target_arch = "wasm32")]
    fn forward_part(
        query: FloatTensor<Self>,
        key_value: FloatTensor<Self>,
        heads: usize,
        rounds: bool,
    ) -> FloatTensor<Self> {
        let split = split_part::<Self>(query, key_value, heads);
        if rounds { attend_rounded(split) } else { attend::<Self>(split) }
    }
}

/// Computes [`attend()`] with one kernel between the two products.
fn attend_on_gpu([query, key, value]: [FloatTensor<Cube>; 3]) -> FloatTensor<Cube> {
    let width = query.shape()[3];
    if !gpu::takes([&query, &key, &value]) {
        return attend::<Cube>([query, key, value]);
    }
    let scores = Cube::float_matmul(query, Cube::float_transpose(key));
    let weights = gpu::softmax(scores, 1.0 / (width as f32).sqrt());
    merge_heads::<Cube>(Cube::float_matmul(weights, value))
}

/// Computes [`attend()`] with 16 bits of each number.
#[cfg(target_arch = "wasm32")]
fn attend_rounded(split: [FloatTensor<Flex>; 3]) -> FloatTensor<Flex> {
    use super::flex::{contiguous, numbers, tensor};

    let split = match contiguous(split) {
        Ok(split) => split,
        Err(split) => return attend::<Flex>(split),
    };
    let shape = split[0].shape();
    let width = shape[3];
    let [query, key, value] =
        split.each_ref().map(|part| numbers(part).chunks_exact(part.shape()[2] * width));
    let heads_of_photos = query.zip(key).zip(value);
    let output = heads_of_photos
        .flat_map(|((query, key), value)| mae_seg_kernels::attention_rounded([query, key, value], width));
    merge_heads::<Flex>(tensor(output.collect(), shape))
}

/// Computes `[B, T, D]` from queries, keys and values with Burn's operation.
fn attend<B: Backend>([query, key, value]: [FloatTensor<B>; 3]) -> FloatTensor<B> {
    merge_heads::<B>(B::attention(query, key, value, None, None, AttentionModuleOptions::default()))
}

/// Splits `[B, T, 3·D]` into queries, keys and values `[B, H, T, d]`.
pub(super) fn split_heads<B: Backend>(qkv: FloatTensor<B>, heads: usize) -> [FloatTensor<B>; 3] {
    split::<B, 3>(qkv, heads)
}

/// Splits queries `[B, t, D]`, and keys and values `[B, T, 2·D]`, into heads.
fn split_part<B: Backend>(
    query: FloatTensor<B>,
    key_value: FloatTensor<B>,
    heads: usize,
) -> [FloatTensor<B>; 3] {
    let ([query], [key, value]) = (split::<B, 1>(query, heads), split::<B, 2>(key_value, heads));
    [query, key, value]
}

/// Splits `[B, T, N·D]` into N tensors `[B, H, T, d]`.
fn split<B: Backend, const N: usize>(parts: FloatTensor<B>, heads: usize) -> [FloatTensor<B>; N] {
    let batch = parts.shape()[0];
    let parts = parts_first::<B, N>(parts, heads);
    let [_, _, _, length, width] = parts.shape().dims();
    std::array::from_fn(|part| {
        let part = part as isize;
        let one = B::float_slice(parts.clone(), &[Slice::new(part, Some(part + 1), 1)]);
        B::float_reshape(one, [batch, heads, length, width].into())
    })
}

/// Splits as [`split`] does, with one copy for all parts.
fn split_at_once<const N: usize>(parts: FloatTensor<Cube>, heads: usize) -> [FloatTensor<Cube>; N] {
    let batch = parts.shape()[0];
    let parts = parts_first::<Cube, N>(parts, heads);
    let [_, _, _, length, width] = parts.shape().dims();
    let parts = Cube::float_reshape(parts, [N * batch, heads, length, width].into());
    std::array::from_fn(|part| {
        let [start, end] = [part, part + 1].map(|part| (part * batch) as isize);
        Cube::float_slice(parts.clone(), &[Slice::new(start, Some(end), 1)])
    })
}

/// Views `[B, T, N·D]` as `[N, B, H, T, d]`.
fn parts_first<B: Backend, const N: usize>(parts: FloatTensor<B>, heads: usize) -> FloatTensor<B> {
    let [batch, length, width] = parts.shape().dims();
    let parts = B::float_reshape(parts, [batch, length, N, heads, width / N / heads].into());
    B::float_permute(parts, &[2, 0, 3, 1, 4])
}

/// Merges heads `[B, H, T, d]` into tokens `[B, T, D]`.
pub(super) fn merge_heads<B: Backend>(heads: FloatTensor<B>) -> FloatTensor<B> {
    let [batch, count, length, width] = heads.shape().dims();
    B::float_reshape(B::float_permute(heads, &[0, 2, 1, 3]), [batch, length, count * width].into())
}
