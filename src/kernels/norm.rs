//! The derivative of layer norm.

use pulp::{Arch, Simd, WithSimd};

/// A row is as long as a multiple of this: so many numbers, or a part of them, a processor takes at once.
pub const LANES: usize = 16;

/// Makes gradients of tokens of those of their layer norm (<https://arxiv.org/abs/1607.06450>), and adds to those of its scale and
/// shift.
///
/// # Shapes
/// - `tokens`, `grads`: `[T, D]`
/// - `gamma`: `[D]`, the scale
/// - `of_scale_and_shift`: `[2, D]`
///
/// # Panics
/// If D is no multiple of [`LANES`], or 0.
pub fn normalise_back(
    tokens: &[f32],
    gamma: &[f32],
    epsilon: f32,
    grads: &mut [f32],
    of_scale_and_shift: &mut [f32],
) {
    assert!(gamma.len().is_multiple_of(LANES));
    Arch::new().dispatch(Back { tokens, gamma, epsilon, grads, of_scale_and_shift });
}

struct Back<'a> {
    tokens: &'a [f32],
    gamma: &'a [f32],
    epsilon: f32,
    grads: &'a mut [f32],
    of_scale_and_shift: &'a mut [f32],
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gamma.len();
        let (gamma, _) = S::as_simd_f32s(self.gamma);
        let (of_scale, of_shift) = self.of_scale_and_shift.split_at_mut(width);
        let [(of_scale, _), (of_shift, _)] = [of_scale, of_shift].map(|sums| S::as_mut_simd_f32s(sums));
        let zero = simd.splat_f32s(0.0);
        for (token, grads) in self.tokens.chunks_exact(width).zip(self.grads.chunks_exact_mut(width)) {
            let ((token, _), (grads, _)) = (S::as_simd_f32s(token), S::as_mut_simd_f32s(grads));
            let mut sum = zero;
            for x in token {
                sum = simd.add_f32s(sum, *x);
            }
            let middle = mean(simd, sum, width);
            let mut squares = zero;
            for x in token {
                let off = simd.sub_f32s(*x, middle);
                squares = simd.mul_add_f32s(off, off, squares);
            }
            let variance = simd.reduce_sum_f32s(squares) / width as f32;
            let steep = simd.splat_f32s(1.0 / (variance + self.epsilon).sqrt());

            let (mut shift, mut along) = (zero, zero);
            for at in 0..grads.len() {
                let unit = simd.mul_f32s(simd.sub_f32s(token[at], middle), steep);
                of_scale[at] = simd.mul_add_f32s(grads[at], unit, of_scale[at]);
                of_shift[at] = simd.add_f32s(grads[at], of_shift[at]);
                grads[at] = simd.mul_f32s(grads[at], gamma[at]);
                shift = simd.add_f32s(shift, grads[at]);
                along = simd.mul_add_f32s(grads[at], unit, along);
            }
            let (shift, along) = (mean(simd, shift, width), mean(simd, along, width));
            for (grad, x) in grads.iter_mut().zip(token) {
                let unit = simd.mul_f32s(simd.sub_f32s(*x, middle), steep);
                let off = simd.mul_add_f32s(unit, along, shift);
                *grad = simd.mul_f32s(simd.sub_f32s(*grad, off), steep);
            }
        }
    }
}

#[inline(always)]
fn mean<S: Simd>(simd: S, sums: S::f32s, count: usize) -> S::f32s {
    simd.splat_f32s(simd.reduce_sum_f32s(sums) / count as f32)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const WIDTH: usize = 2 * LANES;
    const EPSILON: f64 = 1e-3;

    /// The normalised row, weighed and added up.
    fn loss(row: &[f64], [gamma, beta, weights]: [&[f64]; 3]) -> f64 {
        let mean = row.iter().sum::<f64>() / WIDTH as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / WIDTH as f64;
        let unit = |x: f64| (x - mean) / (variance + EPSILON).sqrt();
        (0..WIDTH).map(|at| (unit(row[at]) * gamma[at] + beta[at]) * weights[at]).sum()
    }

    #[test]
    fn derivatives_are_what_small_steps_show() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let mut draw =
            || (0..WIDTH).map(|_| f64::from(random.random_range(-2.0_f32..3.0))).collect::<Vec<_>>();
        let inputs = [draw(), draw(), draw()];
        let weights = draw();
        let single = |numbers: &[f64]| numbers.iter().map(|x| *x as f32).collect::<Vec<_>>();
        let (mut grads, mut sums) = (single(&weights), vec![0.0; 2 * WIDTH]);
        normalise_back(&single(&inputs[0]), &single(&inputs[1]), EPSILON as f32, &mut grads, &mut sums);
        let found = [grads, sums[..WIDTH].to_vec(), sums[WIDTH..].to_vec()];
        for (of, at) in (0..3).flat_map(|of| (0..WIDTH).map(move |at| (of, at))) {
            let [ahead, behind] = [1e-5, -1e-5].map(|step| {
                let mut moved = inputs.clone();
                moved[of][at] += step;
                loss(&moved[0], [&moved[1], &moved[2], &weights])
            });
            let slope = (ahead - behind) / 2e-5;
            assert!(
                (f64::from(found[of][at]) - slope).abs() < 1e-4,
                "{of}, {at}: {}, {slope}",
                found[of][at]
            );
        }
    }
}
