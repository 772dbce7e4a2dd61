//! The soft intersection over union of a mask and its own probabilities, a measure of its quality.

use pulp::{Arch, Simd, WithSimd};

use super::exp::{EXP_START, exp, larger};

/// Returns the soft intersection and union of a mask, the pixels with positive `logits`, and their
/// probabilities `p = sigmoid(logits)`: Σ p inside the mask, and the mask's area plus Σ p outside it.
#[must_use]
pub fn soft_intersection_and_union(logits: &[f32]) -> [f32; 2] {
    Arch::new().dispatch(SoftIou(logits))
}

struct SoftIou<'a>(&'a [f32]);

impl WithSimd for SoftIou<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f32; 2] {
        let [zero, one, start] = [0.0, 1.0, EXP_START].map(|number| simd.splat_f32s(number));
        let (whole, last) = S::as_simd_f32s(self.0);
        let (mut intersection, mut union) = (zero, zero);
        for logit in whole {
            // With x = |logit|, the likelier of inside and outside has the probability 1 / (1 + e⁻ˣ).
            let power = exp(simd, larger(simd, simd.sub_f32s(zero, simd.abs_f32s(*logit)), start));
            let likely = simd.div_f32s(one, simd.add_f32s(one, power));
            let is_inside = simd.greater_than_f32s(*logit, zero);
            intersection = simd.add_f32s(intersection, simd.select_f32s(is_inside, likely, zero));
            let counted = simd.select_f32s(is_inside, one, simd.mul_f32s(likely, power));
            union = simd.add_f32s(union, counted);
        }
        let mut sums = [intersection, union].map(|sums| simd.reduce_sum_f32s(sums));
        for logit in last {
            let probability = 1.0 / (1.0 + (-logit).exp());
            sums[0] += if *logit > 0.0 { probability } else { 0.0 };
            sums[1] += if *logit > 0.0 { 1.0 } else { probability };
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_its_definition() {
        let logits: Vec<f32> = (-500..=500).map(|x| x as f32 / 5.0).chain([0.0, -1e4, 1e4]).collect();
        let (mut intersection, mut union) = (0.0, 0.0);
        for logit in logits.iter().copied().map(f64::from) {
            let probability = 1.0 / (1.0 + (-logit).exp());
            intersection += if logit > 0.0 { probability } else { 0.0 };
            union += if logit > 0.0 { 1.0 } else { probability };
        }
        let found = soft_intersection_and_union(&logits).map(f64::from);
        assert!((found[0] - intersection).abs() < 1e-3, "{found:?}, expected {intersection}");
        assert!((found[1] - union).abs() < 1e-3, "{found:?}, expected {union}");
    }
}
