//! Depthwise 3×3 convolution with the channels last, zero beyond the border, and its derivative.

use pulp::{Arch, Simd, WithSimd};

use super::parallel::{map_parts, map_parts_mut, zeros};
use super::sum;

/// Side length of the kernel.
const SIDE: usize = 3;

/// Returns the convolution of each photo.
///
/// # Shapes
/// - `features`, returns: `[B, height, width, D]`, of which `shape` is the last three
/// - `kernel`: `[3, 3, D]`
#[must_use]
pub fn depthwise_conv(features: &[f32], kernel: &[f32], shape: [usize; 3]) -> Vec<f32> {
    let [height, width, channels] = shape;
    let mut output = zeros(features.len());
    map_parts_mut(&mut output, width * channels, |row, output| {
        let photo = &features[row / height * height * width * channels..];
        let backward = false;
        Arch::new().dispatch(Row { y: row % height, sums: output, factors: kernel, photo, shape, backward });
    });
    output
}

/// Returns the gradients of features and kernel.
///
/// # Shapes
/// - `features`, `grad`, returns first: `[B, height, width, D]`, of which `shape` is the last three
/// - `kernel`, returns second: `[3, 3, D]`
#[must_use]
pub fn depthwise_conv_backward(
    features: &[f32],
    kernel: &[f32],
    grad: &[f32],
    shape: [usize; 3],
) -> (Vec<f32>, Vec<f32>) {
    let [height, width, channels] = shape;
    // The gradient of the features is the convolution of `grad` with the kernel rotated by 180°.
    let rotated = kernel.chunks_exact(channels).rev().flatten().copied().collect::<Vec<f32>>();
    let kernel_grads = map_parts(grad, width * channels, |row, grad| {
        let photo = &features[row / height * height * width * channels..];
        let (mut sums, backward) = (vec![0.0; kernel.len()], true);
        Arch::new().dispatch(Row { y: row % height, sums: &mut sums, factors: grad, photo, shape, backward });
        sums
    });
    (depthwise_conv(grad, &rotated, shape), sum(kernel_grads, kernel.len()))
}

/// Row `y` of a photo's convolution. Forward, the sums are the row and the factors the kernel; backward, the
/// sums are the kernel's gradient and the factors the row's.
struct Row<'a> {
    y: usize,
    sums: &'a mut [f32],
    factors: &'a [f32],
    photo: &'a [f32],
    shape: [usize; 3],
    backward: bool,
}

impl WithSimd for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [height, width, channels] = self.shape;
        let of = |index: usize| index * channels..(index + 1) * channels;
        for (x, tap, pixel) in products(self.y, [height, width]) {
            let (sum, factor) = if self.backward { (tap, x) } else { (x, tap) };
            add_product(simd, &mut self.sums[of(sum)], &self.factors[of(factor)], &self.photo[of(pixel)]);
        }
    }
}

/// Lists the products of row `y` within the border: x in the row, index in the kernel, index in the photo.
#[inline(always)]
fn products(y: usize, [height, width]: [usize; 2]) -> impl Iterator<Item = (usize, usize, usize)> {
    // The pixel is (y + down - 1, x + right - 1), so y + down is in 1..=height and x + right in 1..=width.
    let inside = |place: usize, side: usize| (0..SIDE).filter(move |tap| (1..=side).contains(&(place + tap)));
    inside(y, height).flat_map(move |down| {
        let along = (0..width).flat_map(move |x| inside(x, width).map(move |right| (x, right)));
        along.map(move |(x, right)| (x, down * SIDE + right, (y + down - 1) * width + x + right - 1))
    })
}

/// Adds `left · right` to the sums, channel by channel.
#[inline(always)]
fn add_product<S: Simd>(simd: S, sums: &mut [f32], left: &[f32], right: &[f32]) {
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

    /// Calls `weigh` with the places in output, kernel and features that belong together, for all y, x and
    /// numbers of the kernel.
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
        let mut expected = [vec![0.0; count], vec![0.0; kernel.len()], vec![0.0; count]];
        defined(|out, tap, place| {
            expected[0][out] += f64::from(kernel[tap]) * f64::from(features[place]);
            expected[1][tap] += f64::from(grad[out]) * f64::from(features[place]);
            expected[2][place] += f64::from(grad[out]) * f64::from(kernel[tap]);
        });
        let (feature_grad, kernel_grad) = depthwise_conv_backward(&features, &kernel, &grad, SHAPE);
        assert_near(&depthwise_conv(&features, &kernel, SHAPE), &expected[0]);
        assert_near(&kernel_grad, &expected[1]);
        assert_near(&feature_grad, &expected[2]);
    }
}
