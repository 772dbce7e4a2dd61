//! Matrix products of 16-bit whole numbers: a browser's processor takes twice as many of them at once as of
//! `f32`.
//!
//! Each row of the left matrix and each column of the right one is scaled to a norm of [`LENGTH`], so that
//! all numbers fit 16 bits and, by Cauchy and Schwarz, all sums of products fit 32. Rounding then changes a
//! number by at most 5e-4 of its row's root mean square if rows have less than a thousand numbers, as does
//! the `f16` that the weights come in.

use std::array;

use pulp::{Arch, Simd, WithSimd};

use super::exp::ROUND;
use super::micro_kernel::{COLUMNS, ROWS, micro_kernel};

/// The largest signed number of 16 bits.
const LENGTH: f32 = 32_767.0;
/// The scale of rows that hold nothing but zeros.
const LARGEST_SCALE: f32 = 1e30;

/// A quantized matrix, row by row; each `u32` holds two neighbours, the first in its lower half.
#[derive(Debug)]
pub struct Rows {
    pairs: Vec<u32>,
    per_row: usize,
    /// Value of 1 in each row.
    units: Vec<f32>,
}

/// A quantized matrix in panels of columns; each `u32` holds two neighbours of a column.
#[derive(Debug)]
pub struct Panels {
    pairs: Vec<[u32; COLUMNS]>,
    per_panel: usize,
    columns: usize,
    /// Value of 1 in each column, up to the end of the last panel.
    units: Vec<f32>,
}

impl Rows {
    /// Quantizes a matrix that lies row by row, each of `width` numbers.
    #[must_use]
    pub fn new(numbers: &[f32], width: usize) -> Self {
        let per_row = width.div_ceil(2);
        let (mut pairs, mut units) = (Vec::with_capacity(numbers.len() / width * per_row), Vec::new());
        let (mut line, mut scales) = (vec![0; 2 * per_row], vec![0.0; width]);
        for row in numbers.chunks_exact(width) {
            let scale = scale(Arch::new().dispatch(Squares(row)));
            scales.fill(scale);
            round(row, &scales, &mut line);
            pairs.extend(line.as_chunks().0.iter().map(|[first, second]| paired(*first, *second)));
            units.push(1.0 / scale);
        }
        Self { pairs, per_row, units }
    }

    /// Returns a row, or the last one beyond the end.
    fn row(&self, row: usize) -> &[u32] {
        &self.pairs[row.min(self.units.len() - 1) * self.per_row..][..self.per_row]
    }
}

impl Panels {
    /// Quantizes a matrix that lies row by row, each of `columns` numbers.
    #[must_use]
    pub fn new(numbers: &[f32], columns: usize) -> Self {
        let mut squares = vec![0.0; columns];
        numbers.chunks_exact(columns).for_each(|row| add_squares(row, &mut squares));
        let scales: Vec<f32> = squares.into_iter().map(scale).collect();
        let filled = columns.next_multiple_of(COLUMNS);
        let per_panel = (numbers.len() / columns).div_ceil(2);
        let mut pairs = vec![[0; COLUMNS]; filled / COLUMNS * per_panel];
        let mut lines = [vec![0; filled], vec![0; filled]];
        for (pair, rows) in numbers.chunks(2 * columns).enumerate() {
            lines[1].fill(0);
            rows.chunks_exact(columns).zip(&mut lines).for_each(|(row, line)| round(row, &scales, line));
            let [first, second] = lines.each_ref().map(|line| line.as_chunks::<COLUMNS>().0);
            for (panel, (first, second)) in first.iter().zip(second).enumerate() {
                pairs[panel * per_panel + pair] = array::from_fn(|at| paired(first[at], second[at]));
            }
        }
        let mut units: Vec<f32> = scales.into_iter().map(|scale| 1.0 / scale).collect();
        units.resize(filled, 0.0);
        Self { pairs, per_panel, columns, units }
    }

    /// Quantizes a matrix that lies column by column, each of `height` numbers.
    #[must_use]
    pub fn transposed(numbers: &[f32], height: usize) -> Self {
        let lying = Rows::new(numbers, height);
        let columns = lying.units.len();
        let panel = |first: usize| {
            let eight: [&[u32]; COLUMNS] = array::from_fn(|at| lying.row(first + at));
            (0..lying.per_row).map(move |pair| eight.map(|column| column[pair]))
        };
        let pairs = (0..columns).step_by(COLUMNS).flat_map(panel).collect();
        let mut units = lying.units.clone();
        units.resize(columns.next_multiple_of(COLUMNS), 0.0);
        Self { pairs, per_panel: lying.per_row, columns, units }
    }
}

/// Returns the matrix product, row by row; the left matrix has as many columns as the right one has rows.
#[must_use]
pub fn quantized_matmul(left: &Rows, right: &Panels) -> Vec<f32> {
    let (height, width) = (left.units.len(), right.columns);
    let mut all = vec![0.0; height * width];
    let panels = right.pairs.chunks_exact(right.per_panel).zip(right.units.as_chunks().0);
    for ((panel, units), column) in panels.zip((0..).step_by(COLUMNS)) {
        for first in (0..height).step_by(ROWS) {
            let rows = [left.row(first), left.row(first + 1), left.row(first + 2), left.row(first + 3)];
            let sums = micro_kernel(rows, panel);
            for (row, sums) in (first..height).zip(sums) {
                let numbers = scaled(sums, left.units[row], units);
                let place = &mut all[row * width..][column..width.min(column + COLUMNS)];
                match place.first_chunk_mut() {
                    Some(all) => *all = numbers,
                    None => place.copy_from_slice(&numbers[..place.len()]),
                }
            }
        }
    }
    all
}

