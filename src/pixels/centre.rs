//! Central crops of photos, the input of masked autoencoders.

use super::{Filter, Preprocess, Window, resize};
use crate::image::RgbImage;

/// Side of the central crop as a share of the photo's shorter side, as in MAE's evaluation (224 of 256
/// pixels).
const CENTRE: f64 = 224.0 / 256.0;

/// Returns the central square of a photo at the size of the model, normalised: `[3, S, S]`, channels first.
#[must_use]
pub fn central_crop(photo: &RgbImage, side: usize, preprocess: &Preprocess) -> Vec<f32> {
    let rgb = resize(photo, central_square(photo), [side, side], Filter::Bicubic);
    let plane = |channel: usize| {
        rgb.iter().skip(channel).step_by(3).map(move |byte| preprocess.normalised(channel, *byte))
    };
    (0..3).flat_map(plane).collect()
}

/// Returns the window that [`central_crop`] shows.
#[must_use]
pub fn central_square(photo: &RgbImage) -> Window {
    let (width, height) = (photo.width() as f64, photo.height() as f64);
    let edge = width.min(height) * CENTRE;
    Window { left: (width - edge) / 2.0, top: (height - edge) / 2.0, width: edge, height: edge }
}
