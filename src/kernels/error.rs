//! How far rows of numbers are from each other, and the derivative of that.

use pulp::Arch;

/// So many sums are added to by turns, so that the processor need not wait for one of them.
const SUMS: usize = 64;

/// The mean squared difference of each row.
///
/// # Shapes
/// - `prediction`, `target`: `[T, D]`
/// - `errors`: `[T]`, written
///
/// # Panics
/// If T or D is 0.
pub fn squared_error(prediction: &[f32], target: &[f32], errors: &mut [f32]) {
    let width = prediction.len() / errors.len();
    Arch::new().dispatch(|| {
        let rows = prediction.chunks_exact(width).zip(target.chunks_exact(width));
        for (error, (prediction, target)) in errors.iter_mut().zip(rows) {
            let mut sums = [0.0; SUMS];
            let mut parts = prediction.chunks_exact(SUMS).zip(target.chunks_exact(SUMS));
            for (prediction, target) in &mut parts {
                for at in 0..SUMS {
                    let error = prediction[at] - target[at];
                    sums[at] += error * error;
                }
            }
            let rest = width - width % SUMS;
            let rest = prediction[rest..].iter().zip(&target[rest..]);
            let rest: f32 =
                rest.map(|(prediction, target)| (prediction - target) * (prediction - target)).sum();
            *error = (sums.iter().sum::<f32>() + rest) / width as f32;
        }
    });
}

/// Gradients of `prediction`, of those of its [`squared_error`].
///
/// # Shapes
/// - `prediction`, `target`: `[T, D]`
/// - `grads`: `[T]`
/// - `of_prediction`: `[T, D]`, written
///
/// # Panics
/// If T or D is 0.
pub fn squared_error_back(prediction: &[f32], target: &[f32], grads: &[f32], of_prediction: &mut [f32]) {
    let width = prediction.len() / grads.len();
    Arch::new().dispatch(|| {
        let rows = prediction.chunks_exact(width).zip(target.chunks_exact(width));
        for ((of_prediction, (prediction, target)), grad) in
            of_prediction.chunks_exact_mut(width).zip(rows).zip(grads)
        {
            let steep = grad * 2.0 / width as f32;
            for ((of_prediction, prediction), target) in of_prediction.iter_mut().zip(prediction).zip(target)
            {
                *of_prediction = (prediction - target) * steep;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_longer_and_shorter_than_the_sums() {
        for width in [1, SUMS - 1, SUMS, 2 * SUMS + 3] {
            let prediction: Vec<f32> = (0..2 * width).map(|at| at as f32 * 0.5).collect();
            let target: Vec<f32> = (0..2 * width).map(|at| at as f32 * 0.25).collect();
            let (mut errors, mut of_prediction) = ([0.0; 2], vec![0.0; 2 * width]);
            squared_error(&prediction, &target, &mut errors);
            squared_error_back(&prediction, &target, &[1.0, -3.0], &mut of_prediction);
            for row in 0..2 {
                let places = row * width..(row + 1) * width;
                let expected = places.clone().map(|at| (at as f64 / 4.0).powi(2)).sum::<f64>() / width as f64;
                assert!((f64::from(errors[row]) / expected.max(1e-9) - 1.0).abs() < 1e-5 || expected == 0.0);
                for at in places {
                    let slope = [1.0, -3.0][row] * 2.0 * (at as f32 / 4.0) / width as f32;
                    assert!((of_prediction[at] - slope).abs() <= 1e-5 * slope.abs(), "{width}, {at}");
                }
            }
        }
    }
}
