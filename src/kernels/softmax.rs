//! Softmax along rows, and its derivative.

use pulp::{Arch, Simd, WithSimd};

use super::exp::{EXP_START, exp, larger};

/// Turns rows of `length` numbers, one behind the other, into `softmax(scale·x)`. NaN stays NaN.
///
/// # Panics
/// If `length` is 0.
pub fn softmax(rows: &mut [f32], length: usize, scale: f32) {
    Arch::new().dispatch(Softmax { rows, length, scale });
}

/// Turns gradients of `softmax(scale·x)`, which is `weights`, into gradients of x.
///
/// # Panics
/// If `length` is 0.
pub fn softmax_backward(grads: &mut [f32], weights: &[f32], length: usize, scale: f32) {
    Arch::new().dispatch(Back { grads, weights, length, scale });
}

struct Softmax<'a> {
    rows: &'a mut [f32],
    length: usize,
    scale: f32,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.rows.chunks_exact_mut(self.length) {
            let share = simd.splat_f32s(1.0 / exponentials(simd, row, self.scale));
            let (whole, rest) = S::as_mut_simd_f32s(row);
            for x in whole {
                *x = simd.mul_f32s(*x, share);
            }
            let last = simd.partial_load_f32s(rest);
            simd.partial_store_f32s(rest, simd.mul_f32s(last, share));
        }
    }
}

struct Back<'a> {
    grads: &'a mut [f32],
    weights: &'a [f32],
    length: usize,
    scale: f32,
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.grads.chunks_exact_mut(self.length).zip(self.weights.chunks_exact(self.length));
        for (grads, weights) in rows {
            let (whole, rest) = S::as_mut_simd_f32s(grads);
            let (weights, last) = S::as_simd_f32s(weights);
            let (last_grads, last) = (simd.partial_load_f32s(rest), simd.partial_load_f32s(last));
            // With w = softmax(s·x) and its gradient g: dxᵢ = s·wᵢ·(gᵢ - Σⱼ gⱼ·wⱼ).
            let mut sums = simd.mul_f32s(last_grads, last);
            for (grad, weight) in whole.iter().zip(weights) {
                sums = simd.mul_add_f32s(*grad, *weight, sums);
            }
            let [mean, scale] = [simd.reduce_sum_f32s(sums), self.scale].map(|sum| simd.splat_f32s(sum));
            for (grad, weight) in whole.iter_mut().zip(weights) {
                *grad = input_grad(simd, [*grad, *weight, mean, scale]);
            }
            simd.partial_store_f32s(rest, input_grad(simd, [last_grads, last, mean, scale]));
        }
    }
}

/// Returns `(grad - mean)·weight·scale`.
#[inline(always)]
fn input_grad<S: Simd>(simd: S, [grad, weight, mean, scale]: [S::f32s; 4]) -> S::f32s {
    simd.mul_f32s(simd.sub_f32s(grad, mean), simd.mul_f32s(weight, scale))
}

/// Turns each `x` into `e^(scale·(x - the largest))` and returns their sum. NaN stays NaN.
#[inline(always)]
pub(super) fn exponentials<S: Simd>(simd: S, row: &mut [f32], scale: f32) -> f32 {
    let (whole, rest) = S::as_mut_simd_f32s(row);
    let mut largest = simd.splat_f32s(f32::MIN);
    for x in &*whole {
        largest = larger(simd, largest, *x);
    }
    let largest = rest.iter().copied().fold(simd.reduce_max_f32s(largest), f32::max);
    let [largest, scale] = [largest, scale].map(|number| simd.splat_f32s(number));
    let mut sums = simd.splat_f32s(0.0);
    for x in whole {
        *x = exponential(simd, *x, largest, scale);
        sums = simd.add_f32s(sums, *x);
    }
    let last = exponential(simd, simd.partial_load_f32s(rest), largest, scale);
    simd.partial_store_f32s(rest, last);
    simd.reduce_sum_f32s(sums) + rest.iter().sum::<f32>()
}

/// Returns `e^(scale·(x - largest))`.
#[inline(always)]
fn exponential<S: Simd>(simd: S, x: S::f32s, largest: S::f32s, scale: S::f32s) -> S::f32s {
    let start = simd.splat_f32s(EXP_START);
    exp(simd, larger(simd, start, simd.mul_f32s(simd.sub_f32s(x, largest), scale)))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const LENGTH: usize = 21;
    const SCALE: f32 = 0.3;

    fn expected(row: &[f32]) -> Vec<f64> {
        let raised = row.iter().map(|x| (f64::from(*x) * f64::from(SCALE)).exp()).collect::<Vec<_>>();
        let sum: f64 = raised.iter().sum();
        raised.into_iter().map(|x| x / sum).collect()
    }

    #[test]
    fn rows_and_their_derivatives_are_those_of_the_definition() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let given: Vec<f32> = (0..3 * LENGTH).map(|_| random.random_range(-9.0..9.0)).collect();
        let grads: Vec<f32> = (0..3 * LENGTH).map(|_| random.random_range(-1.0..1.0)).collect();
        let (mut rows, mut back) = (given.clone(), grads.clone());
        softmax(&mut rows, LENGTH, SCALE);
        softmax_backward(&mut back, &rows, LENGTH, SCALE);
        for at in (0..3).map(|row| row * LENGTH..(row + 1) * LENGTH) {
            let weights = expected(&given[at.clone()]);
            let along: f64 = weights.iter().zip(&grads[at.clone()]).map(|(w, g)| w * f64::from(*g)).sum();
            for (place, weight) in at.zip(weights) {
                assert!((f64::from(rows[place]) - weight).abs() < 1e-6);
                let slope = (f64::from(grads[place]) - along) * weight * f64::from(SCALE);
                assert!((f64::from(back[place]) - slope).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn nan_stays_nan() {
        for at in 0..LENGTH {
            let mut row = vec![1.0; LENGTH];
            row[at] = f32::NAN;
            softmax(&mut row, LENGTH, SCALE);
            assert!(row.iter().all(|weight| weight.is_nan()), "{at}");
        }
    }
}
