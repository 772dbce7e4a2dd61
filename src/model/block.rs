//! The pre-norm transformer block.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::activation::silu;
use burn::tensor::{Bool, Device, Tensor, TensorData};

use super::ops::{PackedWeight, gelu};
use super::{Attention, DecoderConfig, LayerNorm, Linear, Rotation, VitConfig};

/// Two linear layers around an exact (erf) GELU, or around a gate (`SwiGLU`,
/// <https://arxiv.org/abs/2002.05202>).
#[derive(Module, Debug)]
pub struct Mlp {
    /// First layer, `[D, hidden]`; with a gate `[D, 2·hidden]`, the gate's half first.
    pub fc1: Linear,
    /// Second layer, `[hidden, D]`.
    pub fc2: Linear,
    gated: bool,
}

impl Mlp {
    /// Applies the MLP.
    ///
    /// # Shapes
    /// - `tokens`, returns: `[B, T, D]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        self.fc1.in_weight_type(tokens, |tokens| {
            let inner = self.fc1.forward(tokens);
            let activated = if self.gated {
                let hidden = inner.dims()[2] / 2;
                silu(inner.clone().narrow(2, 0, hidden)) * inner.narrow(2, hidden, hidden)
            } else {
                gelu(inner)
            };
            self.fc2.forward(activated)
        })
    }
}

/// A learned scale per channel on a residual branch (`LayerScale`, <https://arxiv.org/abs/2103.17239>).
#[derive(Module, Debug)]
pub struct LayerScale {
    /// The scale, `[D]`.
    pub gamma: Param<Tensor<1>>,
}

impl LayerScale {
    fn new(width: usize, device: &Device) -> Self {
        Self { gamma: Initializer::Ones.init([width], device) }
    }

    fn forward(&self, tokens: Tensor<3>) -> Tensor<3> {
        tokens * self.gamma.val().unsqueeze()
    }

    /// Returns a linear layer that applies `linear` and then the scale.
    fn merged(&self, linear: Linear) -> Linear {
        let gamma = self.gamma.val();
        Linear {
            weight: linear.weight.map(|weight| scaled_values(weight, gamma.clone().unsqueeze())),
            bias: linear.bias.map(|bias| bias.map(|bias| scaled_values(bias, gamma.clone()))),
            rounding: linear.rounding.map(|_| PackedWeight::default()),
        }
    }
}

/// Returns the products as new leaves of the graph, trainable if `values` were.
fn scaled_values<const D: usize>(values: Tensor<D>, factors: Tensor<D>) -> Tensor<D> {
    let learned = values.is_require_grad();
    (values * factors).detach().set_require_grad(learned)
}

/// The inputs of attention besides the tokens.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Positions that must not be attended to, `[B, 1, T, T]`; see [`Attention::forward`].
    pub blocked: Option<Tensor<4, Bool>>,
    /// Rotary positions of the patches, if their tokens do not hold positions.
    pub rotation: Option<Rotation>,
}

/// A pre-norm block, `x += attention(norm1(x)); x += mlp(norm2(x))`, with each branch scaled if the encoder
/// has layer scale.
#[derive(Module, Debug)]
pub struct Block {
    /// The norm before attention.
    pub norm1: LayerNorm,
    /// Attention.
    pub attn: Attention,
    /// Scale of the attention branch.
    pub scale1: Option<LayerScale>,
    /// The norm before the MLP.
    pub norm2: LayerNorm,
    /// The MLP.
    pub mlp: Mlp,
    /// Scale of the MLP branch.
    pub scale2: Option<LayerScale>,
}

impl Block {
    /// Initialises a block of the encoder.
    #[must_use]
    pub fn encoder(config: &VitConfig, device: &Device) -> Self {
        let width = config.embed_dim;
        let shape = DecoderConfig {
            embed_dim: width,
            depth: config.depth,
            num_heads: config.num_heads,
            mlp_dim: config.mlp_dim,
        };
        let scale = || config.layer_scale.then(|| LayerScale::new(width, device));
        let mut block = Self::decoder(&shape, config.layer_norm_eps, device);
        if config.gated_mlp {
            block.mlp.fc1 = Linear::new(width, 2 * config.mlp_dim, device);
            block.mlp.gated = true;
        }
        if !config.qkv_bias {
            block.attn.qkv.bias = None;
        }
        Self { scale1: scale(), scale2: scale(), ..block }
    }

    /// Initialises a block of a decoder, without layer scale.
    #[must_use]
    pub fn decoder(config: &DecoderConfig, layer_norm_eps: f64, device: &Device) -> Self {
        let width = config.embed_dim;
        Self {
            norm1: LayerNorm::new(width, layer_norm_eps, device),
            attn: Attention::new(width, config.num_heads, device),
            scale1: None,
            norm2: LayerNorm::new(width, layer_norm_eps, device),
            mlp: Mlp {
                fc1: Linear::new(width, config.mlp_dim, device),
                fc2: Linear::new(config.mlp_dim, width, device),
                gated: false,
            },
            scale2: None,
        }
    }

