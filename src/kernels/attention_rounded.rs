//! Attention for browsers: products of 16-bit whole numbers, and vectors of exponentials.

use pulp::{Arch, Simd, WithSimd};

use super::quantized::{Panels, Rows, quantized_matmul};
use super::softmax::exponentials;

/// Queries whose weights are held at once; for the patches of a photo they fit a cache.
const QUERIES: usize = 64;

/// Returns `softmax(q kᵀ / √d) v` of one head, with 16 bits of each number.
///
/// # Shapes
/// - query, key, value, returns: `[T, d]`, where `width` is d
#[must_use]
pub fn attention_rounded([query, key, value]: [&[f32]; 3], width: usize) -> Vec<f32> {
    let scale = 1.0 / (width as f32).sqrt();
    let (keys, values) = (Panels::transposed(key, width), Panels::new(value, width));
    let length = key.len() / width;
    let attend = |queries: &[f32]| {
        let mut weights = quantized_matmul(&Rows::new(queries, width), &keys);
        let sums =
            weights.chunks_exact_mut(length).map(|row| Arch::new().dispatch(Exponentials { row, scale }));
        let sums: Vec<f32> = sums.collect();
        // The output is normalised rather than the weights: it has fewer numbers.
        let mut output = quantized_matmul(&Rows::new(&weights, length), &values);
        for (row, sum) in output.chunks_exact_mut(width).zip(sums) {
            row.iter_mut().for_each(|number| *number /= sum);
        }
        output
    };
    query.chunks(QUERIES * width).flat_map(attend).collect()
}

struct Exponentials<'a> {
    row: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Exponentials<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        exponentials(simd, self.row, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The output of one query, number by number.
    fn expected(query: &[f32], key: &[f32], value: &[f32]) -> Vec<f64> {
        let width = query.len();
        let score = |key: &[f32]| {
            let sum: f64 = query.iter().zip(key).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum();
            (sum / (width as f64).sqrt()).exp()
        };
        let weights: Vec<f64> = key.chunks_exact(width).map(score).collect();
        let all: f64 = weights.iter().sum();
        let column = |at: usize| value.iter().skip(at).step_by(width).map(|x| f64::from(*x));
        (0..width).map(|at| column(at).zip(&weights).map(|(x, weight)| x * weight / all).sum()).collect()
    }

    #[test]
    fn attention_is_that_of_its_definition() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (length, width) in [(1, 8), (7, 5), (150, 64)] {
            let mut random = || (0..length * width).map(|_| rng.random_range(-3.0..3.0)).collect();
            let [query, key, value]: [Vec<f32>; 3] = [random(), random(), random()];
            let got = attention_rounded([&query, &key, &value], width);
            assert_eq!(got.len(), length * width);
            for (query, got) in query.chunks_exact(width).zip(got.chunks_exact(width)) {
                for (got, expected) in got.iter().zip(expected(query, &key, &value)) {
                    assert!(
                        (f64::from(*got) - expected).abs() < 2e-3,
                        "{length} × {width}: {got}, {expected}"
                    );
                }
            }
        }
    }
}
