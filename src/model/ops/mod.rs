//! Operations that Burn computes too slowly on some backend.
//!
//! | operation | Burn | here |
//! |---|---|---|
//! | [`attention()`] | trains in a dozen steps through memory | has one derivative |
//! | | on GPUs, takes eight kernels between its products | takes one |
//! | [`depthwise_conv()`] | on CPUs, goes back with one convolution per channel | has one derivative |
//! | [`gelu()`] | on burn-flex, calls libm for every number | computes whole vectors |
//! | | on GPUs, takes five kernels | takes one |
//! | [`layer_norm()`] | trains in a dozen steps through memory | has one derivative |
//! | | on GPUs, takes nine kernels | takes one |
//! | [`linear()`] | on burn-flex, clears the output and copies it once | writes it once |
//! | [`mse()`] | trains in six steps through memory | takes one step each way |
//!
//! Each file has one operation: a function on tensors, a trait for its backends, and its implementation for
//! burn-flex; kernels for GPUs are in `gpu`. Its derivative is in the file of the same name in `backward`,
//! which browsers do without.
#![cfg_attr(feature = "libtorch", expect(deprecated, reason = "see `libtorch`"))]

mod attention;
#[cfg(feature = "native")]
mod backward;
mod depthwise_conv;
mod flex;
mod gelu;
mod gpu;
mod layer_norm;
#[cfg(feature = "libtorch")]
mod libtorch;
mod linear;
mod mse;

pub(super) use attention::{attention, attention_of_part, attention_rounded};
pub(super) use depthwise_conv::depthwise_conv;
pub(super) use gelu::gelu;
pub(super) use layer_norm::layer_norm;
pub(super) use linear::{PackedWeight, linear, matmul_rounded};
pub(super) use mse::mse;
