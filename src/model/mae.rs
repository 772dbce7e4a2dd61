//! The masked autoencoder: hides patches and reconstructs them.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::ops::{layer_norm, mse};
use super::vit::token;
use super::{
    Around, Block, HiddenPatches, LayerNorm, Linear, LossOn, MaeConfig, PatchMask, PixelError,
    VisionTransformer, patchify, resample_grid, sin_cos_2d,
};

/// The output of a forward pass of the [`MaskedAutoencoder`].
#[derive(Debug, Clone)]
pub struct MaeOutput {
    /// The encoder's tokens after the norm, `[B, 1 + visible, D]` (`1 + L` unless hidden patches are
    /// dropped).
    pub latent: Tensor<3>,
    /// Reconstructed patches, `[B, L, P²·3]`, laid out as by [`patchify`].
    pub prediction: Tensor<3>,
    /// Reconstructed features of the teacher, `[B, L, teacher D]`; only with `teacher_dim`.
    pub features: Option<Tensor<3>>,
}

/// A ViT that sees only the visible patches, and a light decoder that reconstructs the hidden ones
/// (<https://arxiv.org/abs/2111.06377>).
#[derive(Module, Debug)]
pub struct MaskedAutoencoder {
    /// The encoder, the part that is kept after pretraining.
    pub encoder: VisionTransformer,
    /// The token in place of hidden patches, `[1, 1, D]`; only with [`HiddenPatches::MaskToken`].
    pub encoder_mask_token: Option<Param<Tensor<3>>>,
    /// From the encoder's width to the decoder's.
    pub decoder_embed: Linear,
    /// The decoder's token for hidden patches, `[1, 1, decoder D]`.
    pub mask_token: Param<Tensor<3>>,
    /// Position embeddings of the decoder, `[1, 1 + L, decoder D]`; the first row, the class token's, is zero
    /// in MAE.
    pub decoder_pos_embed: Param<Tensor<3>>,
    /// Decoder blocks.
    pub decoder_blocks: Vec<Block>,
    /// The norm after the last decoder block.
    pub decoder_norm: LayerNorm,
    /// From the decoder's width to the `P²·3` values of a patch.
    pub decoder_pred: Linear,
    /// From the decoder's width to the teacher's features; only with `teacher_dim`.
    pub teacher_pred: Option<Linear>,
    #[module(skip)]
    config: MaeConfig,
}

impl MaskedAutoencoder {
    /// Initialises the parameters as the paper's code does.
    #[must_use]
    pub fn new(config: &MaeConfig, device: &Device) -> Self {
        let (encoder, decoder) = (&config.encoder, &config.decoder);
        let eps = encoder.layer_norm_eps;
        let patches = Tensor::from_data(sin_cos_2d(decoder.embed_dim, encoder.grid()), device);
        let positions = Tensor::cat(vec![Tensor::zeros([1, 1, decoder.embed_dim], device), patches], 1);
        let with_token = config.hidden_patches == HiddenPatches::MaskToken;
        Self {
            encoder: VisionTransformer::new(encoder, device),
            encoder_mask_token: with_token.then(|| token([1, 1, encoder.embed_dim], device)),
            decoder_embed: Linear::new(encoder.embed_dim, decoder.embed_dim, device),
            mask_token: token([1, 1, decoder.embed_dim], device),
            decoder_pos_embed: Param::from_tensor(positions).set_require_grad(false),
            decoder_blocks: (0..decoder.depth).map(|_| Block::decoder(decoder, eps, device)).collect(),
            decoder_norm: LayerNorm::new(decoder.embed_dim, eps, device),
            decoder_pred: Linear::new(decoder.embed_dim, encoder.patch_size * encoder.patch_size * 3, device),
            teacher_pred: (config.teacher_dim > 0)
                .then(|| Linear::new(decoder.embed_dim, config.teacher_dim, device)),
            config: config.clone(),
        }
    }

    /// Returns the architecture.
    #[must_use]
    pub fn config(&self) -> &MaeConfig {
        &self.config
    }

    /// Encodes the visible patches and reconstructs all.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, S, S]`, normalised
    #[must_use]
    pub fn forward(&self, images: Tensor<4>, mask: &PatchMask) -> MaeOutput {
        let latent = self.forward_encoder(images, mask);
        let decoded = self.forward_decoder(latent.clone(), mask);
        let features = self.teacher_pred.as_ref().map(|linear| linear.forward(decoded.clone()));
        MaeOutput { latent, prediction: self.decoder_pred.forward(decoded), features }
    }

