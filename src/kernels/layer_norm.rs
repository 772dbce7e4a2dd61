//! The derivative of layer norm.

use pulp::{Arch, Simd, WithSimd};

use super::parallel::map_parts_mut;
use super::{ROWS, sum};

/// Row lengths are multiples of this, a whole number of SIMD vectors on every processor.
pub const LANES: usize = 16;

/// Turns gradients of layer norm's output (<https://arxiv.org/abs/1607.06450>) into those of its input, and
/// returns those of scale and shift.
///
/// # Shapes
/// - `tokens`, `grads`: `[T, D]`
/// - `gamma`: `[D]`, the scale
/// - returns `[2, D]`
///
/// # Panics
/// If D is 0 or no multiple of [`LANES`], or if there are fewer tokens than gradients.
#[must_use]
pub fn layer_norm_backward(tokens: &[f32], gamma: &[f32], epsilon: f32, grads: &mut [f32]) -> Vec<f32> {
    let width = gamma.len();
    assert!(width.is_multiple_of(LANES));
    let sums = map_parts_mut(grads, ROWS * width, |index, grads| {
        let mut scale_and_shift = vec![0.0; 2 * width];
        let tokens = &tokens[index * ROWS * width..][..grads.len()];
        Arch::new().dispatch(Backward {
            tokens,
            gamma,
            epsilon,
            grads,
            scale_and_shift: &mut scale_and_shift,
        });
        scale_and_shift
    });
    sum(sums, 2 * width)
}

struct Backward<'a> {
    tokens: &'a [f32],
    gamma: &'a [f32],
    epsilon: f32,
    grads: &'a mut [f32],
    scale_and_shift: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.gamma.len();
        let (gamma, _) = S::as_simd_f32s(self.gamma);
        let (scale, shift) = self.scale_and_shift.split_at_mut(width);
        let [(scale_grad, _), (shift_grad, _)] = [scale, shift].map(|sums| S::as_mut_simd_f32s(sums));
        let zero = simd.splat_f32s(0.0);
        for (token, grads) in self.tokens.chunks_exact(width).zip(self.grads.chunks_exact_mut(width)) {
            let ((token, _), (grads, _)) = (S::as_simd_f32s(token), S::as_mut_simd_f32s(grads));
            // The token's mean and 1/σ, as in the forward pass.
            let mut sum = zero;
            for x in token {
                sum = simd.add_f32s(sum, *x);
            }
            let center = mean(simd, sum, width);
            let mut squares = zero;
            for x in token {
                let off = simd.sub_f32s(*x, center);
                squares = simd.mul_add_f32s(off, off, squares);
            }
            let variance = simd.reduce_sum_f32s(squares) / width as f32;
            let inverse_deviation = simd.splat_f32s(1.0 / (variance + self.epsilon).sqrt());

            // With x̂ = (x - mean) / σ and y = γ·x̂ + β: dγ = Σ dy·x̂, dβ = Σ dy and dx̂ = dy·γ.
            let (mut sum, mut product) = (zero, zero);
            for at in 0..grads.len() {
                let unit = simd.mul_f32s(simd.sub_f32s(token[at], center), inverse_deviation);
                scale_grad[at] = simd.mul_add_f32s(grads[at], unit, scale_grad[at]);
                shift_grad[at] = simd.add_f32s(grads[at], shift_grad[at]);
                grads[at] = simd.mul_f32s(grads[at], gamma[at]);
                sum = simd.add_f32s(sum, grads[at]);
                product = simd.mul_add_f32s(grads[at], unit, product);
            }
            // As mean and σ depend on every x: dx = (dx̂ - mean(dx̂) - x̂·mean(dx̂·x̂)) / σ.
            let (sum, product) = (mean(simd, sum, width), mean(simd, product, width));
            for (grad, x) in grads.iter_mut().zip(token) {
                let unit = simd.mul_f32s(simd.sub_f32s(*x, center), inverse_deviation);
                let off = simd.mul_add_f32s(unit, product, sum);
                *grad = simd.mul_f32s(simd.sub_f32s(*grad, off), inverse_deviation);
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
        let mut grads = single(&weights);
        let sums = layer_norm_backward(&single(&inputs[0]), &single(&inputs[1]), EPSILON as f32, &mut grads);
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
