//! How close a masked autoencoder's drawings are to the photos.

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::EvalError;
use super::probe::batch;
use crate::model::{MaskedAutoencoder, PatchMask, patchify, unpatchify};
use crate::pixels::Preprocess;

/// Side of the square that structure is compared in.
const WINDOW: usize = 7;

/// Likeness of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Likeness {
    /// Peak signal to noise ratio in decibels; infinite for equal pictures.
    pub psnr: f64,
    /// Structural similarity, 1 for equal pictures.
    pub ssim: f64,
}

/// The images with their hidden patches drawn by the model; visible patches are kept. With `norm_pix_loss`, drawn patches
/// are given back the mean and deviation of the original ones.
///
/// # Shapes
/// - `images`, returns: `[B, 3, S, S]`, normalised
#[must_use]
pub fn fill_in(model: &MaskedAutoencoder, images: Tensor<4>, mask: &PatchMask) -> Tensor<4> {
    let patch = model.config().encoder.patch_size;
    let hidden = mask.hidden(&images.device()).unsqueeze_dim::<3>(2);
    let original = patchify(images.clone(), patch);
    let mut drawn = model.forward(images, mask).prediction;
    if model.config().norm_pix_loss {
        let (variance, mean) = original.clone().var_mean(2);
        drawn = drawn * variance.add_scalar(1e-6).sqrt() + mean;
    }
    let visible = hidden.clone().neg().add_scalar(1.0);
    unpatchify(original * visible + drawn * hidden, patch)
}

/// How like each photo its reconstruction is, as 8-bit pictures.
///
/// # Errors
/// [`EvalError::Probe`] when the device fails.
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
    let filled = fill_in(model, batch(crops, device), mask).into_data().try_to_vec::<f32>();
    let filled = filled.map_err(|error| EvalError::Probe(format!("{error:?}")))?;
    let pairs = crops.iter().zip(filled.chunks_exact(crops.first().map_or(1, Vec::len)));
    Ok(pairs
        .map(|(crop, filled)| {
            let [crop, filled] = [crop, filled].map(|values| planes(values, preprocess));
            likeness(&crop, &filled, (crop.len() / 3).isqrt())
        })
        .collect())
}

/// Normalised values to bytes, still channel by channel.
fn planes(values: &[f32], preprocess: &Preprocess) -> Vec<u8> {
    let plane = values.len() / 3;
    let byte = |(at, value): (usize, &f32)| {
        let channel = at / plane;
        ((value * preprocess.std[channel] + preprocess.mean[channel]) / preprocess.rescale).round() as u8
    };
    values.iter().enumerate().map(byte).collect()
}

/// Compares two pictures of bytes, channel by channel, rows of `width`; as scikit-image does for 8-bit colour.
#[must_use]
pub fn likeness(first: &[u8], second: &[u8], width: usize) -> Likeness {
    let error: f64 = first.iter().zip(second).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    let psnr = 10.0 * (255.0_f64.powi(2) * first.len() as f64 / error).log10();
    let plane = first.len() / 3;
    let channels = first.chunks_exact(plane).zip(second.chunks_exact(plane));
    Likeness { psnr, ssim: channels.map(|(a, b)| structure(a, b, width)).sum::<f64>() / 3.0 }
}

/// Mean structural similarity of one channel (Wang et al. 2004, uniform windows, unbiased covariance).
fn structure(first: &[u8], second: &[u8], width: usize) -> f64 {
    let height = first.len() / width;
    let count = (WINDOW * WINDOW) as f64;
    let (c1, c2) = ((0.01_f64 * 255.0).powi(2), (0.03_f64 * 255.0).powi(2));
    let at = |x: usize, y: usize| {
        let inside = (y..y + WINDOW).flat_map(|y| (y * width + x)..(y * width + x + WINDOW));
        let [mut a, mut b, mut aa, mut bb, mut ab] = [0.0; 5];
        for (p, q) in inside.map(|i| (f64::from(first[i]), f64::from(second[i]))) {
            (a, b, aa, bb, ab) = (a + p, b + q, aa + p * p, bb + q * q, ab + p * q);
        }
        let (a, b) = (a / count, b / count);
        let unbiased = count / (count - 1.0);
        let covariance = |products: f64, means: f64| unbiased * (products / count - means);
        let (va, vb, cov) = (covariance(aa, a * a), covariance(bb, b * b), covariance(ab, a * b));
        (2.0 * a * b + c1) * (2.0 * cov + c2) / ((a * a + b * b + c1) * (va + vb + c2))
    };
    let (columns, rows) = ((width + 1).saturating_sub(WINDOW), (height + 1).saturating_sub(WINDOW));
    let windows = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
    windows.map(|(x, y)| at(x, y)).sum::<f64>() / (rows * columns).max(1) as f64
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn equals_scikit_image() {
        let recorded: Value = serde_json::from_str(include_str!("../../tests/fixtures/probe.json")).unwrap();
        let picture = |name: &str| -> Vec<u8> {
            let pixels: Vec<u8> = serde_json::from_value(recorded["pictures"][name].clone()).unwrap();
            (0..3).flat_map(|channel| pixels.iter().copied().skip(channel).step_by(3)).collect()
        };
        let found = likeness(&picture("first"), &picture("second"), 22);
        assert!((found.psnr - recorded["psnr"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        assert!((found.ssim - recorded["ssim"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        let same = likeness(&picture("first"), &picture("first"), 22);
        assert!(same.psnr.is_infinite() && (same.ssim - 1.0).abs() < 1e-12);
    }
}
