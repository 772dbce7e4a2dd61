//! Pictures of what a model does, for people to look at.

use std::path::Path;

use burn::tensor::Tensor;

use super::TrainError;
use crate::model::{MaskedAutoencoder, PatchMask, patchify, unpatchify};
use crate::pixels::Preprocess;

const MOST_ROWS: usize = 6;

/// Original, what the encoder saw, and the reconstruction (visible patches kept), one photo a row.
///
/// With `norm_pix_loss` the drawn patches are given back the mean and deviation of the original ones.
pub(super) fn reconstruction_panel(
    model: &MaskedAutoencoder,
    images: Tensor<4>,
    mask: &PatchMask,
    preprocess: &Preprocess,
    path: &Path,
) -> Result<(), TrainError> {
    let [_, _, side, _] = images.dims();
    let patch = model.config().encoder.patch_size;
    let output = model.forward(images.clone(), mask);
    let target = patchify(images.clone(), patch);
    let mut drawn = output.prediction;
    if model.config().norm_pix_loss {
        let (variance, mean) = target.clone().var_mean(2);
        drawn = drawn * variance.add_scalar(1e-6).sqrt() + mean;
    }
    let hidden = mask.hidden(&images.device()).unsqueeze_dim::<3>(2);
    let visible = hidden.clone().neg().add_scalar(1.0);
    let seen = unpatchify(target.clone() * visible.clone(), patch);
    let filled = unpatchify(target * visible + drawn * hidden, patch);
    let columns = [images, seen, filled].map(|column| column.into_data().try_to_vec::<f32>().unwrap_or_default());
    let rows = mask.batch().min(MOST_ROWS);
    let (width, height) = (3 * side, rows * side);
    let picture = image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let (x, y) = (x as usize, y as usize);
        let pixel = ((y / side) * 3 * side + y % side) * side + x % side;
        image::Rgb(std::array::from_fn(|channel| {
            let value = columns[x / side].get(pixel + channel * side * side).copied().unwrap_or_default();
            ((value * preprocess.std[channel] + preprocess.mean[channel]) * 255.0).round().clamp(0.0, 255.0) as u8
        }))
    });
    picture.save(path).map_err(|error| TrainError::Panel(error.to_string()))
}
