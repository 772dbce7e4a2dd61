//! Redraws photos with hidden patches by a masked autoencoder.

use burn::tensor::{Device, Tensor, TensorData};

use super::encoded::numbers;
use super::features::PatchFeatures;
use super::{EngineError, device};
use crate::image::{Likeness, RgbImage};
use crate::model::{MaeConfig, MaskSampling, MaskedAutoencoder, PatchMask};
use crate::pixels::{Preprocess, central_crop};
use crate::random::{Purpose, stream};
use crate::weights::{Architecture, Checkpoint, WeightSource};

/// A masked autoencoder (encoder and decoder) on a device, ready for photos.
#[derive(Debug)]
pub struct Reconstructor {
    model: MaskedAutoencoder,
    preprocess: Preprocess,
    device: Device,
}

/// The central square of a photo at the size of the model, prepared once for any number of patch masks.
#[derive(Debug, Clone)]
pub struct Square {
    /// Normalised pixels, `[1, 3, S, S]`.
    image: Tensor<4>,
    /// Pixels in bytes, `[3, S, S]`.
    bytes: Vec<u8>,
}

/// A square with hidden patches, and the model's reconstruction of it. Pictures are RGBA, `[S, S, 4]` bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Redrawn {
    /// Whether each patch was hidden, in row-major order.
    pub hidden: Vec<bool>,
    /// The likeness of reconstruction and photo: the signal-to-noise ratio in the hidden patches, and the
    /// structural similarity of the whole picture. `None` if nothing was hidden.
    pub likeness: Option<Likeness>,
    side: usize,
    /// The colour of hidden patches in pictures without transparency: that of the normalised value 0.
    blank: [u8; 3],
    /// The pixels of the photo in bytes, `[3, S, S]`.
    photo: Vec<u8>,
    drawn: Vec<u8>,
}

impl Reconstructor {
    /// Reads a weight folder and puts the model on `device`.
    ///
    /// # Errors
    /// [`EngineError::Weights`] naming the file or tensor at fault, [`EngineError::NotAnAutoencoder`]
    pub async fn load(source: &impl WeightSource, device: &Device) -> Result<Self, EngineError> {
        let checkpoint = Checkpoint::open(source).await?;
        let Architecture::Mae(config) = &checkpoint.config.architecture else {
            return Err(EngineError::NotAnAutoencoder);
        };
        let mut model = checkpoint.load(source, MaskedAutoencoder::new(config, device)).await?;
        if device::gains_from_rounding(device) && checkpoint.is_in_halves() {
            model = model.rounding();
        }
        Ok(Self::new(model, checkpoint.preprocess, device.clone()))
    }

    /// Wraps a model on `device`.
    #[must_use]
    pub const fn new(model: MaskedAutoencoder, preprocess: Preprocess, device: Device) -> Self {
        Self { model, preprocess, device }
    }

    /// Returns the number of patches per side.
    #[must_use]
    pub fn grid(&self) -> usize {
        self.model.config().encoder.grid()
    }

    /// Returns the side of the square that the model draws, in pixels.
    #[must_use]
    pub fn side(&self) -> usize {
        self.model.config().encoder.image_size
    }

    /// Cuts the central square out of a photo and resizes it to the size of the model.
    #[must_use]
    pub fn prepare(&self, photo: &RgbImage) -> Square {
        let side = self.side();
        let values = central_crop(photo, side, &self.preprocess);
        let bytes = self.preprocess.bytes(&values);
        let image = Tensor::from_data(TensorData::new(values, [1, 3, side, side]), &self.device);
        Square { image, bytes }
    }

    /// Hides a share of the patches, 0 to 1; at least one stays visible. `mae-seg reconstruct` hides the same
    /// patches of its first photo.
    #[must_use]
    pub fn hide(&self, share: f64, sampling: MaskSampling, seed: u64) -> PatchMask {
        let num_visible = MaeConfig { mask_ratio: share, ..self.model.config().clone() }.num_visible();
        sampling.draw([stream(Purpose::Hide, seed, 0, 0)], self.grid(), num_visible.max(1))
    }

