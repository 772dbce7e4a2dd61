//! Converts photos to model input and coordinates back (steps 2 and 6 of 7); resizing and normalising happen
//! only here.

use serde::{Deserialize, Serialize};

use crate::image::RgbImage;

mod centre;
mod config;
mod letterbox;
mod resize;

pub use centre::{central_crop, central_square};
pub use config::{PreprocessError, Statistics};
pub use letterbox::{Letterbox, PhotoLogits};
pub use resize::{Filter, Window, resize};

/// The conversion of photos to model input; read from and written to Hugging Face's
/// `preprocessor_config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "config::HuggingFace", into = "config::HuggingFace")]
pub struct Preprocess {
    /// The size to which a photo is resized.
    pub size: SizeRule,
    /// Whether black is added on the right and at the bottom until the canvas is as large as the rule's
    /// sides.
    pub pad: bool,
    /// The canvas is always padded to a multiple of this. Not part of the file: it is the patch size of the
    /// model.
    pub multiple_of: usize,
    /// The interpolation filter for resizing.
    pub filter: Filter,
    /// The factor of bytes, applied before mean and standard deviation.
    pub rescale: f32,
    /// Mean per channel of the rescaled values.
    pub mean: [f32; 3],
    /// Standard deviation per channel of the rescaled values.
    pub std: [f32; 3],
}

/// The size to which a photo is resized, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeRule {
    /// Exactly this size, whatever the photo's proportions.
    Exact {
        /// Number of rows.
        height: usize,
        /// Number of columns.
        width: usize,
    },
    /// Keeps the proportions: the shorter side becomes `shortest`, unless the longer one would exceed
    /// `longest`.
    Fit {
        /// Length of the shorter side.
        shortest: usize,
        /// Maximum length of the longer side.
        longest: Option<usize>,
    },
}

impl Preprocess {
    /// Returns the rule that fits photos into a square of `side` pixels, pads with black and normalises with
    /// the statistics of ImageNet.
    #[must_use]
    pub fn square(side: usize) -> Self {
        Self {
            size: SizeRule::Fit { shortest: side, longest: Some(side) },
            pad: true,
            multiple_of: 1,
            filter: Filter::Bilinear,
            rescale: 1.0 / 255.0,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        }
    }

    /// Returns the same rule at another resolution: exact sizes become a square of `side` pixels, others fit
    /// into it.
    #[must_use]
    pub fn with_side(self, side: usize) -> Self {
        let size = match self.size {
            SizeRule::Exact { .. } => SizeRule::Exact { height: side, width: side },
            SizeRule::Fit { .. } => SizeRule::Fit { shortest: side, longest: Some(side) },
        };
        Self { size, ..self }
    }

    /// Returns this rule with the rescaling, mean and standard deviation of `other`.
    #[must_use]
    pub fn normalised_as(self, other: &Self) -> Self {
        Self { rescale: other.rescale, mean: other.mean, std: other.std, ..self }
    }

    /// Returns the normalised value of a byte in `channel`.
    #[must_use]
    pub fn normalised(&self, channel: usize, byte: u8) -> f32 {
        let value = f64::from(byte) * f64::from(self.rescale);
        ((value - f64::from(self.mean[channel])) / f64::from(self.std[channel])) as f32
    }

    /// Converts normalised values, channels first, back to bytes.
    #[must_use]
    pub fn bytes(&self, values: &[f32]) -> Vec<u8> {
        let plane = (values.len() / 3).max(1);
        values.iter().enumerate().map(|(at, &value)| self.byte((at / plane).min(2), value)).collect()
    }

    /// Returns the byte nearest to a normalised value in `channel`.
    #[must_use]
    pub fn byte(&self, channel: usize, value: f32) -> u8 {
        ((value * self.std[channel] + self.mean[channel]) / self.rescale).round().clamp(0.0, 255.0) as u8
    }
}

/// Resizes, pads and normalises a photo.
///
/// Returns `[3, H, W]` values, channels first, for the canvas of [`Letterbox::of`], and the letterbox, which
/// maps back. Pixel values equal those of `transformers`' image processors: exactly, before normalising,
/// those of the torchvision backend (the default since version 5), and within one of 255 steps those of the
/// Pillow backend.
#[must_use]
pub fn prepare(image: &RgbImage, preprocess: &Preprocess) -> (Vec<f32>, Letterbox) {
    let letterbox = Letterbox::of(image.width(), image.height(), preprocess);
    let ([width, height], [canvas_w, canvas_h]) = (letterbox.content(), letterbox.canvas());
    let content = resize(image, Window::whole(image), [width, height], preprocess.filter);
    let mut canvas = Vec::with_capacity(3 * canvas_w * canvas_h);
    for channel in 0..3 {
        let table: Vec<f32> = (0..=255).map(|byte| preprocess.normalised(channel, byte)).collect();
        for row in content.chunks_exact(3 * width) {
            canvas.extend(row.iter().skip(channel).step_by(3).map(|&byte| table[usize::from(byte)]));
            canvas.resize(canvas.len() + canvas_w - width, table[0]);
        }
        canvas.resize(canvas.len() + (canvas_h - height) * canvas_w, table[0]);
    }
    (canvas, letterbox)
}

#[cfg(test)]
mod tests;