    /// Encodes the visible patches.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, S, S]`, normalised
    /// - returns [`MaeOutput::latent`]
    #[must_use]
    pub fn forward_encoder(&self, images: Tensor<4>, mask: &PatchMask) -> Tensor<3> {
        let encoder = &self.encoder;
        let patches = match self.config.hidden_patches {
            HiddenPatches::Drop if mask.num_visible() == 0 => {
                let prefix = encoder.with_no_patches(mask.batch());
                return encoder.encode(prefix, &Around::default());
            }
            HiddenPatches::Drop => encoder.embed_visible(images, mask),
            HiddenPatches::MaskToken => self.with_mask_tokens(images, mask),
            HiddenPatches::Zero => {
                let [_, _, height, width] = images.dims();
                let p = self.config.encoder.patch_size;
                let visible = mask.hidden(&images.device()).neg().add_scalar(1.0);
                let [batch, _, rows, columns] = [mask.batch(), 1, height / p, width / p];
                let visible = visible.reshape([batch, 1, rows, 1, columns, 1]);
                let visible =
                    visible.expand([batch, 1, rows, p, columns, p]).reshape([batch, 1, height, width]);
                encoder.embed(images * visible)
            }
        };
        encoder.encode(encoder.with_prefix(patches), &Around::default())
    }

    fn with_mask_tokens(&self, images: Tensor<4>, mask: &PatchMask) -> Tensor<3> {
        let hidden = mask.hidden(&images.device()).unsqueeze_dim::<3>(2);
        let positions = self.encoder.pos_embed.val();
        let patches = self.encoder.embed(images) - positions.clone();
        let token = match &self.encoder_mask_token {
            Some(token) => token.val(),
            None => Tensor::zeros_like(&self.encoder.cls_token.val()),
        };
        let seen = patches * hidden.clone().neg().add_scalar(1.0);
        seen + token * hidden + positions
    }

    /// Decodes all patches to the normalised features from which the predictions are read.
    ///
    /// # Shapes
    /// - `latent`: [`MaeOutput::latent`]
    /// - returns `[B, L, decoder D]`
    fn forward_decoder(&self, latent: Tensor<3>, mask: &PatchMask) -> Tensor<3> {
        let tokens = self.decoder_embed.forward(latent);
        let [batch, length, d] = tokens.dims();
        let positions = self.decoder_pos_embed.val();
        let [_, rows, _] = positions.dims();
        let class = tokens.clone().narrow(1, 0, 1) + positions.clone().narrow(1, 0, 1);
        let patches = match (self.config.hidden_patches, mask.num_patches() - mask.num_visible()) {
            (HiddenPatches::Drop, 0) => mask.restore(tokens.narrow(1, 1, length - 1)),
            (HiddenPatches::Drop, hidden) => {
                let blanks = self.mask_token.val().expand([batch, hidden, d]);
                // Tensors cannot have zero rows.
                let seen = (length > 1).then(|| tokens.narrow(1, 1, length - 1));
                mask.restore(Tensor::cat(seen.into_iter().chain([blanks]).collect(), 1))
            }
            _ => tokens.narrow(1, 1, length - 1),
        };
        let grid = mask.num_patches().isqrt();
        let patches = patches + resample_grid(positions.narrow(1, 1, rows - 1), [grid; 2], false);
        let tokens = Tensor::cat(vec![class, patches], 1);
        let around = Around::default();
        let tokens = self.decoder_blocks.iter().fold(tokens, |tokens, block| block.forward(tokens, &around));
        self.decoder_norm.forward(tokens).narrow(1, 1, mask.num_patches())
    }

    /// Computes the mean squared error against a teacher's features, averaged over the patches that
    /// [`LossOn`] selects: hidden ones are reconstructed, visible ones distilled (SAMI,
    /// <https://arxiv.org/abs/2312.00863> §3.1, does both).
    ///
    /// # Shapes
    /// - `features`, `target`: `[B, L, teacher D]`; the target's channels are standardised, and it gets no
    ///   gradient
    /// - returns `[1]`
    #[must_use]
    pub fn feature_loss(&self, features: Tensor<3>, target: Tensor<3>, mask: &PatchMask) -> Tensor<1> {
        self.over_patches(mse(features, target), mask)
    }