    /// Draws the patches that `mask`, made for one image, hides. All patches may be hidden, or none.
    ///
    /// # Errors
    /// [`EngineError::OtherPatches`] for a mask of another grid, [`EngineError::Failed`],
    /// [`EngineError::NotFinite`]
    pub async fn draw(&self, square: &Square, mask: &PatchMask) -> Result<Redrawn, EngineError> {
        let (given, expected) = (mask.num_patches(), self.grid() * self.grid());
        if given != expected {
            return Err(EngineError::OtherPatches { given, expected });
        }
        let drawn = numbers(self.model.draw(square.image.clone(), mask)).await?;
        let (photo, drawn) = (square.bytes.clone(), self.preprocess.bytes(&drawn));
        let hidden = mask.first_hidden();
        let blank = std::array::from_fn(|channel| self.preprocess.byte(channel, 0.0));
        let redrawn = Redrawn { hidden, likeness: None, side: self.side(), blank, photo, drawn };
        Ok(Redrawn { likeness: redrawn.measure(), ..redrawn })
    }

    /// Computes the encoder's features of each patch, with all patches visible.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn patch_features(&self, square: &Square) -> Result<PatchFeatures, EngineError> {
        PatchFeatures::of(&self.model.encoder, square.image.clone()).await
    }
}

impl Square {
    /// Returns the square as RGBA, `[S, S, 4]` bytes.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        let plane = self.bytes.len() / 3;
        (0..plane).flat_map(|at| rgba(&self.bytes, at)).collect()
    }
}

impl Redrawn {
    /// Returns the side of the pictures, in pixels.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// Returns what the encoder saw: hidden patches are transparent.
    #[must_use]
    pub fn seen(&self) -> Vec<u8> {
        self.picture_of(|at, hidden| if hidden { [0; 4] } else { rgba(&self.photo, at) })
    }

    /// Returns what the model drew; if `pastes`, only in hidden patches, with the photo kept in the others.
    #[must_use]
    pub fn picture(&self, pastes: bool) -> Vec<u8> {
        self.picture_of(|at, hidden| rgba(if pastes && !hidden { &self.photo } else { &self.drawn }, at))
    }

    /// Returns pictures side by side, as `mae-seg reconstruct` shows them: the photo, if wanted, the visible
    /// patches, and [the reconstruction](Self::picture).
    #[must_use]
    pub fn panel(&self, with_photo: bool, pastes: bool) -> image::RgbImage {
        let [r, g, b] = self.blank;
        let seen = self.picture_of(|at, hidden| if hidden { [r, g, b, 255] } else { rgba(&self.photo, at) });
        let photo = with_photo.then(|| self.picture_of(|at, _| rgba(&self.photo, at)));
        let tiles: Vec<Vec<u8>> = photo.into_iter().chain([seen, self.picture(pastes)]).collect();
        image::RgbImage::from_fn((tiles.len() * self.side) as u32, self.side as u32, |x, y| {
            let (x, y) = (x as usize, y as usize);
            let at = 4 * (y * self.side + x % self.side);
            let tile = &tiles[x / self.side];
            image::Rgb([tile[at], tile[at + 1], tile[at + 2]])
        })
    }

    fn picture_of(&self, pixel: impl Fn(usize, bool) -> [u8; 4]) -> Vec<u8> {
        (0..self.side * self.side).flat_map(|at| pixel(at, self.is_hidden(at))).collect()
    }

    /// Returns whether a pixel, by row-major index, lies in a hidden patch.
    fn is_hidden(&self, at: usize) -> bool {
        let grid = self.hidden.len().isqrt();
        let cell = |place: usize| place * grid / self.side;
        self.hidden[cell(at / self.side) * grid + cell(at % self.side)]
    }

    fn measure(&self) -> Option<Likeness> {
        let share = self.hidden.iter().filter(|hidden| **hidden).count() as f64 / self.hidden.len() as f64;
        let plane = self.side * self.side;
        let filled: Vec<u8> = (0..self.drawn.len())
            .map(|at| if self.is_hidden(at % plane) { self.drawn[at] } else { self.photo[at] })
            .collect();
        let Likeness { psnr, ssim } = Likeness::of(&self.photo, &filled, self.side);
        // Visible patches have no error: the whole error belongs to the hidden share.
        (share > 0.0).then(|| Likeness { psnr: psnr + 10.0 * share.log10(), ssim })
    }
}

/// Returns the pixel at index `at` of `[3, S, S]` bytes as RGBA.
fn rgba(planes: &[u8], at: usize) -> [u8; 4] {
    let plane = planes.len() / 3;
    [planes[at], planes[plane + at], planes[2 * plane + at], 255]
}

#[cfg(test)]
mod tests;
