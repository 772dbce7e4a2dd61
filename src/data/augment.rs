//! Augmentation of labelled photos.

use clap::Args;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::canvas::Canvas;
use super::jitter::Jitter;
use super::layer::Layer;
use crate::args::{defaults, image_size, number, read_from_flags, whole};

/// How a labelled photo becomes a training sample.
#[derive(Debug, Clone, Copy, PartialEq, Args, Serialize, Deserialize)]
#[serde(default)]
pub struct AugmentOptions {
    /// Side length of the square input, in pixels.
    #[arg(long, default_value_t = 224, value_name = "PIXELS", value_parser = image_size)]
    #[arg(help_heading = "Model")]
    pub image_size: usize,
    /// Large-scale jitter.
    #[command(flatten)]
    pub zoom: Zoom,
    /// Sample the scale uniformly instead of log-uniformly.
    #[arg(long = "uniform-scale", alias = "even-zoom", help_heading = "Augmentation")]
    pub even_zoom: bool,
    /// Minimum area of an object, in input pixels; smaller objects are ignored.
    #[arg(long = "min-area", alias = "least-area", default_value_t = 16, value_name = "PIXELS")]
    #[arg(value_parser = whole::<usize>, help_heading = "Augmentation")]
    pub least_area: usize,
    /// Mirror left-right half of the time.
    #[arg(skip = true)]
    pub flip: bool,
    /// Strength of brightness, contrast and saturation jitter, 0 to 1.
    #[arg(long = "color-jitter", alias = "colour", default_value_t = 0.3, value_name = "SHARE")]
    #[arg(value_parser = number(0.0_f32, 1.0), help_heading = "Augmentation")]
    pub colour: f32,
    /// Maximum number of cut-outs from --cutouts to paste into a photo.
    #[arg(
        id = "paste",
        long = "paste-cutouts",
        alias = "paste",
        default_value_t = 4,
        value_name = "CUTOUTS"
    )]
    #[arg(value_parser = whole::<usize>, help_heading = "Augmentation")]
    pub cutouts: usize,
    /// Maximum number of objects to copy from other photos into a photo.
    #[arg(long = "copy-paste", alias = "transplants", default_value_t = 2, value_name = "OBJECTS")]
    #[arg(value_parser = whole::<usize>, help_heading = "Augmentation")]
    pub transplants: usize,
}

impl Default for AugmentOptions {
    /// Large-scale jitter, mirroring, colour jitter and copy-paste.
    fn default() -> Self {
        defaults()
    }
}

/// Least and greatest size of a photo, as a multiple of its letterboxed size; `None`: letterboxed, not moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Zoom(pub Option<(f64, f64)>);

#[derive(Args)]
struct ZoomFlags {
    /// Minimum scale of large-scale jitter, relative to the input size.
    #[arg(long = "min-scale", alias = "min-zoom", default_value_t = 0.75, value_name = "SCALE")]
    #[arg(value_parser = number(0.05, 20.0), help_heading = "Augmentation")]
    min_zoom: f64,
    /// Maximum scale of large-scale jitter, relative to the input size; above 1, photos are cropped.
    #[arg(long = "max-scale", alias = "max-zoom", default_value_t = 1.75, value_name = "SCALE")]
    #[arg(value_parser = number(0.05, 20.0), help_heading = "Augmentation")]
    max_zoom: f64,
}

impl From<ZoomFlags> for Zoom {
    fn from(flags: ZoomFlags) -> Self {
        Self(Some((flags.min_zoom, flags.max_zoom)))
    }
}

read_from_flags!(Zoom, ZoomFlags);

impl AugmentOptions {
    /// Returns options without augmentation: letterboxed photos, as in inference.
    #[must_use]
    pub fn none(image_size: usize) -> Self {
        let unchanged = Self { image_size, zoom: Zoom(None), flip: false, colour: 0.0, ..Self::default() };
        Self { cutouts: 0, transplants: 0, ..unchanged }
    }

    /// Draws a scale, if photos are moved at all.
    pub(super) fn draw_zoom(&self, rng: &mut impl Rng) -> Option<f64> {
        self.zoom.0.map(|(low, high)| match self.even_zoom {
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
