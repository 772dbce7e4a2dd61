//! Photos to features.

use burn::tensor::{Device, Tensor, TensorData};

use crate::eval::EvalError;
use crate::image::RgbImage;
use crate::model::VisionTransformer;
use crate::pixels::{Filter, Preprocess, Window, resize};

/// Share of the shorter side that the central crop shows, as in MAE's evaluation (224 of 256 pixels).
const CENTRE: f64 = 224.0 / 256.0;

/// Features of photos: the class token of the last layer, every patch visible.
///
/// # Errors
/// [`EvalError::Probe`] when the device fails.
///
/// # Shapes
/// - `crops`: `[photos][3 · S · S]`, see [`central_crop`]
/// - returns `[photos][D]`
pub fn features(
    encoder: &VisionTransformer,
    crops: &[Vec<f32>],
    device: &Device,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let tokens = encoder.forward(batch(crops, device));
    let [count, _, d] = tokens.dims();
    let values = tokens.narrow(1, 0, 1).reshape([count, d]).into_data().try_to_vec::<f32>();
    let values = values.map_err(|error| EvalError::Probe(format!("{error:?}")))?;
    Ok(values.chunks_exact(d).map(<[f32]>::to_vec).collect())
}

/// `[photos, 3, S, S]`
pub(in crate::eval) fn batch(crops: &[Vec<f32>], device: &Device) -> Tensor<4> {
    let side = (crops.first().map_or(0, Vec::len) / 3).isqrt();
    Tensor::from_data(TensorData::new(crops.concat(), [crops.len(), 3, side, side]), device)
}

/// The central square of a photo at the size of the model, normalised: `[3, S, S]`, channels first.
#[must_use]
pub fn central_crop(photo: &RgbImage, side: usize, preprocess: &Preprocess) -> Vec<f32> {
    let (width, height) = (photo.width() as f64, photo.height() as f64);
    let edge = width.min(height) * CENTRE;
    let window = Window { left: (width - edge) / 2.0, top: (height - edge) / 2.0, width: edge, height: edge };
    let rgb = resize(photo, window, [side, side], Filter::Bicubic);
    let plane = |channel: usize| {
        rgb.iter().skip(channel).step_by(3).map(move |byte| preprocess.normalised(channel, *byte))
    };
    (0..3).flat_map(plane).collect()
}