    /// Merges layer scale into the last weights of the branches; the block computes the same as before.
    #[must_use]
    pub fn with_merged_scales(mut self) -> Self {
        if let Some(scale) = self.scale1.take() {
            self.attn.proj = scale.merged(self.attn.proj);
        }
        if let Some(scale) = self.scale2.take() {
            self.mlp.fc2 = scale.merged(self.mlp.fc2);
        }
        self
    }

    /// See [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    pub(super) fn round(&mut self) {
        let Self { attn, mlp, .. } = self;
        [&mut attn.qkv, &mut attn.proj, &mut mlp.fc1, &mut mlp.fc2].into_iter().for_each(Linear::round);
    }

    /// Applies the block.
    ///
    /// # Shapes
    /// - `tokens`, returns: `[B, T, D]`
    #[must_use]
    pub fn forward(&self, tokens: Tensor<3>, around: &Around) -> Tensor<3> {
        self.forward_dropped(tokens, around, None)
    }

    /// Applies the block with stochastic depth: `factors` multiply the two branches of each image, 0 where
    /// one is dropped.
    #[must_use]
    pub fn forward_dropped(
        &self,
        tokens: Tensor<3>,
        around: &Around,
        factors: Option<&[Vec<f32>; 2]>,
    ) -> Tensor<3> {
        let dropped = |branch: Tensor<3>, index: usize| match factors {
            Some(factors) => {
                let of_images = TensorData::new(factors[index].clone(), [branch.dims()[0], 1, 1]);
                branch.clone() * Tensor::from_data(of_images, &branch.device())
            }
            None => branch,
        };
        let Around { blocked, rotation } = around;
        let attended =
            self.attn.forward(self.norm1.forward(tokens.clone()), blocked.clone(), rotation.as_ref());
        let tokens = tokens + dropped(scaled(self.scale1.as_ref(), attended), 0);
        let perceived = self.mlp.forward(self.norm2.forward(tokens.clone()));
        tokens + dropped(scaled(self.scale2.as_ref(), perceived), 1)
    }

    /// Applies the block to some of the tokens; `complete` turns their keys and values into those of all.
    ///
    /// # Shapes
    /// - `tokens`, returns: `[B, t, D]`
    /// - `complete`: `[B, t, 2·D]` to `[B, T, 2·D]`
    ///
    /// # Errors
    /// The error of `complete`.
    pub(super) async fn forward_part<E>(
        &self,
        tokens: Tensor<3>,
        complete: impl AsyncFnOnce(Tensor<3>) -> Result<Tensor<3>, E>,
    ) -> Result<Tensor<3>, E> {
        let [query, key_value] = self.attn.project(self.norm1.forward(tokens.clone()));
        let attended = self.attn.forward_part(query, complete(key_value).await?);
        let tokens = tokens + scaled(self.scale1.as_ref(), attended);
        let perceived = self.mlp.forward(self.norm2.forward(tokens.clone()));
        Ok(tokens + scaled(self.scale2.as_ref(), perceived))
    }
}

fn scaled(scale: Option<&LayerScale>, branch: Tensor<3>) -> Tensor<3> {
    match scale {
        Some(scale) => scale.forward(branch),
        None => branch,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    #[test]
    fn merged_scales_do_the_same() {
        let device = Device::flex();
        let config = VitConfig { layer_scale: true, ..VitConfig::plain(8, 4, 8, 1, 2) };
        let mut block = Block::encoder(&config, &device);
        for (scale, first) in [(&mut block.scale1, 0.1), (&mut block.scale2, -0.7)] {
            let gamma = Tensor::from_floats([first, 0.2, -0.3, 0.4, 0.5, 2.0, 0.7, 0.0], &device);
            *scale = Some(LayerScale { gamma: Param::from_tensor(gamma) });
        }
        let tokens = Tensor::<3>::random([2, 5, 8], burn::tensor::Distribution::Default, &device);
        let apart = block.forward(tokens.clone(), &Around::default());
        let block = block.with_merged_scales();
        assert!(block.scale1.is_none() && block.scale2.is_none());
        let merged = block.forward(tokens, &Around::default());
        apart.into_data().assert_approx_eq::<f32>(&merged.into_data(), Tolerance::default());
    }

    #[test]
    fn a_photo_without_its_branches_passes_through() {
        let device = Device::flex();
        let block = Block::encoder(&VitConfig::plain(8, 4, 8, 1, 2), &device);
        let tokens = Tensor::<3>::random([2, 5, 8], burn::tensor::Distribution::Default, &device);
        let values = |tokens: Tensor<3>| tokens.into_data().try_to_vec::<f32>().unwrap();
        let dropped = block.forward_dropped(
            tokens.clone(),
            &Around::default(),
            Some(&[vec![0.0, 1.0], vec![0.0, 1.0]]),
        );
        let expected = [
            values(tokens.clone())[..40].to_vec(),
            values(block.forward(tokens, &Around::default()))[40..].to_vec(),
        ];
        assert_eq!(values(dropped), expected.concat());
    }
}
