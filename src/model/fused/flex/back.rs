//! The derivative of GELU.

use std::f32::consts::{LN_2, LOG2_E, PI};

use burn::backend::Flex;
use burn::backend::ops::ActivationOps as _;
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::super::derivatives::Derivatives;
use super::{PART, below, place, polynomial};

/// Added to a number below 2²², this leaves it rounded to a whole one in the lowest bits (1.5·2²³).
const ROUND: f32 = 12_582_912.0;
/// Bits of a number's fraction, above which its exponent is.
const FRACTION_BITS: u32 = 23;
/// Of the powers of r in eʳ, from the sixth down.
const EXP: [f32; 7] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
/// Below this, eˣ is nothing beside 1.
const EXP_START: f32 = -80.0;

impl Derivatives for Flex {
    fn activated_back(tokens: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::gelu_backward(tokens, grad);
        }
        let (tokens, mut grad) = (tokens.to_contiguous(), grad.to_contiguous());
        let all = place(&grad);
        let numbers = tokens.storage::<f32>()[place(&tokens)].par_chunks(PART);
        let grads = grad.storage_mut::<f32>()[all].par_chunks_mut(PART);
        grads.zip(numbers).for_each(|(grads, numbers)| Arch::new().dispatch(Back { grads, numbers }));
        grad
    }
}

/// Multiplies each gradient by the derivative of `x·Φ(x)` at its number.
struct Back<'a> {
    grads: &'a mut [f32],
    numbers: &'a [f32],
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (grads, last_grads) = S::as_mut_simd_f32s(self.grads);
        let (numbers, last_numbers) = S::as_simd_f32s(self.numbers);
        for (grad, x) in grads.iter_mut().zip(numbers) {
            *grad = simd.mul_f32s(*grad, slope(simd, *x));
        }
        let (grad, x) = (simd.partial_load_f32s(last_grads), simd.partial_load_f32s(last_numbers));
        simd.partial_store_f32s(last_grads, simd.mul_f32s(grad, slope(simd, x)));
    }
}

/// `Φ(x) + x·e^(-x²/2)/√(2π)`
#[inline(always)]
fn slope<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let halved = simd.mul_f32s(x, simd.splat_f32s(-0.5));
    let density = exp(simd, simd.max_f32s(simd.mul_f32s(halved, x), simd.splat_f32s(EXP_START)));
    let scaled = simd.mul_f32s(x, simd.splat_f32s(1.0 / (2.0 * PI).sqrt()));
    simd.mul_add_e_f32s(scaled, density, below(simd, x))
}

/// `eˣ` from [`EXP_START`] to 0: that of what a whole power of two leaves, with the power added to the exponent.
#[inline(always)]
fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let rounded = simd.mul_add_e_f32s(x, simd.splat_f32s(LOG2_E), simd.splat_f32s(ROUND));
    let power = simd.sub_f32s(rounded, simd.splat_f32s(ROUND));
    let left = simd.mul_add_e_f32s(power, simd.splat_f32s(-LN_2), x);
    let bits = simd.transmute_u32s_f32s(polynomial(simd, left, &EXP));
    let shift = simd.splat_u32s(FRACTION_BITS);
    let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(rounded), shift);
    simd.transmute_f32s_u32s(simd.add_u32s(bits, exponent))
}

#[cfg(test)]
mod tests {
    use super::super::tests::erfc;
    use super::*;

    #[test]
    fn slopes_are_those_of_the_definition() {
        let numbers: Vec<f32> = (-300..=300).map(|x| x as f32 / 25.0).collect();
        let mut grads = vec![1.0; numbers.len()];
        Arch::new().dispatch(Back { grads: &mut grads, numbers: &numbers });
        for (x, found) in numbers.into_iter().map(f64::from).zip(grads) {
            let below = 0.5 * erfc(-x / 2.0_f64.sqrt());
            let expected = below + x * (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            assert!((f64::from(found) - expected).abs() < 1e-6, "{x}: {found}, expected {expected}");
        }
    }
}
