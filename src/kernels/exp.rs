//! Vectors of exponentials.

use std::f32::consts::{LN_2, LOG2_E};

use pulp::Simd;

/// 1.5·2²³: the sum with a number below 2²² holds it, rounded to a whole number, in the lowest bits.
pub(super) const ROUND: f32 = 12_582_912.0;
/// Number of fraction bits of an `f32`, below its exponent.
const FRACTION_BITS: u32 = 23;
/// Coefficients of the Taylor series of eʳ, from the sixth power down.
const EXP: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// Below this, 1 + eˣ is 1.
pub(super) const EXP_START: f32 = -80.0;

/// Returns eˣ for x from [`EXP_START`] to 0.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // eˣ = 2ⁿ·eʳ with n = x / ln 2 rounded to a whole number and r = x - n·ln 2, at most ln 2 / 2.
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(LOG2_E), simd.splat_f32s(ROUND));
    let power = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let left = simd.mul_add_e_f32s(power, simd.splat_f32s(-LN_2), x);
    let bits = simd.transmute_u32s_f32s(polynomial(simd, left, &EXP));
    let shift = simd.splat_u32s(FRACTION_BITS);
    // The lowest bits of `rounded` are n, which is added to the exponent.
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), shift);
    simd.transmute_f32s_u32s(simd.add_u32s(bits, exponent))
}

/// Evaluates a polynomial whose coefficients start at the highest power (Horner's method).
#[inline(always)]
pub(super) fn polynomial<S: Simd>(simd: S, x: S::f32s, coefficients: &[f32]) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

/// Returns the larger number, or `b` if either is NaN. The maximum of browsers is slow, as it respects NaN
/// and the sign of zeros.
#[inline(always)]
pub(super) fn larger<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.select_f32s(simd.greater_than_f32s(a, b), a, b)
}
