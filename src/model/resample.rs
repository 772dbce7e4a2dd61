//! Antialiased resampling of learned parameters for another resolution, as timm does it.

use burn::tensor::{Device, Tensor, TensorData};

/// Radius of the cubic kernel.
const REACH: f64 = 2.0;
/// Parameter a of the cubic kernel, as in Pillow.
const SLOPE: f64 = -0.5;

/// Returns the weights of antialiased bicubic resampling along one axis, `[to][from]`; each row sums to 1.
fn weights(from: usize, to: usize) -> Vec<Vec<f64>> {
    let step = from as f64 / to as f64;
    let wide = step.max(1.0);
    let row = |index: usize| {
        let centre = step * (index as f64 + 0.5);
        // Only cells whose centre the kernel reaches, cut off as PyTorch does it.
        let first = (centre - REACH * wide + 0.5).floor().max(0.0) as usize;
        let end = ((centre + REACH * wide + 0.5).floor() as usize).min(from);
        let mut row = vec![0.0; from];
        for (cell, weight) in row.iter_mut().enumerate().take(end).skip(first) {
            *weight = cubic((cell as f64 - centre + 0.5) / wide);
        }
        let sum: f64 = row.iter().sum();
        row.iter().map(|weight| weight / sum).collect()
    };
    (0..to).map(row).collect()
}

fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((SLOPE + 2.0) * x - (SLOPE + 3.0)) * x * x + 1.0
    } else if x < REACH {
        (((x - 5.0) * x + 8.0) * x - 4.0) * SLOPE
    } else {
        0.0
    }
}

fn matrix(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    let values: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), device)
}

/// Resizes images.
///
/// # Shapes
/// - `images`: `[N, h, w]`
/// - returns `[N, height, width]`
pub(super) fn antialiased(images: Tensor<3>, [height, width]: [usize; 2]) -> Tensor<3> {
    let [_, h, w] = images.dims();
    multiplied(images, &weights(h, height), &weights(w, width))
}

/// Returns `down · image · acrossᵀ` for each of the images `[N, h, w]`.
fn multiplied(images: Tensor<3>, down: &[Vec<f64>], across: &[Vec<f64>]) -> Tensor<3> {
    let ([count, h, w], device) = (images.dims(), images.device());
    let (height, width) = (down.len(), across.len());
    let wide = images.reshape([count * h, w]).matmul(matrix(across, &device).transpose());
    let columns = wide.reshape([count, h, width]).swap_dims(1, 2).reshape([count * width, h]);
    columns.matmul(matrix(down, &device).transpose()).reshape([count, width, height]).swap_dims(1, 2)
}

/// Resamples the kernels of a patch embedding for another patch size, so that resized patches give the same
/// tokens as before (FlexiViT, <https://arxiv.org/abs/2212.08013> §3.4).
///
/// # Shapes
/// - `kernels`: `[D, 3, P, P]`
/// - returns `[D, 3, side, side]`
#[must_use]
pub fn resample_kernels(kernels: Tensor<4>, side: usize) -> Tensor<4> {
    let [d, channels, p, _] = kernels.dims();
    if p == side {
        return kernels;
    }
    let change = pseudo_inverse_transposed(weights(p, side));
    let images = kernels.reshape([d * channels, p, p]);
    multiplied(images, &change, &change).reshape([d, channels, side, side])
}

/// Returns the pseudo-inverse of the transpose of `b`, a matrix of full rank; it has the shape of `b`.
fn pseudo_inverse_transposed(b: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let transposed = |m: &[Vec<f64>]| -> Vec<Vec<f64>> {
        (0..m[0].len()).map(|column| m.iter().map(|row| row[column]).collect()).collect()
    };
    let tall = b.len() >= b[0].len();
    let wide = if tall { transposed(&b) } else { b };
    let product = |p: &[f64], q: &[f64]| p.iter().zip(q).map(|(p, q)| p * q).sum::<f64>();
    let gram = wide.iter().map(|row| wide.iter().map(|other| product(row, other)).collect()).collect();
    let solved = solve(gram, wide);
    if tall { transposed(&solved) } else { solved }
}

/// Returns the `x` with `gram · x = right`, by elimination; `gram` is positive definite.
fn solve(mut gram: Vec<Vec<f64>>, mut right: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for pivot in 0..gram.len() {
        let scale = 1.0 / gram[pivot][pivot];
        gram[pivot].iter_mut().chain(&mut right[pivot]).for_each(|value| *value *= scale);
        let (from, onto) = (gram[pivot].clone(), right[pivot].clone());
        for row in (0..gram.len()).filter(|row| *row != pivot) {
            let share = gram[row][pivot];
            gram[row].iter_mut().zip(&from).for_each(|(value, from)| *value -= share * from);
            right[row].iter_mut().zip(&onto).for_each(|(value, onto)| *value -= share * onto);
        }
    }
    right
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tolerance;

    use super::*;

    #[test]
    fn enlarged_patches_give_the_tokens_of_the_small_ones() {
        let device = Device::flex();
        let random =
            |shape: [usize; 4]| Tensor::<4>::random(shape, burn::tensor::Distribution::Default, &device);
        let (kernels, patches) = (random([5, 3, 6, 6]), random([1, 3, 6, 6]));
        let tokens = |patches: Tensor<4>, kernels: Tensor<4>| {
            let [d, channels, p, _] = kernels.dims();
            (kernels * patches).reshape([d, channels * p * p]).sum_dim(1)
        };
        let larger = antialiased(patches.clone().squeeze_dim::<3>(0), [9, 9]).unsqueeze::<4>();
        let found = tokens(larger, resample_kernels(kernels.clone(), 9));
        let expected = tokens(patches, kernels).into_data();
        found.into_data().assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-4));
    }
}
