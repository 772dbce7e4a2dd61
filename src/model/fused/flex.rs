//! burn-flex's GELU, four numbers at a time: its own asks libm for an error function per number, a sixth of a training step.

use std::f32::consts::FRAC_1_SQRT_2;
#[cfg(feature = "native")]
use std::f32::consts::PI;
use std::ops::Range;

use burn::backend::Flex;
use burn::backend::ops::ActivationOps as _;
use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
#[cfg(feature = "native")]
use rayon::prelude::*;
use wide::f32x4;

use super::Fused;
#[cfg(feature = "native")]
use super::derivatives::Derivatives;

/// The error function is `x·p(x²)/q(x²)` up to here and ±1 beyond; coefficients from the highest power down, as in Eigen
/// (`generic_fast_erf_float`, <https://gitlab.com/libeigen/eigen>). Off by 3e-7 at most.
const ERF_END: f32 = 4.0;
const ERF_P: [f32; 7] = [
    -2.726_142_3e-10,
    2.770_681_4e-8,
    -2.101_024e-6,
    -5.692_506_4e-5,
    -7.349_906_3e-4,
    -2.954_599_8e-3,
    -1.609_603_3e-2,
];
const ERF_Q: [f32; 5] = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_474e-2];

const LANES: usize = 4;

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
        let activate = |part: &mut [f32]| in_fours(part, |x| x * below(x));
        #[cfg(feature = "native")]
        numbers.par_chunks_mut(PART).for_each(activate);
        #[cfg(not(feature = "native"))]
        activate(numbers);
        tokens
    }
}

#[cfg(feature = "native")]
impl Derivatives for Flex {
    fn activated_back(tokens: FloatTensor<Self>, grad: FloatTensor<Self>) -> FloatTensor<Self> {
        if tokens.dtype() != DType::F32 {
            return Self::gelu_backward(tokens, grad);
        }
        let (tokens, mut grad) = (tokens.to_contiguous(), grad.to_contiguous());
        let all = place(&grad);
        let numbers = &tokens.storage::<f32>()[place(&tokens)];
        let grads = &mut grad.storage_mut::<f32>()[all];
        grads.par_chunks_mut(PART).zip(numbers.par_chunks(PART)).for_each(|(grads, numbers)| {
            let mut at = numbers.chunks(LANES);
            in_fours(grads, |grad| grad * slope(four(at.next().unwrap_or_default())));
        });
        grad
    }
}

/// Where a tensor without gaps lies in its storage.
fn place(tensor: &FloatTensor<Flex>) -> Range<usize> {
    let (start, end) = tensor.layout().contiguous_offsets().unwrap_or_default();
    start..end
}

/// Replaces each number by what `change` makes of it.
fn in_fours(numbers: &mut [f32], mut change: impl FnMut(f32x4) -> f32x4) {
    for part in numbers.chunks_mut(LANES) {
        let changed = change(four(part)).to_array();
        part.copy_from_slice(&changed[..part.len()]);
    }
}

/// Up to four numbers, zeros behind them.
fn four(numbers: &[f32]) -> f32x4 {
    match numbers.try_into() {
        Ok(all) => f32x4::new(all),
        Err(_) => f32x4::new(std::array::from_fn(|at| numbers.get(at).copied().unwrap_or_default())),
    }
}

/// The normal distribution's Φ.
fn below(x: f32x4) -> f32x4 {
    (erf(x * FRAC_1_SQRT_2) + 1.0) * 0.5
}

/// The derivative of `x·Φ(x)`.
#[cfg(feature = "native")]
fn slope(x: f32x4) -> f32x4 {
    below(x) + x * (x * x * -0.5).exp() * (1.0 / (2.0 * PI).sqrt())
}

fn erf(x: f32x4) -> f32x4 {
    let x = x.max(f32x4::splat(-ERF_END)).min(f32x4::splat(ERF_END));
    let square = x * x;
    let polynomial = |coefficients: &[f32]| {
        let next = |sum: f32x4, &coefficient: &f32| sum * square + coefficient;
        coefficients.iter().fold(f32x4::ZERO, next)
    };
    x * polynomial(&ERF_P) / polynomial(&ERF_Q)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_right_everywhere() {
        // erf(0.5), erf(1), erf(2), erf(3): Abramowitz and Stegun, table 7.1
        let expected = [0.520_499_88, 0.842_700_8, 0.995_322_27, 0.999_977_9];
        let found = erf(f32x4::new([0.5, 1.0, 2.0, 3.0])).to_array();
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 3e-7, "{found}, expected {expected}");
        }
        let far = erf(f32x4::new([-1e30, 1e30, f32::NEG_INFINITY, f32::INFINITY])).to_array();
        assert!(far.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(a, b)| (a - b).abs() < 3e-7), "{far:?}");
    }
}
