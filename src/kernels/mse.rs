//! The mean squared error of rows, and its derivative.

use pulp::Arch;

use super::parallel::{map_parts_mut, zeros};

/// Number of independent accumulators, to hide add latency.
const SUMS: usize = 64;
/// Number of rows that a thread takes at once.
const ROWS: usize = 32;

/// Returns the mean squared difference of each row.
///
/// # Shapes
/// - `prediction`, `target`: `[T, D]`, where `width` is D
/// - returns `[T]`
#[must_use]
pub fn mse(prediction: &[f32], target: &[f32], width: usize) -> Vec<f32> {
    let mut errors = zeros(prediction.len() / width);
    map_parts_mut(&mut errors, ROWS, |index, errors| {
        let part = index * ROWS * width..(index * ROWS + errors.len()) * width;
        let rows = prediction[part.clone()].chunks_exact(width).zip(target[part].chunks_exact(width));
        Arch::new().dispatch(|| {
            for (error, (prediction, target)) in errors.iter_mut().zip(rows) {
                *error = mean(prediction, target);
            }
        });
    });
    errors
}

/// Returns the gradient of `prediction` from that of its [`mse`]: `grad · 2/D · (prediction - target)`.
///
/// # Shapes
/// - `prediction`, `target`, returns: `[T, D]`
/// - `grads`: `[T]`
#[must_use]
pub fn mse_backward(prediction: &[f32], target: &[f32], grads: &[f32]) -> Vec<f32> {
    let width = prediction.len() / grads.len();
    let mut output = zeros(prediction.len());
    map_parts_mut(&mut output, ROWS * width, |index, output| {
        let part = index * ROWS * width..index * ROWS * width + output.len();
        let rows = prediction[part.clone()].chunks_exact(width).zip(target[part].chunks_exact(width));
        let rows = output.chunks_exact_mut(width).zip(rows).zip(&grads[index * ROWS..]);
        Arch::new().dispatch(|| {
            for ((output, (prediction, target)), grad) in rows {
                let slope = grad * 2.0 / width as f32;
                for ((output, prediction), target) in output.iter_mut().zip(prediction).zip(target) {
                    *output = (prediction - target) * slope;
                }
            }
        });
    });
    output
}

/// Returns the mean squared difference of two rows.
#[inline(always)]
fn mean(prediction: &[f32], target: &[f32]) -> f32 {
    let mut sums = [0.0; SUMS];
    let parts = prediction.chunks_exact(SUMS).zip(target.chunks_exact(SUMS));
    for (prediction, target) in parts {
        for at in 0..SUMS {
            let error = prediction[at] - target[at];
            sums[at] += error * error;
        }
    }
    let rest = prediction.len() - prediction.len() % SUMS;
    let rest = prediction[rest..].iter().zip(&target[rest..]);
    let rest: f32 = rest.map(|(prediction, target)| (prediction - target) * (prediction - target)).sum();
    (sums.iter().sum::<f32>() + rest) / prediction.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_longer_and_shorter_than_the_sums() {
        for width in [1, SUMS - 1, SUMS, 2 * SUMS + 3] {
            let prediction: Vec<f32> = (0..2 * width).map(|at| at as f32 * 0.5).collect();
            let target: Vec<f32> = (0..2 * width).map(|at| at as f32 * 0.25).collect();
            let errors = mse(&prediction, &target, width);
            let grads = mse_backward(&prediction, &target, &[1.0, -3.0]);
            for row in 0..2 {
                let places = row * width..(row + 1) * width;
                let expected = places.clone().map(|at| (at as f64 / 4.0).powi(2)).sum::<f64>() / width as f64;
                assert!((f64::from(errors[row]) / expected.max(1e-9) - 1.0).abs() < 1e-5 || expected == 0.0);
                for at in places {
                    let slope = [1.0, -3.0][row] * 2.0 * (at as f32 / 4.0) / width as f32;
                    assert!((grads[at] - slope).abs() <= 1e-5 * slope.abs(), "{width}, {at}");
                }
            }
        }
    }
}
