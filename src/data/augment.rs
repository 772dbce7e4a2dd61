//! Augmentation of labelled photos.

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::canvas::Canvas;
use super::jitter::Jitter;
use super::layer::Layer;

/// How a labelled photo becomes a training sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AugmentOptions {
    /// Side S of the canvas in pixels.
    pub image_size: usize,
    /// Minimum and maximum scale of the photo, as a multiple of its letterboxed size; `None`: letterboxed,
    /// not moved.
    pub zoom: Option<(f64, f64)>,
    /// Whether the scale is drawn uniformly instead of log-uniformly.
    #[serde(default)]
    pub even_zoom: bool,
    /// Minimum number of pixels of an object on the canvas: smaller ones are ignored.
    #[serde(default = "least_area")]
    pub least_area: usize,
    /// Whether photos are mirrored left-right with probability one half.
    pub flip: bool,
    /// Maximum relative change of brightness, contrast and saturation.
    pub colour: f32,
    /// Maximum number of cut-outs pasted into one photo.
    pub cutouts: usize,
    /// Maximum number of objects from other training photos pasted into one photo.
    pub transplants: usize,
}

/// Returns the default minimum area: from fewer pixels there is little to learn.
fn least_area() -> usize {
    16
}

impl AugmentOptions {
    /// Returns options without augmentation: letterboxed photos, as in inference.
    #[must_use]
    pub fn none(image_size: usize) -> Self {
        Self {
            image_size,
            zoom: None,
            even_zoom: false,
            least_area: least_area(),
            flip: false,
            colour: 0.0,
            cutouts: 0,
            transplants: 0,
        }
    }

    /// Returns the training options: large-scale jitter, mirroring, colour jitter and copy-paste.
    #[must_use]
    pub fn training(image_size: usize) -> Self {
        let zoom = Some((0.75, 1.75));
        Self { zoom, flip: true, colour: 0.3, cutouts: 4, transplants: 2, ..Self::none(image_size) }
    }

    /// Draws a scale, if photos are moved at all.
    pub(super) fn draw_zoom(&self, rng: &mut impl Rng) -> Option<f64> {
        self.zoom.map(|(low, high)| match self.even_zoom {
            true => rng.random_range(low..=high.max(low)),
            false => rng.random_range(low.ln()..=high.max(low).ln()).exp(),
        })
    }

    /// Applies colour jitter to pixels of `N` bytes.
    pub(super) fn recolour<const N: usize>(&self, pixels: &mut [u8], rng: &mut impl Rng) {
        if self.colour > 0.0 {
            Jitter::random(self.colour.min(1.0), rng).apply::<N>(pixels);
        }
    }

    /// Pastes an object at random, with its centre on the photo.
    pub(super) fn paste(&self, canvas: &mut Canvas, layer: &Layer, label: Option<usize>, rng: &mut impl Rng) {
        let [start, size] = canvas.photo();
        let mut varied = layer.vary(size[0].max(size[1]), rng);
        self.recolour::<4>(&mut varied.rgba, rng);
        let mut corner = |axis: usize, length: usize| {
            let centre = rng.random_range(start[axis]..start[axis] + size[axis]);
            centre.cast_signed() - (length / 2).cast_signed()
        };
        let at = [corner(0, varied.width), corner(1, varied.height)];
        canvas.paste(&varied, at, label);
    }
}
