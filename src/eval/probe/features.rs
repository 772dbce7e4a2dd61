//! Computes features of photos.

use burn::tensor::{Device, Tensor, TensorData};

use crate::eval::EvalError;
use crate::model::VisionTransformer;

/// Returns features of photos: the class token of the last layer, with every patch visible.
///
/// # Errors
/// [`EvalError::Probe`] if the device fails.
///
/// # Shapes
/// - `crops`: `[photos][3 · S · S]`, see [`central_crop`](crate::pixels::central_crop)
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

/// Stacks crops to a batch, `[photos, 3, S, S]`.
pub(in crate::eval) fn batch(crops: &[Vec<f32>], device: &Device) -> Tensor<4> {
    let side = (crops.first().map_or(0, Vec::len) / 3).isqrt();
    Tensor::from_data(TensorData::new(crops.concat(), [crops.len(), 3, side, side]), device)
}
