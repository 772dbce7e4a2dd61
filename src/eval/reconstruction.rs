//! Evaluation of a masked autoencoder's reconstructions.

use super::EvalError;
use super::probe::batch;
use crate::image::Likeness;
use crate::model::{MaskedAutoencoder, PatchMask};
use crate::pixels::Preprocess;
use burn::tensor::Device;

/// Returns the likeness of each photo and its reconstruction, as 8-bit pictures.
///
/// # Errors
/// [`EvalError::Probe`] if the device fails.
///
/// # Shapes
/// - `crops`: `[photos][3 · S · S]`, normalised
pub fn reconstruction(
    model: &MaskedAutoencoder,
    crops: &[Vec<f32>],
    mask: &PatchMask,
    preprocess: &Preprocess,
    device: &Device,
) -> Result<Vec<Likeness>, EvalError> {
    let filled = model.fill_in(batch(crops, device), mask).into_data().try_to_vec::<f32>();
    let filled = filled.map_err(|error| EvalError::Probe(format!("{error:?}")))?;
    let pairs = crops.iter().zip(filled.chunks_exact(crops.first().map_or(1, Vec::len)));
    Ok(pairs
        .map(|(crop, filled)| {
            let [crop, filled] = [crop, filled].map(|values| preprocess.bytes(values));
            Likeness::of(&crop, &filled, (crop.len() / 3).isqrt())
        })
        .collect())
}
