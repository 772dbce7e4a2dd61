//! Exponentials, as many at once as the processor takes.

use std::f32::consts::{LN_2, LOG2_E};

use pulp::Simd;

/// Added to a number below 2²², this leaves it rounded to a whole one in the lowest bits (1.5·2²³).
pub(super) const ROUND: f32 = 12_582_912.0;
/// Bits of a number's fraction, above which its exponent is.
const FRACTION_BITS: u32 = 23;
/// Of the powers of r in eʳ, from the sixth down.
const EXP: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// Below this, eˣ is nothing beside 1.
pub(super) const EXP_START: f32 = -80.0;

/// `eˣ` from [`EXP_START`] to 0: that of what a whole power of two leaves, with the power added to the exponent.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(LOG2_E), simd.splat_f32s(ROUND));
    let power = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let left = simd.mul_add_e_f32s(power, simd.splat_f32s(-LN_2), x);
    let bits = simd.transmute_u32s_f32s(polynomial(simd, left, &EXP));
    let shift = simd.splat_u32s(FRACTION_BITS);
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), shift);
    simd.transmute_f32s_u32s(simd.add_u32s(bits, exponent))
}

/// With the coefficients of the highest power first.
#[inline(always)]
pub(super) fn polynomial<S: Simd>(simd: S, x: S::f32s, coefficients: &[f32]) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

/// The larger of two numbers. A browser's own maximum is slow: it knows two zeros and what is no number.
#[inline(always)]
pub(super) fn larger<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
    simd.select_f32s(simd.greater_than_f32s(a, b), a, b)
}