#[inline]
fn scaled(sums: [i32; COLUMNS], unit: f32, units: &[f32; COLUMNS]) -> [f32; COLUMNS] {
    array::from_fn(|column| sums[column] as f32 * (unit * units[column]))
}

/// Returns the factor that scales a row with this sum of squares to [`LENGTH`], or 0 if a number is not
/// finite, so that the row's products are not finite either.
fn scale(squares: f32) -> f32 {
    if squares.is_finite() { (LENGTH / squares.sqrt()).min(LARGEST_SCALE) } else { 0.0 }
}

fn paired(first: u32, second: u32) -> u32 {
    second << 16 | first & 0xffff
}

/// Adds each number's square to a sum.
fn add_squares(numbers: &[f32], squares: &mut [f32]) {
    Arch::new().dispatch(AddSquares { numbers, squares });
}

/// Writes the numbers times the scales, rounded, to the lower 16 bits.
fn round(numbers: &[f32], scales: &[f32], into: &mut [u32]) {
    Arch::new().dispatch(Round { numbers, scales, into });
}

/// Sums the squares of numbers.
struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (numbers, last) = S::as_simd_f32s(self.0);
        let squares = numbers.iter().fold(simd.splat_f32s(0.0), |sums, x| simd.mul_add_e_f32s(*x, *x, sums));
        simd.reduce_sum_f32s(squares) + last.iter().map(|x| x * x).sum::<f32>()
    }
}

struct AddSquares<'a> {
    numbers: &'a [f32],
    squares: &'a mut [f32],
}

impl WithSimd for AddSquares<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (numbers, last) = S::as_simd_f32s(self.numbers);
        let (squares, last_squares) = S::as_mut_simd_f32s(self.squares);
        for (x, sum) in numbers.iter().zip(squares) {
            *sum = simd.mul_add_e_f32s(*x, *x, *sum);
        }
        last.iter().zip(last_squares).for_each(|(x, sum)| *sum += x * x);
    }
}

struct Round<'a> {
    numbers: &'a [f32],
    scales: &'a [f32],
    into: &'a mut [u32],
}

impl WithSimd for Round<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let length = self.numbers.len();
        let (numbers, last) = S::as_simd_f32s(self.numbers);
        let (scales, last_scales) = S::as_simd_f32s(&self.scales[..length]);
        let (into, last_into) = S::as_mut_simd_u32s(&mut self.into[..length]);
        for ((x, scale), into) in numbers.iter().zip(scales).zip(into) {
            // The sum's lowest bits are the product rounded to a whole number.
            let rounded = simd.mul_add_e_f32s(*x, *scale, simd.splat_f32s(ROUND));
            *into = simd.transmute_u32s_f32s(rounded);
        }
        for ((x, scale), into) in last.iter().zip(last_scales).zip(last_into) {
            *into = (x * scale + ROUND).to_bits();
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn matrix(numbers: usize, rng: &mut impl Rng) -> Vec<f32> {
        let magnitude = 10.0_f32.powi(rng.random_range(-6..6));
        (0..numbers).map(|_| rng.random_range(-1.0..1.0) * magnitude).collect()
    }

    fn length(numbers: &[f32]) -> f64 {
        numbers.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn products_are_right_to_the_rounding() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..300 {
            let [height, inner, width] = [14, 40, 30].map(|most| rng.random_range(1..most));
            let [left, columns] = [height, width].map(|side| matrix(side * inner, &mut rng));
            let right: Vec<f32> =
                (0..inner * width).map(|at| columns[at % width * inner + at / width]).collect();
            let rows = Rows::new(&left, inner);
            let both = [Panels::new(&right, width), Panels::transposed(&columns, inner)];
            let both = both.map(|panels| quantized_matmul(&rows, &panels));
            assert!(both.iter().all(|numbers| numbers.len() == height * width));
            for (at, got) in both.into_iter().flat_map(|numbers| numbers.into_iter().enumerate()) {
                let [row, column] = [(&left, at / width), (&columns, at % width)]
                    .map(|(numbers, line)| &numbers[line * inner..][..inner]);
                let expected: f64 = row.iter().zip(column).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
                let off = (f64::from(got) - expected).abs();
                let halves = (1.0 + (inner as f64).sqrt()) / f64::from(LENGTH);
                assert!(off <= halves * length(row) * length(column), "{at}: {got}, expected {expected}");
            }
        }
    }

    #[test]
    fn the_largest_sums_stay_within_32_bits() {
        for inner in [1, 2, 8, 768, 4096] {
            let ones = vec![1.0; inner];
            let got = quantized_matmul(&Rows::new(&ones, inner), &Panels::new(&ones, 1))[0];
            assert!((got / inner as f32 - 1.0).abs() <= 1e-3, "{inner}: {got}");
        }
    }

    #[test]
    fn zeros_make_zeros_and_what_is_not_finite_does_not_vanish() {
        let of = |left: &[f32]| {
            quantized_matmul(&Rows::new(left, left.len()), &Panels::new(&vec![1.0; left.len()], 1))[0]
        };
        assert_eq!(of(&[0.0; 9]), 0.0);
        assert!(!of(&[1.0, f32::INFINITY]).is_finite());
        assert!(!of(&[f32::NAN, 1.0]).is_finite());
    }
}
