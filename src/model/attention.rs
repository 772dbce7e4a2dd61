//! Multi-head self-attention.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor};

use super::fused::{attended, attended_rounded};
use super::{init, product};

/// Multi-head self-attention with one product for queries, keys and values (`softmax(q kᵀ / √d_h) v`).
#[derive(Module, Debug)]
pub struct Attention {
    /// `[D, 3·D]`: queries, keys, values side by side.
    pub qkv: Linear,
    /// `[D, D]`
    pub proj: Linear,
    num_heads: usize,
    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    pub(super) rounds: bool,
}

impl Attention {
    /// Fresh parameters; each third of `qkv` is drawn as its own `D × D` matrix would be.
    #[must_use]
    pub fn new(embed_dim: usize, num_heads: usize, device: &Device) -> Self {
        Self {
            qkv: init::linear(embed_dim, 3 * embed_dim, device),
            proj: init::linear(embed_dim, embed_dim, device),
            num_heads,
            rounds: false,
        }
    }

    /// # Shapes
    /// - `tokens`: `[B, T, D]`
    /// - `blocked`: `[B, 1, T, T]`, true where a row must not look at a column
    /// - returns `[B, T, D]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>, blocked: Option<Tensor<4, Bool>>) -> Tensor<3> {
        let parts = product(&self.qkv, tokens, self.rounds);
        let mixed = match blocked {
            None if !self.rounds => attended(parts, self.num_heads),
            None => self.mixed(parts, attended_rounded),
            Some(blocked) => self.mixed(parts, |query, key, value| {
                let [batch, heads, length, _] = query.dims();
                let blocked = blocked.expand([batch, heads, length, length]);
                attention(query, key, value, Some(blocked), None, AttentionModuleOptions::default())
            }),
        };
        product(&self.proj, mixed, self.rounds)
    }

    /// `[B, T, D]` of `[B, T, 3·D]` as `mix` makes `[B, H, T, d]` of queries, keys and values of that shape.
    fn mixed(
        &self,
        parts: Tensor<3>,
        mix: impl FnOnce(Tensor<4>, Tensor<4>, Tensor<4>) -> Tensor<4>,
    ) -> Tensor<3> {
        let ([batch, length, width], heads) = (parts.dims(), self.num_heads);
        let width = width / 3;
        let parts = parts.reshape([batch, length, 3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] =
            [0, 1, 2].map(|i| parts.clone().narrow(0, i, 1).reshape([batch, heads, length, width / heads]));
        mix(query, key, value).swap_dims(1, 2).reshape([batch, length, width])
    }
}
