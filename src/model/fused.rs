//! Linear layers, layer norm, attention, GELU, depthwise convolution and the squared error as one step each, whichever backend
//! computes.
//!
//! Without training they are Burn's own, but for what its portable backend does with linear layers, GELU, depthwise convolution and,
//! rounded, in browsers. Burn's autodiff would take layer norm and attention apart into a dozen steps that all go through memory;
//! here it gets their derivatives whole. On CPUs it would go back through a depthwise convolution with one convolution per channel;
//! that gets libtorch's derivatives, and ours on the portable backend. There Burn also clears the memory of each product and copies
//! it once, which takes as long as the product does.

#![cfg_attr(feature = "libtorch", expect(deprecated, reason = "see `torch`"))]

#[cfg(feature = "native")]
mod derivatives;
mod flex;
#[cfg(feature = "native")]
mod nodes;
#[cfg(feature = "libtorch")]
mod torch;

use burn::backend::ops::AttentionModuleOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Slice, Tensor};

/// Axes of `[B, height, width, D]` as convolutions want them, and back.
const CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];
const CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];

/// What the functions below need of a backend.
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(crate) trait Fused: Backend {
    /// See [`attended`].
    fn attended(parts: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        let [query, key, value] = heads_of::<Self>(parts, heads);
        let mixed = Self::attention(query, key, value, None, None, AttentionModuleOptions::default());
        side_by_side::<Self>(mixed)
    }

    /// See [`multiplied`].
    fn multiplied(
        tokens: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::linear(tokens, weights, Some(bias))
    }

    /// See [`normalised`].
    fn normalised(
        tokens: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(tokens, gamma, Some(beta), epsilon)
    }

    /// See [`gelu`].
    fn activated(tokens: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::gelu(tokens)
    }

    /// See [`mixed`].
    fn mixed(features: FloatTensor<Self>, kernel: FloatTensor<Self>) -> FloatTensor<Self> {
        convolved::<Self>(features, kernel)
    }

    /// See [`squared_error`]; `[…, D]` each, returns `[…, 1]`.
    fn squared_error(prediction: FloatTensor<Self>, target: FloatTensor<Self>) -> FloatTensor<Self> {
        squared::<Self>(prediction, target)
    }

    /// See [`attended_rounded`].
    fn attended_rounded(parts: FloatTensor<Self>, heads: usize) -> FloatTensor<Self> {
        Self::attended(parts, heads)
    }

    /// See [`multiplied_rounded`].
    fn multiplied_rounded(tokens: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_matmul(tokens, weights)
    }
}

impl Fused for Cube {}

/// `softmax(q kᵀ / √d) v` of each of the heads, which lie side by side.
///
/// # Shapes
/// - `parts`: `[B, T, 3·D]`, queries, keys and values side by side
/// - returns `[B, T, D]`
pub(super) fn attended(parts: Tensor<3>, heads: usize) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::attended(parts.into_dispatch(), heads))
}

/// `tokens · weights + bias`
///
/// # Shapes
/// - `tokens`: `[B, T, D in]`
/// - `weights`: `[D in, D out]`
/// - `bias`: `[D out]`
/// - returns `[B, T, D out]`
pub(super) fn multiplied(tokens: Tensor<3>, weights: Tensor<2>, bias: Tensor<1>) -> Tensor<3> {
    let (tokens, weights, bias) = (tokens.into_dispatch(), weights.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Fused>::multiplied(tokens, weights, bias))
}

/// Mean 0 and variance 1 along the last axis, `epsilon` added to the variance, times `gamma`, plus `beta`.
///
/// # Shapes
/// - `tokens`, returns: `[…, D]`
/// - `gamma`, `beta`: `[D]`
pub(super) fn normalised<const RANK: usize>(
    tokens: Tensor<RANK>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Tensor<RANK> {
    let [gamma, beta] = [gamma, beta].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Fused>::normalised(tokens.into_dispatch(), gamma, beta, epsilon))
}

