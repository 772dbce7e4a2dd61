//! Multi-head self-attention, <https://arxiv.org/abs/1706.03762> §3.2.

use burn::backend::ops::AttentionModuleOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, TensorMetadata as _, backend_extension};
use burn::tensor::{Slice, Tensor};

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

/// A backend with [`attention()`].
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(super) trait AttentionOps: Backend {
    fn forward(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        attend::<Self>(split_heads::<Self>(qkv, heads))
    }

    fn forward_rounded(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        Self::forward(qkv, heads)
    }
}

impl AttentionOps for Cube {}

impl AttentionOps for Flex {
    #[cfg(target_arch = "wasm32")]
    fn forward_rounded(qkv: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        use super::flex::{contiguous, numbers, tensor};

        let split = match contiguous(split_heads::<Self>(qkv, heads)) {
            Ok(split) => split,
            Err(split) => return attend::<Self>(split),
        };
        let [batch, heads, length, width] = split[0].shape().dims();
        let [query, key, value] = split.each_ref().map(|part| numbers(part).chunks_exact(length * width));
        let heads_of_photos = query.zip(key).zip(value);
        let output = heads_of_photos
            .flat_map(|((query, key), value)| mae_seg_kernels::attention_rounded([query, key, value], width));
        merge_heads::<Self>(tensor(output.collect(), [batch, heads, length, width]))
    }
}

/// Computes `[B, T, D]` from queries, keys and values with Burn's operation.
fn attend<B: Backend>([query, key, value]: [FloatTensor<B>; 3]) -> FloatTensor<B> {
    merge_heads::<B>(B::attention(query, key, value, None, None, AttentionModuleOptions::default()))
}

/// Splits `[B, T, 3·D]` into queries, keys and values `[B, H, T, d]`.
pub(super) fn split_heads<B: Backend>(qkv: FloatTensor<B>, heads: usize) -> [FloatTensor<B>; 3] {
    let [batch, length, width] = qkv.shape().dims();
    let width = width / 3 / heads;
    let qkv = B::float_reshape(qkv, [batch, length, 3, heads, width].into());
    let qkv = B::float_permute(qkv, &[2, 0, 3, 1, 4]);
    [0, 1, 2].map(|part| {
        let one = B::float_slice(qkv.clone(), &[Slice::new(part, Some(part + 1), 1)]);
        B::float_reshape(one, [batch, heads, length, width].into())
    })
}

/// Merges heads `[B, H, T, d]` into tokens `[B, T, D]`.
pub(super) fn merge_heads<B: Backend>(heads: FloatTensor<B>) -> FloatTensor<B> {
    let [batch, count, length, width] = heads.shape().dims();
    B::float_reshape(B::float_permute(heads, &[0, 2, 1, 3]), [batch, length, count * width].into())
}
