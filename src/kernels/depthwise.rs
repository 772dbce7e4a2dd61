//! Depthwise 3×3 convolution with the channels last, zero beyond the border, and its derivative.

use pulp::{Arch, Simd, WithSimd};

/// Side of the kernel.
const SIDE: usize = 3;

/// Adds to row `y` of a photo's output what its features give there. With the kernel's numbers in the reverse order it makes the
/// features' gradient of the output's.
///
/// # Shapes
/// - `features`: `[height, width, D]`, which is `shape`
/// - `kernel`: `[3, 3, D]`
/// - `row`: `[width, D]`
///
/// # Panics
/// If a slice is shorter than that.
pub fn depthwise(features: &[f32], kernel: &[f32], shape: [usize; 3], y: usize, row: &mut [f32]) {
    let of = |[x, tap, place]: [usize; 3]| [x, tap, place];
    Arch::new().dispatch(Sum { into: row, factors: [kernel, features], shape, y, of });
}

/// Adds to a kernel's gradient what row `y` of the output's gradient gives.
///
/// # Shapes
/// - `features`: `[height, width, D]`, which is `shape`
/// - `row`: `[width, D]`
/// - `of_kernel`: `[3, 3, D]`
///
/// # Panics
/// If a slice is shorter than that.
pub fn depthwise_back(features: &[f32], row: &[f32], shape: [usize; 3], y: usize, of_kernel: &mut [f32]) {
    let of = |[x, tap, place]: [usize; 3]| [tap, x, place];
    Arch::new().dispatch(Sum { into: of_kernel, factors: [row, features], shape, y, of });
}

/// Sums of products, `D` numbers at once; `of` tells from x, the kernel's number and the place in the photo which go together.
struct Sum<'a, F> {
    into: &'a mut [f32],
    factors: [&'a [f32]; 2],
    shape: [usize; 3],
    y: usize,
    of: F,
}

impl<F: Fn([usize; 3]) -> [usize; 3]> WithSimd for Sum<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [height, width, channels] = self.shape;
        for (down, x, right) in rows(self.y, height).flat_map(|down| taps(down, width)) {
            let place = (self.y + down - 1) * width + x + right - 1;
            let [into, left, right] =
                (self.of)([x, down * SIDE + right, place]).map(|at| at * channels..(at + 1) * channels);
            add_products(simd, &mut self.into[into], &self.factors[0][left], &self.factors[1][right]);
        }
    }
}

/// The kernel's rows that are not beyond the border.
fn rows(y: usize, height: usize) -> impl Iterator<Item = usize> {
    (0..SIDE).filter(move |down| (1..=height).contains(&(y + down)))
}

/// Of a row of the kernel: itself, each x, and the kernel's columns that are not beyond the border there.
fn taps(down: usize, width: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let inside = move |x: usize| (0..SIDE).filter(move |right| (1..=width).contains(&(x + right)));
    (0..width).flat_map(move |x| inside(x).map(move |right| (down, x, right)))
}

#[inline(always)]
fn add_products<S: Simd>(simd: S, sums: &mut [f32], left: &[f32], right: &[f32]) {
    let (sums, last_sums) = S::as_mut_simd_f32s(sums);
    let [(left, last_left), (right, last_right)] = [left, right].map(S::as_simd_f32s);
    for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
        *sum = simd.mul_add_e_f32s(*left, *right, *sum);
    }
    let [sum, left, right] = [&*last_sums, last_left, last_right].map(|last| simd.partial_load_f32s(last));
    simd.partial_store_f32s(last_sums, simd.mul_add_e_f32s(left, right, sum));
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    const SHAPE: [usize; 3] = [4, 5, 19];

    fn random(seed: u64, count: usize) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Sum over x, y and the kernel of what `weigh` makes of the places in output, kernel and features that belong together.
    fn defined(mut weigh: impl FnMut(usize, usize, usize)) {
        let [height, width, channels] = SHAPE;
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for (down, right) in (0..3).flat_map(|down| (0..3).map(move |right| (down, right))) {
                let (Some(from_y), Some(from_x)) = ((y + down).checked_sub(1), (x + right).checked_sub(1))
                else {
                    continue;
                };
                if from_y < height && from_x < width {
                    (0..channels).for_each(|c| {
                        let place = |y, x, width| (y * width + x) * channels + c;
                        weigh(place(y, x, width), place(down, right, 3), place(from_y, from_x, width));
                    });
                }
            }
        }
    }

    fn assert_near(found: &[f32], expected: &[f64]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }

    #[test]
    fn the_convolution_and_its_derivative_are_those_of_their_definition() {
        let count = SHAPE.iter().product();
        let (features, kernel, grad) = (random(1, count), random(2, 9 * SHAPE[2]), random(3, count));
        let (mut output, mut of_kernel) = (vec![0.0; count], vec![0.0; kernel.len()]);
        let mut expected = [vec![0.0; count], vec![0.0; kernel.len()]];
        defined(|out, tap, place| {
            expected[0][out] += f64::from(kernel[tap]) * f64::from(features[place]);
            expected[1][tap] += f64::from(grad[out]) * f64::from(features[place]);
        });
        let width = SHAPE[1] * SHAPE[2];
        for y in 0..SHAPE[0] {
            let row = y * width..(y + 1) * width;
            depthwise(&features, &kernel, SHAPE, y, &mut output[row.clone()]);
            depthwise_back(&features, &grad[row], SHAPE, y, &mut of_kernel);
        }
        assert_near(&output, &expected[0]);
        assert_near(&of_kernel, &expected[1]);
    }
}
