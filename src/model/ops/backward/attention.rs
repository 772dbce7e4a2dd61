//! The derivative of attention (`FlashAttention`, <https://arxiv.org/abs/2205.14135>, appendix B.2).

use mae_seg_kernels::AttentionShape;

use super::{Autodiff, Backend, CheckpointStrategy, Cube, Flex, Float, TensorMetadata as _, kernels, record};
use super::{contiguous, numbers, tensor};
use crate::model::ops::attention::{AttentionOps, merge_heads, split_heads};

/// The derivative of [`attention`](crate::model::ops::attention()) on a backend without autodiff.
pub(in crate::model::ops) trait AttentionBackward: AttentionOps {
    /// Returns the output, and what [`backward`](Self::backward) needs of the computation: by default the
    /// attention weights, `[B, H, T, T]`.
    fn forward_keeping(qkv: Float<Self>, heads: usize) -> [Float<Self>; 2] {
        forward_keeping::<Self>(qkv, heads)
    }

    /// Returns the gradient of `qkv` from what [`forward_keeping`](Self::forward_keeping) returned.
    fn backward(qkv: Float<Self>, heads: usize, kept: [Float<Self>; 2], grad: Float<Self>) -> Float<Self> {
        let [_, weights] = kept;
        backward::<Self>(qkv, heads, weights, grad)
    }
}

impl AttentionBackward for Cube {}

impl AttentionBackward for Flex {
    /// Keeps attention weights `[B, T, H, T]`.
    fn forward_keeping(qkv: Float<Self>, heads: usize) -> [Float<Self>; 2] {
        let qkv = match contiguous([qkv]) {
            Ok([qkv]) => qkv,
            Err([qkv]) => return forward_keeping::<Self>(qkv, heads),
        };
        let [batch, length, width] = qkv.shape().dims();
        let shape = AttentionShape { length, heads, width: width / 3 / heads };
        let (output, weights) = kernels::attention(numbers(&qkv), shape);
        [tensor(output, [batch, length, width / 3]), tensor(weights, [batch, length, heads, length])]
    }

    fn backward(qkv: Float<Self>, heads: usize, kept: [Float<Self>; 2], grad: Float<Self>) -> Float<Self> {
        let [_, weights] = kept;
        let [qkv, weights, grad] = match contiguous([qkv, weights, grad]) {
            Ok(tensors) => tensors,
            Err([qkv, weights, grad]) => return backward::<Self>(qkv, heads, weights, grad),
        };
        let [_, length, width] = qkv.shape().dims();
        let shape = AttentionShape { length, heads, width: width / 3 / heads };
        let grad = kernels::attention_backward(numbers(&qkv), numbers(&weights), numbers(&grad), shape);
        tensor(grad, qkv.shape())
    }
}

impl<B: AttentionBackward, C: CheckpointStrategy> AttentionOps for Autodiff<B, C> {
    fn forward(qkv: Float<Self>, heads: usize) -> Float<Self> {
        record::<B, C, _, 1>(
            [qkv],
            |[qkv]| B::forward(qkv, heads),
            |[qkv]| {
                let kept = B::forward_keeping(qkv.clone(), heads);
                (kept[0].clone(), (qkv, kept))
            },
            move |(qkv, kept), grad, _| [Some(B::backward(qkv, heads, kept, grad))],
        )
    }
}

/// Composes output and attention weights of Burn's operations.
fn forward_keeping<B: Backend>(qkv: Float<B>, heads: usize) -> [Float<B>; 2] {
    let [query, key, value] = split_heads::<B>(qkv, heads);
    let query = B::float_mul_scalar(query.clone(), scale::<B>(&query).into());
    let weights = B::softmax(B::float_matmul(query, B::float_transpose(key)), 3);
    let output = B::float_matmul(weights.clone(), value);
    [merge_heads::<B>(output), weights]
}

/// Composes the gradient of Burn's operations, with s = 1/√d, S = s·Q Kᵀ, P = softmax(S) and O = P V:
///
/// ```text
/// dV = Pᵀ dO      dP = dO Vᵀ      dS = P ∘ (dP - rowsum(dP ∘ P))      dQ = s·dS K      dK = s·dSᵀ Q
/// ```
fn backward<B: Backend>(qkv: Float<B>, heads: usize, weights: Float<B>, grad: Float<B>) -> Float<B> {
    let [query, key, value] = split_heads::<B>(qkv, heads);
    let [batch, heads, length, width] = query.shape().dims();
    let scale = scale::<B>(&query);
    let grad = B::float_reshape(grad, [batch, length, heads, width].into());
    let grad = B::float_permute(grad, &[0, 2, 1, 3]);
    let value_grad = B::float_matmul(B::float_transpose(weights.clone()), grad.clone());
    let weight_grad = B::float_matmul(grad, B::float_transpose(value));
    let row_sum = B::float_sum_dim(B::float_mul(weight_grad.clone(), weights.clone()), 3);
    let score_grad = B::float_mul(B::float_sub(weight_grad, row_sum), weights);
    let score_grad = B::float_mul_scalar(score_grad, scale.into());
    let query_grad = B::float_matmul(score_grad.clone(), key);
    let key_grad = B::float_matmul(B::float_transpose(score_grad), query);
    B::float_cat([query_grad, key_grad, value_grad].map(merge_heads::<B>).into(), 2)
}

/// Returns 1/√d for queries `[B, H, T, d]`.
fn scale<B: Backend>(query: &Float<B>) -> f64 {
    let [_, _, _, width] = query.shape().dims();
    1.0 / f64::from(width as u32).sqrt()
}
