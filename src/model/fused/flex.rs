//! burn-flex's GELU, as many numbers at once as the processor takes: its own asks libm for an error function per number, in a
//! training step as in the browser.

use std::f32::consts::FRAC_1_SQRT_2;
use std::ops::Range;

use burn::backend::Flex;
use burn::backend::ops::ActivationOps as _;
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use pulp::{Arch, Simd, WithSimd};
#[cfg(feature = "native")]
use rayon::prelude::*;

use super::Fused;

#[cfg(feature = "native")]
mod back;

/// The error function is `x·p(x²)/q(x²)` up to here and ±1 beyond; coefficients from the highest power down, as in Eigen
/// (`generic_fast_erf_float`, <https://gitlab.com/libeigen/eigen>). Φ made of it is off by 3e-7 at most.
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

/// Numbers that a thread takes at once.
#[cfg(feature = "native")]
const PART: usize = 1 << 14;

impl Fused for Flex {
    fn activated(tokens: FloatTensor<Self>) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::gelu(tokens);
        }
        let mut tokens = tokens.to_contiguous();
        let all = place(&tokens);
        let numbers = &mut tokens.storage_mut::<f32>()[all];
        let activate = |part: &mut [f32]| Arch::new().dispatch(Activate(part));
        #[cfg(feature = "native")]
        numbers.par_chunks_mut(PART).for_each(activate);
        #[cfg(not(feature = "native"))]
        activate(numbers);
        tokens
    }
}

/// Where a tensor without gaps lies in its storage.
fn place(tensor: &FloatTensor<Flex>) -> Range<usize> {
    let (start, end) = tensor.layout().contiguous_offsets().unwrap_or_default();
    start..end
}

/// Makes `x·Φ(x)` of each `x`.
struct Activate<'a>(&'a mut [f32]);

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (whole, rest) = S::as_mut_simd_f32s(self.0);
        for x in whole {
            *x = simd.mul_f32s(*x, below(simd, *x));
        }
        let x = simd.partial_load_f32s(rest);
        simd.partial_store_f32s(rest, simd.mul_f32s(x, below(simd, x)));
    }
}

/// The normal distribution's Φ.
#[inline(always)]
fn below<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let half = simd.splat_f32s(0.5);
    simd.mul_add_e_f32s(erf(simd, simd.mul_f32s(x, simd.splat_f32s(FRAC_1_SQRT_2))), half, half)
}

#[inline(always)]
fn erf<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let x = simd.min_f32s(simd.max_f32s(x, simd.splat_f32s(-ERF_END)), simd.splat_f32s(ERF_END));
    let square = simd.mul_f32s(x, x);
    let (above, under) = (polynomial(simd, square, &ERF_P), polynomial(simd, square, &ERF_Q));
    simd.div_f32s(simd.mul_f32s(x, above), under)
}

/// With the coefficients of the highest power first.
#[inline(always)]
fn polynomial<S: Simd>(simd: S, x: S::f32s, coefficients: &[f32]) -> S::f32s {
    let mut sum = simd.splat_f32s(0.0);
    for coefficient in coefficients {
        sum = simd.mul_add_e_f32s(sum, x, simd.splat_f32s(*coefficient));
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_that_of_its_definition() {
        let given: Vec<f32> = (-300..=300).map(|x| x as f32 / 25.0).chain([-1e3, 1e3]).collect();
        let mut numbers = given.clone();
        Arch::new().dispatch(Activate(&mut numbers));
        for (x, found) in given.into_iter().map(f64::from).zip(numbers) {
            let expected = x * 0.5 * erfc(-x / 2.0_f64.sqrt());
            let off = (f64::from(found) - expected).abs();
            assert!(off <= 3e-7 * x.abs().max(1.0), "{x}: {found}, expected {expected}");
        }
    }

    /// 1 - erf, by its series and, further out, its continued fraction (Abramowitz and Stegun, 7.1.5 and 7.1.14).
    pub(super) fn erfc(x: f64) -> f64 {
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