/// `x · Φ(x)` of each number, with the normal distribution's Φ (GELU, <https://arxiv.org/abs/1606.08415>).
pub(super) fn gelu<const RANK: usize>(tokens: Tensor<RANK>) -> Tensor<RANK> {
    Tensor::from_dispatch(<Dispatch as Fused>::activated(tokens.into_dispatch()))
}

/// A 3×3 convolution of each channel by itself, zero beyond the border.
///
/// # Shapes
/// - `features`, returns: `[B, height, width, D]`
/// - `kernel`: `[D, 1, 3, 3]`
pub(super) fn mixed(features: Tensor<4>, kernel: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Fused>::mixed(features.into_dispatch(), kernel.into_dispatch()))
}

/// The mean squared difference along the last axis; no gradient goes to `target`.
///
/// # Shapes
/// - `prediction`, `target`: `[B, L, D]`
/// - returns `[B, L]`
///
/// # Panics
/// If they are of different shapes.
pub(super) fn squared_error(prediction: Tensor<3>, target: Tensor<3>) -> Tensor<2> {
    assert_eq!(prediction.dims(), target.dims());
    let [prediction, target] = [prediction, target].map(Tensor::into_dispatch);
    Tensor::<3>::from_dispatch(<Dispatch as Fused>::squared_error(prediction, target)).squeeze_dim(2)
}

/// [`attended`] where 16 bits of queries, keys, values and weights will do; browsers without a GPU use no more.
pub(super) fn attended_rounded(parts: Tensor<3>, heads: usize) -> Tensor<3> {
    Tensor::from_dispatch(<Dispatch as Fused>::attended_rounded(parts.into_dispatch(), heads))
}

/// The matrix product where 16 bits of each number will do; browsers without a GPU use no more (`mae_seg_kernels::product`).
///
/// # Shapes
/// - `tokens`: `[B, T, D in]`
/// - `weights`: `[D in, D out]`
/// - returns `[B, T, D out]`
pub(super) fn multiplied_rounded(tokens: Tensor<3>, weights: Tensor<2>) -> Tensor<3> {
    let [tokens, weights] = [tokens, weights.unsqueeze()].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Fused>::multiplied_rounded(tokens, weights))
}

/// Queries, keys and values `[B, H, T, d]` of `[B, T, 3·D]`.
fn heads_of<B: Backend>(parts: FloatTensor<B>, heads: usize) -> [FloatTensor<B>; 3] {
    let [batch, length, width] = parts.shape().dims();
    let width = width / 3 / heads;
    let parts = B::float_reshape(parts, [batch, length, 3, heads, width].into());
    let parts = B::float_permute(parts, &[2, 0, 3, 1, 4]);
    [0, 1, 2].map(|part| {
        let one = B::float_slice(parts.clone(), &[Slice::new(part, Some(part + 1), 1)]);
        B::float_reshape(one, [batch, heads, length, width].into())
    })
}

/// `[B, T, D]` of `[B, H, T, d]`.
fn side_by_side<B: Backend>(heads: FloatTensor<B>) -> FloatTensor<B> {
    let [batch, count, length, width] = heads.shape().dims();
    B::float_reshape(B::float_permute(heads, &[0, 2, 1, 3]), [batch, length, count * width].into())
}

/// As Burn computes it.
fn convolved<B: Backend>(features: FloatTensor<B>, kernel: FloatTensor<B>) -> FloatTensor<B> {
    let options = depthwise(kernel.shape()[0]);
    let features = B::float_permute(features, &CHANNELS_FIRST);
    B::float_permute(B::conv2d(features, kernel, None, options), &CHANNELS_LAST)
}

/// As Burn computes it.
fn squared<B: Backend>(prediction: FloatTensor<B>, target: FloatTensor<B>) -> FloatTensor<B> {
    let last = prediction.rank() - 1;
    let error = B::float_sub(prediction, target);
    B::float_mean_dim(B::float_mul(error.clone(), error), last)
}

fn depthwise(channels: usize) -> ConvOptions<2> {
    ConvOptions::new([1, 1], [1, 1], [1, 1], channels)
}

#[cfg(test)]
mod tests;
