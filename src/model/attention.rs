//! Multi-head self-attention.

use burn::module::Module;
use burn::tensor::module;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Tensor};

use super::ops::{attention, attention_of_part, attention_rounded};
use super::{Linear, Rotation};

/// Multi-head self-attention with one linear layer for queries, keys and values (`softmax(q kᵀ / √d_h) v`).
#[derive(Module, Debug)]
pub struct Attention {
    /// Projection to queries, keys and values, side by side, `[D, 3·D]`.
    pub qkv: Linear,
    /// Output projection, `[D, D]`.
    pub proj: Linear,
    num_heads: usize,
}

impl Attention {
    /// Initialises the parameters; each third of `qkv` is drawn as its own `D × D` matrix would be.
    #[must_use]
    pub fn new(embed_dim: usize, num_heads: usize, device: &Device) -> Self {
        Self {
            qkv: Linear::new(embed_dim, 3 * embed_dim, device),
            proj: Linear::new(embed_dim, embed_dim, device),
            num_heads,
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
        let qkv = self.qkv.forward(tokens);
        let qkv = match rotation {
            Some(rotation) => rotation.turned(qkv, self.num_heads),
            None => qkv,
        };
        let output = match blocked {
            None if self.qkv.rounding.is_some() => attention_rounded(qkv, self.num_heads),
            None => attention(qkv, self.num_heads),
            Some(blocked) => self.masked(qkv, blocked),
        };
        self.proj.forward(output)
    }

    /// Projects tokens to queries, and to keys and values side by side.
    ///
    /// # Shapes
    /// - `tokens`: `[B, t, D]`
    /// - returns `[B, t, D]`, `[B, t, 2·D]`
    pub(super) fn project(&self, tokens: Tensor<3>) -> [Tensor<3>; 2] {
        let d = tokens.dims()[2];
        let qkv = self.qkv.forward(tokens);
        [qkv.clone().narrow(2, 0, d), qkv.narrow(2, d, 2 * d)]
    }

    /// Applies attention to some of the tokens, over the keys and values of all.
    ///
    /// # Shapes
    /// - `query`: `[B, t, D]`
    /// - `key_value`: `[B, T, 2·D]`
    /// - returns `[B, t, D]`
    pub(super) fn forward_part(&self, query: Tensor<3>, key_value: Tensor<3>) -> Tensor<3> {
        self.proj.forward(attention_of_part(query, key_value, self.num_heads, self.qkv.rounding.is_some()))
    }

    /// Computes [`attention()`] except where `blocked`.
    fn masked(&self, qkv: Tensor<3>, blocked: Tensor<4, Bool>) -> Tensor<3> {
        let ([batch, length, width], heads) = (qkv.dims(), self.num_heads);
        let width = width / 3;
        let qkv = qkv.reshape([batch, length, 3, heads, width / heads]).permute([2, 0, 3, 1, 4]);
        let [query, key, value] =
            [0, 1, 2].map(|i| qkv.clone().narrow(0, i, 1).reshape([batch, heads, length, width / heads]));
        let blocked = Some(blocked.expand([batch, heads, length, length]));
        let options = AttentionModuleOptions::default();
        let output = module::attention(query, key, value, blocked, None, options);
        output.swap_dims(1, 2).reshape([batch, length, width])
    }
}
