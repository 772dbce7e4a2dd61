//! GELU and its derivative.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use pulp::{Arch, Simd, WithSimd};

use super::PART;
use super::exp::{EXP_START, exp, larger, polynomial};
use super::parallel::{map_parts_mut, zeros};

/// End of the interval in which erf(x) is approximated by `x·p(x²)/q(x²)`, with Eigen's coefficients from the
/// highest power down (`generic_fast_erf_float`, <https://gitlab.com/libeigen/eigen>); beyond, it is ±1.
/// Φ computed from it has an error of at most 3e-7.
const ERF_END: f32 = 4.0;
const ERF_P: [f32; 7] = [
    -2.726_142_3e-10,
    2.770_681_4e-8,
    -2.101_024e-6,
    -5.692_506_4e-5,
    -7.349_906_3e-4,
    -2.954_6e-3,
    -1.609_603_3e-2,
];
const ERF_Q: [f32; 5] = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2];

/// Returns `x·Φ(x)` of each `x`, with the standard normal distribution's Φ
/// (<https://arxiv.org/abs/1606.08415>).
#[must_use]
pub fn gelu(x: &[f32]) -> Vec<f32> {
    let mut output = zeros(x.len());
    map_parts_mut(&mut output, PART, |index, output| {
        output.copy_from_slice(&x[index * PART..][..output.len()]);
        Arch::new().dispatch(Forward(output));
    });
    output
}

/// Returns the gradients of `x`, the derivative of `x·Φ(x)` times `grads`, which is as long.
#[must_use]
pub fn gelu_backward(x: &[f32], grads: &[f32]) -> Vec<f32> {
    let mut output = zeros(x.len());
    map_parts_mut(&mut output, PART, |index, output| {
        let part = index * PART..index * PART + output.len();
        output.copy_from_slice(&grads[part.clone()]);
        Arch::new().dispatch(Backward { grads: output, x: &x[part] });
    });
    output
}

struct Forward<'a>(&'a mut [f32]);

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.0);
        for x in whole {
            *x = simd.mul_f32s(*x, normal_cdf(simd, *x));
        }
        let x = simd.partial_load_f32s(rest);
        simd.partial_store_f32s(rest, simd.mul_f32s(x, normal_cdf(simd, x)));
    }
}

/// Returns `Φ(x) = (1 + erf(x/√2)) / 2`.
#[inline(always)]
fn normal_cdf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(erf(simd, simd.mul_f32s(x, simd.splat_f32s(FRAC_1_SQRT_2))), half, half)
}

#[inline(always)]
fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = simd.min_f32s(larger(simd, x, simd.splat_f32s(-ERF_END)), simd.splat_f32s(ERF_END));
    let square = simd.mul_f32s(x, x);
    let (numerator, denominator) = (polynomial(simd, square, &ERF_P), polynomial(simd, square, &ERF_Q));
    simd.div_f32s(simd.mul_f32s(x, numerator), denominator)
}

struct Backward<'a> {
    grads: &'a mut [f32],
    x: &'a [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (grads, last_grads) = S::as_mut_simd_f32s(self.grads);
        let (x, last_x) = S::as_simd_f32s(self.x);
        for (grad, x) in grads.iter_mut().zip(x) {
            *grad = simd.mul_f32s(*grad, derivative(simd, *x));
        }
        let (grad, x) = (simd.partial_load_f32s(last_grads), simd.partial_load_f32s(last_x));
        simd.partial_store_f32s(last_grads, simd.mul_f32s(grad, derivative(simd, x)));
    }
}

/// Returns the derivative of `x·Φ(x)`, which is `Φ(x) + x·e^(-x²/2)/√(2π)`.
#[inline(always)]
fn derivative<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let halved = simd.mul_f32s(x, simd.splat_f32s(-0.5));
    let density = exp(simd, larger(simd, simd.mul_f32s(halved, x), simd.splat_f32s(EXP_START)));
    let scaled = simd.mul_f32s(x, simd.splat_f32s(1.0 / (2.0 * PI).sqrt()));
    simd.mul_add_e_f32s(scaled, density, normal_cdf(simd, x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_that_of_its_definition() {
        let given: Vec<f32> = (-300..=300).map(|x| x as f32 / 25.0).chain([-1e3, 1e3]).collect();
        let found = gelu(&given);
        for (x, found) in given.into_iter().map(f64::from).zip(found) {
            let expected = x * 0.5 * erfc(-x / 2.0_f64.sqrt());
            let off = (f64::from(found) - expected).abs();
            assert!(off <= 3e-7 * x.abs().max(1.0), "{x}: {found}, expected {expected}");
        }
    }

    #[test]
    fn derivatives_are_those_of_the_definition() {
        let numbers: Vec<f32> = (-300..=300).map(|x| x as f32 / 25.0).collect();
        let grads = gelu_backward(&numbers, &vec![1.0; numbers.len()]);
        for (x, found) in numbers.into_iter().map(f64::from).zip(grads) {
            let below = 0.5 * erfc(-x / 2.0_f64.sqrt());
            let expected = below + x * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            assert!((f64::from(found) - expected).abs() < 1e-6, "{x}: {found}, expected {expected}");
        }
    }

    /// Returns 1 - erf(x) by its series and, further out, its continued fraction (Abramowitz and Stegun,
    /// 7.1.5 and 7.1.14).
    fn erfc(x: f64) -> f64 {
        if x < 0.0 {
            return 2.0 - erfc(-x);
        }
        let root = std::f64::consts::PI.sqrt();
        if x < 2.5 {
            let term = |(term, sum): (f64, f64), n: i32| {
                let next = -term * x * x / f64::from(n);
                (next, sum + next / f64::from(2 * n + 1))
            };
            return 1.0 - 2.0 / root * (1..80).fold((x, x), term).1;
        }
        let fraction = (1..60).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
        (-x * x).exp() / root / fraction
    }
}
