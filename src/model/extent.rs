//! Location terms of the masks around patches: which pixels belong to the object, as far as their places
//! tell.

use burn::module::{Module, Param};
use burn::nn::Initializer;
use burn::tensor::{Device, Tensor, TensorData};

use super::Linear;

/// The unit of distances as a share of the photo's longer side, and the radius of a freshly initialised
/// extent.
const UNIT: f32 = 0.25;
/// The mask logit of a freshly initialised extent at its patch.
const PEAK: f32 = 2.0;

/// A bowl-shaped (paraboloid) mask logit around every patch that is a query, with learned size, shape and
/// offset, over places that each pixel may shift towards the object to which it belongs.
///
/// With it, mask features need not learn where they are (relative coordinates: `CondInst`,
/// <https://arxiv.org/abs/2003.05664>), nor how to tell similar neighbours apart: their pixels shift towards
/// different centres (spatial embeddings: <https://arxiv.org/abs/1906.11109>).
#[derive(Module, Debug)]
pub struct Extent {
    /// From a patch to its bowl, `[D, 5]`: curvature and slope along x, the same along y, and peak.
    pub form: Linear,
    /// From a pixel to the shift of its place along x and y, `[D, 2]`.
    pub shift: Linear,
}

impl Extent {
    /// Initialises bowls that are round, centred and one unit wide whatever the patch shows, and shifts of
    /// zero.
    #[must_use]
    pub fn new(width: usize, device: &Device) -> Self {
        let linear = |bias: &[f32]| Linear {
            weight: Initializer::Zeros.init([width, bias.len()], device),
            bias: Some(Param::from_data(TensorData::from(bias), device)),
            rounding: None,
        };
        Self { form: linear(&[-PEAK, 0.0, -PEAK, 0.0, PEAK]), shift: linear(&[0.0, 0.0]) }
    }

    /// Returns the bowls as coefficients: the dot product with a pixel's [`places`](Self::places) is the
    /// logit of the patch's mask there.
    ///
    /// # Shapes
    /// - `patches`: `[B, rows·columns, D]`, normalised tokens
    /// - returns `[B, rows·columns, 5]`
    #[must_use]
    pub fn bowls(&self, patches: Tensor<3>, grid: [usize; 2]) -> Tensor<3> {
        let form = self.form.forward(patches);
        let centres = centres(grid, grid, &form.device());
        let number = |index: usize| form.clone().narrow(2, index, 1);
        let (mut products, mut rest) = (Vec::new(), number(4));
        for axis in [0, 1] {
            let (curve, slope) = (number(2 * axis), number(2 * axis + 1));
            let centre = centres.clone().narrow(2, axis, 1);
            // Expand curve·(x − c)² + slope·(x − c) into powers of x.
            let bent = curve.clone() * centre.clone();
            rest = rest + (bent.clone() - slope.clone()) * centre;
            products.extend([curve, slope - bent.mul_scalar(2.0)]);
        }
        products.push(rest);
        Tensor::cat(products, 2)
    }

    /// Returns x², x, y², y and 1 of each pixel, after its shift.
    ///
    /// # Shapes
    /// - `pixels`: `[B, height·width, D]`, mask features over a `grid` of patches
    /// - returns `[B, height·width, 5]`
    #[must_use]
    pub fn places(&self, pixels: Tensor<3>, grid: [usize; 2], size: [usize; 2]) -> Tensor<3> {
        let shifted = self.shift.forward(pixels);
        let place = shifted.clone() + centres(size, grid, &shifted.device());
        let [x, y] = [0, 1].map(|axis| place.clone().narrow(2, axis, 1));
        let one = x.ones_like();
        Tensor::cat(vec![x.clone().square(), x, y.clone().square(), y, one], 2)
    }
}

/// Returns x and y of the centre of each cell of a `size` over a `grid` of patches, in row-major order, in
/// [`UNIT`]s: `[1, cells, 2]`.
fn centres([height, width]: [usize; 2], [rows, columns]: [usize; 2], device: &Device) -> Tensor<3> {
    let unit = UNIT * rows.max(columns) as f32;
    let along = |cell: usize, cells: usize, patches: usize| {
        (cell as f32 + 0.5) * patches as f32 / cells as f32 / unit
    };
    let of_cell = |cell: usize| [along(cell % width, width, columns), along(cell / width, height, rows)];
    let numbers: Vec<f32> = (0..height * width).flat_map(of_cell).collect();
    Tensor::from_data(TensorData::new(numbers, [1, height * width, 2]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logits(extent: &Extent, grid: [usize; 2], size: [usize; 2]) -> Vec<f32> {
        let device = Device::flex();
        let bowls = extent.bowls(Tensor::ones([1, grid[0] * grid[1], 4], &device), grid);
        let places = extent.places(Tensor::ones([1, size[0] * size[1], 4], &device), grid, size);
        bowls.matmul(places.swap_dims(1, 2)).try_into_vec_as::<f32>().unwrap()
    }

    #[test]
    fn a_fresh_extent_is_a_disc_around_its_patch() {
        let extent = Extent::new(4, &Device::flex());
        let logits = logits(&extent, [2, 4], [8, 16]);
        let of_patch = |row: usize, column: usize| &logits[(row * 4 + column) * 128..][..128];
        for (row, column) in [(0, 0), (1, 2)] {
            let inside = |x: usize, y: usize| {
                let (dx, dy) =
                    (x as f32 + 0.5 - 4.0 * (column as f32 + 0.5), y as f32 + 0.5 - 4.0 * (row as f32 + 0.5));
                dx.hypot(dy) < 4.0
            };
            for (at, &logit) in of_patch(row, column).iter().enumerate() {
                assert_eq!(logit > 0.0, inside(at % 16, at / 16), "{row} {column} {at}");
            }
        }
    }

    #[test]
    fn slopes_tilt_and_shifts_move_what_a_patch_covers() {
        let mut extent = Extent::new(4, &Device::flex());
        let number = |numbers: &[f32]| Some(Param::from_data(TensorData::from(numbers), &Device::flex()));
        let (curve, slope, peak, shift) = (-1.5_f32, 0.5, 1.0, 0.25);
        extent.form.bias = number(&[curve, slope, curve, 0.0, peak]);
        extent.shift.bias = number(&[shift, 0.0]);
        let logits = logits(&extent, [2, 2], [4, 4]);
        for (at, logit) in logits.into_iter().enumerate() {
            let (patch, pixel) = (at / 16, at % 16);
            // Distances in units of half a patch.
            let along = |pixel: usize, patch: usize| pixel as f32 + 0.5 - 2.0 * patch as f32 - 1.0;
            let (x, y) = (along(pixel % 4, patch % 2) + shift, along(pixel / 4, patch / 2));
            let expected = curve * x * x + slope * x + curve * y * y + peak;
            assert!((logit - expected).abs() < 1e-5, "{patch} {pixel}: {logit}, expected {expected}");
        }
    }
}
