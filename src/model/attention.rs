//! Multi-head self-attention.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor};

use super::fused::{attended, attended_rounded};
use super::{Rotation, init, product};

/// Multi-head self-attention with one linear layer for queries, keys and values (`softmax(q kᵀ / √d_h) v`).
#[derive(Module, Debug)]
pub struct Attention {
    /// Projection to queries, keys and values, side by side, `[D, 3·D]`.
    pub qkv: Linear,
    /// Output projection, `[D, D]`.
    pub proj: Linear,
    num_heads: usize,
    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    pub(super) rounds: bool,
}

impl Attention {
    /// Initialises the parameters; each third of `qkv` is drawn as its own `D × D` matrix would be.
    #[must_use]
    pub fn new(embed_dim: usize, num_heads: usize, device: &Device) -> Self {
        Self {
            qkv: init::linear(embed_dim, 3 * embed_dim, device),
            proj: init::linear(embed_dim, embed_dim, device),
            num_heads,
            rounds: false,
        }
    }

    /// Applies attention. `rotation` rotates queries and keys of the patches, which come last, by their
    /// positions.
    ///
    /// # Shapes
    /// - `tokens`: `[B, T, D]`
    /// - `blocked`: `[B, 1, T, T]`, true where a row must not attend to a column
    /// - returns `[B, T, D]`
    #[must_use]
    pub fn forward(
        &self,
        tokens: Tensor<3>,
        blocked: Option<Tensor<4, Bool>>,
        rotation: Option<&Rotation>,
    ) -> Tensor<3> {
        let parts = product(&self.qkv, tokens, self.rounds);
        let parts = match rotation {
            Some(rotation) => rotation.turned(parts, self.num_heads),
            None => parts,
        };
        let mixed = match blocked {
            None if self.rounds => attended_rounded(parts, self.num_heads),
            None => attended(parts, self.num_heads),
            Some(blocked) => self.attended_where(parts, blocked),
        };
        product(&self.proj, mixed, self.rounds)
    }

    /// Computes [`attended`] except where `blocked`.
    fn attended_where(&self, parts: Tensor<3>, blocked: Tensor<4, Bool>) -> Tensor<3> {
        let ([batch, length, width], heads) = (parts.dims(), self.num_heads);
        let width = width / 3;
        let parts = parts.reshape([batch, length, 3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] =
            [0, 1, 2].map(|i| parts.clone().narrow(0, i, 1).reshape([batch, heads, length, width / heads]));
        let blocked = Some(blocked.expand([batch, heads, length, length]));
        let mixed = attention(query, key, value, blocked, None, AttentionModuleOptions::default());
        mixed.swap_dims(1, 2).reshape([batch, length, width])
    }
}
