//! Pictures drawn by a masked autoencoder.

use burn::tensor::Tensor;

use super::{Block, MaskedAutoencoder, PatchMask, patchify, unpatchify};

impl MaskedAutoencoder {
    /// Draws all patches of the images; the model was trained to draw those that it does not see. With
    /// `norm_pix_loss`, patches are rescaled to the mean and standard deviation of the original ones.
    ///
    /// # Shapes
    /// - `images`, returns: `[B, 3, S, S]`, normalised
    #[must_use]
    pub fn draw(&self, images: Tensor<4>, mask: &PatchMask) -> Tensor<4> {
        let patch = self.config().encoder.patch_size;
        let drawn = self.forward(images.clone(), mask).prediction;
        if !self.config().norm_pix_loss {
            return unpatchify(drawn, patch);
        }
        let (variance, mean) = patchify(images, patch).var_mean(2);
        unpatchify(drawn * variance.add_scalar(1e-6).sqrt() + mean, patch)
    }

    /// Returns the images with their hidden patches [drawn](Self::draw) by the model; visible patches are
    /// kept.
    ///
    /// # Shapes
    /// - `images`, returns: `[B, 3, S, S]`, normalised
    #[must_use]
    pub fn fill_in(&self, images: Tensor<4>, mask: &PatchMask) -> Tensor<4> {
        let patch = self.config().encoder.patch_size;
        let hidden = mask.hidden(&images.device()).unsqueeze_dim::<3>(2);
        let visible = hidden.clone().neg().add_scalar(1.0);
        let drawn = patchify(self.draw(images.clone(), mask), patch);
        unpatchify(patchify(images, patch) * visible + drawn * hidden, patch)
    }

    /// Allows rounding to 16 bits, for weights of `f16` precision; see
    /// [`MaskSegmenter::rounding`](super::MaskSegmenter::rounding).
    #[must_use]
    pub fn rounding(mut self) -> Self {
        self.encoder.round();
        self.decoder_blocks.iter_mut().for_each(Block::round);
        self
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tolerance};

    use super::*;
    use crate::model::{DecoderConfig, MaeConfig, VitConfig};

    fn model(norm_pix_loss: bool, device: &Device) -> MaskedAutoencoder {
        let config = MaeConfig::new(VitConfig::plain(16, 4, 8, 1, 2), DecoderConfig::new(8, 1, 2));
        MaskedAutoencoder::new(&MaeConfig { norm_pix_loss, ..config }, device)
    }

    #[test]
    fn visible_patches_are_kept_and_hidden_ones_drawn() {
        let device = Device::flex();
        let images = Tensor::<4>::random([1, 3, 16, 16], Distribution::Default, &device);
        for norm_pix_loss in [false, true] {
            let model = model(norm_pix_loss, &device);
            let hidden: Vec<bool> = (0..16).map(|patch| patch % 3 == 0).collect();
            let mask = PatchMask::from_hidden(&hidden);
            let [photo, drawn, filled] =
                [images.clone(), model.draw(images.clone(), &mask), model.fill_in(images.clone(), &mask)]
                    .map(|picture| patchify(picture, 4).into_data().try_to_vec::<f32>().unwrap());
            for (patch, is_hidden) in hidden.into_iter().enumerate() {
                let pixels = patch * 48..(patch + 1) * 48;
                let expected = if is_hidden { &drawn } else { &photo };
                assert_eq!(filled[pixels.clone()], expected[pixels], "patch {patch}");
            }
        }
    }

    #[test]
    fn all_may_be_hidden_and_nothing_may_be() {
        let device = Device::flex();
        let model = model(false, &device);
        let images = Tensor::<4>::random([2, 3, 16, 16], Distribution::Default, &device);
        let of_both = |hidden: bool| {
            let PatchMask { ids_keep, ids_restore } = PatchMask::from_hidden(&[hidden; 16]);
            PatchMask { ids_keep: [&ids_keep[..]; 2].concat(), ids_restore: [&ids_restore[..]; 2].concat() }
        };
        let filled = model.fill_in(images.clone(), &of_both(false)).into_data();
        filled.assert_eq(&images.clone().into_data(), true);
        // With nothing visible, the drawing does not depend on the image.
        let drawn = model.fill_in(images, &of_both(true));
        let [first, second] = [0, 1].map(|image| drawn.clone().narrow(0, image, 1).into_data());
        first.assert_approx_eq::<f32>(&second, Tolerance::absolute(1e-6));
    }
}
