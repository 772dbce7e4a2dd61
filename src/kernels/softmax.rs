//! Softmax along rows, and its derivative.

use pulp::{Arch, Simd, WithSimd};

use super::exp::{EXP_START, exp, larger};

/// Makes `softmax(scale·x)` of each of the rows, `length` numbers long, that lie one behind the other.
///
/// # Panics
/// If `length` is 0.
pub fn softmax(rows: &mut [f32], length: usize, scale: f32) {
    Arch::new().dispatch(Softmax { rows, length, scale });
}

/// Makes gradients of x of those of `softmax(scale·x)`, which is `weights`.
///
/// # Panics
/// If `length` is 0.
pub fn softmax_back(grads: &mut [f32], weights: &[f32], length: usize, scale: f32) {
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
            let share = simd.splat_f32s(1.0 / raise(simd, row, self.scale));
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
            let mut sums = simd.mul_f32s(last_grads, last);
            for (grad, weight) in whole.iter().zip(weights) {
                sums = simd.mul_add_f32s(*grad, *weight, sums);
            }
            let [along, scale] = [simd.reduce_sum_f32s(sums), self.scale].map(|sum| simd.splat_f32s(sum));
            for (grad, weight) in whole.iter_mut().zip(weights) {
                *grad = slope(simd, [*grad, *weight, along, scale]);
            }
            simd.partial_store_f32s(rest, slope(simd, [last_grads, last, along, scale]));
        }
    }
}

/// `(grad - along)·weight·scale`
#[inline(always)]
fn slope<S: Simd>(simd: S, [grad, weight, along, scale]: [S::f32s; 4]) -> S::f32s {
    simd.mul_f32s(simd.sub_f32s(grad, along), simd.mul_f32s(weight, scale))
}

/// Makes `e^(scale·(x - the largest))` of each `x`; returns their sum. What is no number stays none.
#[inline(always)]
pub(super) fn raise<S: Simd>(simd: S, row: &mut [f32], scale: f32) -> f32 {
    let (whole, rest) = S::as_mut_simd_f32s(row);
    let mut most = simd.splat_f32s(f32::MIN);
    for x in &*whole {
        most = larger(simd, most, *x);
    }
    let most = rest.iter().copied().fold(simd.reduce_max_f32s(most), f32::max);
    let [most, scale] = [most, scale].map(|number| simd.splat_f32s(number));
    let mut sums = simd.splat_f32s(0.0);
    for x in whole {
        *x = raised(simd, *x, most, scale);
        sums = simd.add_f32s(sums, *x);
    }
    let last = raised(simd, simd.partial_load_f32s(rest), most, scale);
    simd.partial_store_f32s(rest, last);
    simd.reduce_sum_f32s(sums) + rest.iter().sum::<f32>()
}

/// `e^(scale·(x - most))`
#[inline(always)]
fn raised<S: Simd>(simd: S, x: S::f32s, most: S::f32s, scale: S::f32s) -> S::f32s {
    let start = simd.splat_f32s(EXP_START);
    exp(simd, larger(simd, start, simd.mul_f32s(simd.sub_f32s(x, most), scale)))
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
        softmax_back(&mut back, &rows, LENGTH, SCALE);
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
    fn what_is_no_number_does_not_vanish() {
        for at in 0..LENGTH {
            let mut row = vec![1.0; LENGTH];
            row[at] = f32::NAN;
            softmax(&mut row, LENGTH, SCALE);
            assert!(row.iter().all(|weight| weight.is_nan()), "{at}");
        }
    }
}
