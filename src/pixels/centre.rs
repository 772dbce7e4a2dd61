//! The middle of a photo, as masked autoencoders are shown it.

use super::{Filter, Preprocess, Window, resize};
use crate::image::RgbImage;

/// Share of the shorter side that the central crop shows, as in MAE's evaluation (224 of 256 pixels).
const CENTRE: f64 = 224.0 / 256.0;

/// The central square of a photo at the size of the model, normalised: `[3, S, S]`, channels first.
#[must_use]
pub fn central_crop(photo: &RgbImage, side: usize, preprocess: &Preprocess) -> Vec<f32> {
    let rgb = resize(photo, central_square(photo), [side, side], Filter::Bicubic);
    let plane = |channel: usize| {
        rgb.iter().skip(channel).step_by(3).map(move |byte| preprocess.normalised(channel, *byte))
    };
    (0..3).flat_map(plane).collect()
}

/// What [`central_crop`] shows of a photo.
#[must_use]
pub fn central_square(photo: &RgbImage) -> Window {
    let (width, height) = (photo.width() as f64, photo.height() as f64);
    let edge = width.min(height) * CENTRE;
    Window { left: (width - edge) / 2.0, top: (height - edge) / 2.0, width: edge, height: edge }
}
