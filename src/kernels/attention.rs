//! Attention in a browser: products of whole numbers, and as many exponentials at once as its processor takes.

use pulp::{Arch, Simd, WithSimd};

use super::integer::{Panels, Rows, product};
use super::softmax::raise;

/// Queries whose weights are held at once: for a photo's patches they stay in a cache.
const QUERIES: usize = 64;

/// `softmax(q kᵀ / √d) v` of one head, `[T, d]` row by row, as are queries, keys and values; `width` is d.
pub fn attended([query, key, value]: [&[f32]; 3], width: usize) -> Vec<f32> {
    let scale = 1.0 / (width as f32).sqrt();
    let (keys, values) = (Panels::transposed(key, width), Panels::new(value, width));
    let length = key.len() / width;
    let of = |queries: &[f32]| {
        let mut weights = product(&Rows::new(queries, width), &keys);
        let raised = |row| Arch::new().dispatch(Raise { row, scale });
        let sums: Vec<f32> = weights.chunks_exact_mut(length).map(raised).collect();
        let mut mixed = product(&Rows::new(&weights, length), &values);
        for (row, sum) in mixed.chunks_exact_mut(width).zip(sums) {
            row.iter_mut().for_each(|number| *number /= sum);
        }
        mixed
    };
    query.chunks(QUERIES * width).flat_map(of).collect()
}

struct Raise<'a> {
    row: &'a mut [f32],
    scale: f32,
}

impl WithSimd for Raise<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        raise(simd, self.row, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Of one query, number by number.
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
            let got = attended([&query, &key, &value], width);
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
