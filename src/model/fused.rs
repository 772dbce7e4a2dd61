//! Layer norm and attention as one step each, whichever backend computes.
//!
//! Without training they are Burn's own. Burn's autodiff would take each apart into a dozen steps that all go through memory;
//! here it gets their derivatives whole.

#![cfg_attr(feature = "libtorch", expect(deprecated, reason = "see `torch`"))]

#[cfg(feature = "native")]
mod derivatives;
#[cfg(feature = "libtorch")]
mod torch;

use burn::backend::ops::AttentionModuleOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Cube, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

/// What [`attended`] and [`normalised`] need of a backend.
#[backend_extension(Cube, Flex, LibTorch: cfg(feature = "libtorch"), Autodiff: cfg(feature = "native"))]
pub(crate) trait Fused: Backend {
    /// See [`attended`].
    fn attended(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::attention(query, key, value, None, None, AttentionModuleOptions::default())
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
}

impl Fused for Cube {}

impl Fused for Flex {}

/// `softmax(q kᵀ / √d) v`
///
/// # Shapes
/// - all: `[B, H, T, d]`
pub(super) fn attended(query: Tensor<4>, key: Tensor<4>, value: Tensor<4>) -> Tensor<4> {
    let [query, key, value] = [query, key, value].map(Tensor::into_dispatch);
    Tensor::from_dispatch(<Dispatch as Fused>::attended(query, key, value))
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

#[cfg(test)]
mod tests;
