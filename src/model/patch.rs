//! Conversion between pixels and patches.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor};

use super::VitConfig;
use super::ops::linear;

/// Cuts images into square patches and projects each to a token; step 3 of the path.
///
/// A convolution whose stride equals its kernel, computed as one matrix product (ViT §3.1).
#[derive(Module, Debug)]
pub struct PatchEmbed {
    /// The kernels, `[D, 3, P, P]`.
    pub weight: Param<Tensor<4>>,
    /// The bias, `[D]`.
    pub bias: Param<Tensor<1>>,
}

impl PatchEmbed {
    /// Initialises the parameters Xavier-uniformly over the flattened patch, as MAE does.
    #[must_use]
    pub fn new(config: &VitConfig, device: &Device) -> Self {
        let (d, p) = (config.embed_dim, config.patch_size);
        let xavier = Initializer::XavierUniform { gain: 1.0 };
        Self {
            weight: xavier.init_with([d, 3, p, p], Some(3 * p * p), Some(d), device),
            bias: Initializer::Zeros.init([d], device),
        }
    }

    /// Embeds all patches of the images.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`, normalised; pixels beyond the last whole patch are ignored
    /// - returns `[B, L, D]`, row-major: patch `(row, column)` is token `row · width/P + column`
    #[must_use]
    pub fn forward(&self, images: Tensor<4>) -> Tensor<3> {
        self.project(self.cut(images))
    }

    /// Cuts images into patches.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`
    /// - returns `[B, L, 3·P²]`, in the order of the weights: (channel, y, x), x fastest
    #[must_use]
    pub(super) fn cut(&self, images: Tensor<4>) -> Tensor<3> {
        let [_, channels, p, _] = self.weight.dims();
        let [batch, _, height, width] = images.dims();
        let (rows, columns) = (height / p, width / p);
        images
            .slice([0..batch, 0..channels, 0..rows * p, 0..columns * p])
            .reshape([batch, channels, rows, p, columns, p])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([batch, rows * columns, channels * p * p])
    }

    /// Projects patches to tokens.
    ///
    /// # Shapes
    /// - `patches`: `[B, any, 3·P²]`, as returned by [`cut`](Self::cut)
    /// - returns `[B, any, D]`
    #[must_use]
    pub(super) fn project(&self, patches: Tensor<3>) -> Tensor<3> {
        let [d, channels, p, _] = self.weight.dims();
        let weight = self.weight.val().reshape([d, channels * p * p]).transpose();
        linear(patches, weight, self.bias.val())
    }
}

/// Cuts images into MAE's reconstruction targets, in the order (y, x, channel), channel fastest.
///
/// # Shapes
/// - `images`: `[B, 3, S, S]`
/// - returns `[B, L, P²·3]`
#[must_use]
pub fn patchify(images: Tensor<4>, patch_size: usize) -> Tensor<3> {
    let [batch, channels, height, width] = images.dims();
    let p = patch_size;
    let (rows, columns) = (height / p, width / p);
    images.reshape([batch, channels, rows, p, columns, p]).permute([0, 2, 4, 3, 5, 1]).reshape([
        batch,
        rows * columns,
        p * p * channels,
    ])
}

/// Inverts [`patchify`] for a square image.
///
/// # Shapes
/// - `patches`: `[B, g², P²·3]`
/// - returns `[B, 3, g·P, g·P]`
#[must_use]
pub fn unpatchify(patches: Tensor<3>, patch_size: usize) -> Tensor<4> {
    let [batch, count, length] = patches.dims();
    let (p, grid) = (patch_size, count.isqrt());
    let channels = length / (p * p);
    patches.reshape([batch, grid, grid, p, p, channels]).permute([0, 5, 1, 3, 2, 4]).reshape([
        batch,
        channels,
        grid * p,
        grid * p,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    #[test]
    fn patchify_follows_the_formula() {
        let device = Device::flex();
        let images = Tensor::<4>::random([1, 3, 8, 8], Distribution::Default, &device);
        let patches = patchify(images.clone(), 4).into_data().try_to_vec::<f32>().unwrap();
        let pixels = images.into_data().try_to_vec::<f32>().unwrap();
        let (r, c, i, j, channel) = (1, 0, 2, 3, 1);
        let from_patch = patches[(r * 2 + c) * 48 + (i * 4 + j) * 3 + channel];
        assert_eq!(from_patch, pixels[channel * 64 + (r * 4 + i) * 8 + c * 4 + j]);
    }

    #[test]
    fn unpatchify_inverts_patchify() {
        let device = Device::flex();
        let images = Tensor::<4>::random([2, 3, 12, 12], Distribution::Default, &device);
        let back = unpatchify(patchify(images.clone(), 4), 4);
        back.into_data().assert_eq(&images.into_data(), true);
    }

    #[test]
    fn embedding_equals_a_strided_convolution() {
        let device = Device::flex();
        let config = VitConfig::plain(8, 4, 8, 1, 2);
        let embed = PatchEmbed::new(&config, &device);
        let images = Tensor::<4>::random([2, 3, 8, 8], Distribution::Default, &device);
        let options = burn::tensor::ops::ConvOptions::new([4, 4], [0, 0], [1, 1], 1);
        let conv =
            burn::tensor::module::conv2d(images.clone(), embed.weight.val(), Some(embed.bias.val()), options);
        let expected = conv.reshape([2, 8, 4]).swap_dims(1, 2);
        embed
            .forward(images)
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::absolute(1e-5));
    }
}