    /// Computes the mean error per patch, as [`PixelError`] defines it, averaged over the patches that
    /// [`LossOn`] selects.
    ///
    /// With `norm_pix_loss`, targets are normalised per patch with the *unbiased* variance (eps 1e-6).
    ///
    /// # Shapes
    /// - `images`: `[B, 3, S, S]`; `prediction`: `[B, L, P²·3]`
    /// - returns `[1]`
    #[must_use]
    pub fn loss(&self, images: Tensor<4>, prediction: Tensor<3>, mask: &PatchMask) -> Tensor<1> {
        let mut target = patchify(images, self.config.encoder.patch_size);
        if self.config.norm_pix_loss {
            target = unit_patches(target);
        }
        let error = match self.config.pixel_error {
            PixelError::Squared => mse(prediction, target),
            PixelError::Absolute => (prediction - target).abs().mean_dim(2).squeeze_dim(2),
        };
        self.over_patches(error, mask)
    }

    /// Returns the mean of errors `[B, L]` over the patches that [`LossOn`] selects, `[1]`.
    fn over_patches(&self, error: Tensor<2>, mask: &PatchMask) -> Tensor<1> {
        let hidden = mask.hidden(&error.device());
        let weight = match self.config.loss_on {
            LossOn::Hidden => hidden,
            LossOn::Visible => hidden.neg().add_scalar(1.0),
            LossOn::All => hidden.ones_like(),
        };
        (error * weight.clone()).sum() / weight.sum()
    }
}

/// Normalises patches `[B, L, D]` with their mean and their unbiased variance plus 1e-6.
///
/// Layer norm uses the biased variance, which is smaller by a factor of (D − 1) / D; its scale and epsilon
/// correct for that.
fn unit_patches(patches: Tensor<3>) -> Tensor<3> {
    let [_, _, width] = patches.dims();
    let kind = (&patches.device(), patches.dtype());
    let share = (width as f64 - 1.0) / width as f64;
    let scale = Tensor::full([width], share.sqrt(), kind);
    layer_norm(patches, scale, Tensor::zeros([width], kind), 1e-6 * share)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, TensorData, Tolerance};

    use super::*;
    use crate::model::{DecoderConfig, VitConfig};

    #[test]
    fn patches_are_brought_to_unbiased_variance() {
        let device = Device::flex();
        let patches = Tensor::<3>::random([2, 3, 12], Distribution::Normal(3.0, 2.0), &device);
        let (variance, mean) = patches.clone().var_mean(2);
        let expected = (patches.clone() - mean) / variance.add_scalar(1e-6).sqrt();
        unit_patches(patches)
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-5));
        let flat = unit_patches(Tensor::ones([1, 1, 12], &device)).abs().max().into_scalar::<f32>();
        assert!(flat < 1e-3, "{flat}");
    }

    #[test]
    fn pixels_are_measured_squared_or_by_their_distance() {
        let device = Device::flex();
        let mut config = MaeConfig::new(VitConfig::plain(32, 16, 8, 1, 1), DecoderConfig::new(8, 0, 1));
        config.norm_pix_loss = false;
        // The third of four patches is visible; the photos are black, and the predictions of the patches lie
        // further and further from black.
        let mask = PatchMask::from_noise(&[vec![0.9, 0.5, 0.1, 0.7]], 1);
        let drawn = [1.0_f32, -2.0, 100.0, 3.0].into_iter().flat_map(|pixel| [pixel; 768]).collect();
        let drawn = Tensor::<3>::from_data(TensorData::new(drawn, [1, 4, 768]), &device);
        let images = Tensor::zeros([1, 3, 32, 32], &device);
        for (pixel_error, expected) in [(PixelError::Squared, 14.0 / 3.0), (PixelError::Absolute, 2.0)] {
            config.pixel_error = pixel_error;
            let model = MaskedAutoencoder::new(&config, &device);
            assert_eq!(model.forward(images.clone(), &mask).prediction.dims(), [1, 4, 768]);
            let loss: f32 = model.loss(images.clone(), drawn.clone(), &mask).into_scalar();
            assert!((loss - expected).abs() < 1e-5, "{pixel_error:?}: {loss}");
        }
    }
}
