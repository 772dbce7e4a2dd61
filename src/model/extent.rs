//! How far the object around a patch reaches.

use burn::module::{Module, Param};
use burn::nn::{Initializer, Linear};
use burn::tensor::{Device, Tensor, TensorData};

/// Distances are counted in this share of the photo's longer side; a fresh extent reaches so far.
const UNIT: f32 = 0.25;
/// Mask logit of a fresh extent at its patch.
const PEAK: f32 = 2.0;

/// Where every patch is a query: a bowl of mask logits around the patch, of the size, form and offset it sees fit.
///
/// What mask features need not learn then is where they are (relative coordinates: `CondInst`,
/// <https://arxiv.org/abs/2003.05664>).
#[derive(Module, Debug)]
pub struct Extent {
    /// `[D, 5]`: curve and slope along x, the same along y, peak.
    pub form: Linear,
}

impl Extent {
    /// Round, centred, one unit wide, whatever the patch shows.
    #[must_use]
    pub fn new(width: usize, device: &Device) -> Self {
        let fresh = TensorData::from([-PEAK, 0.0, -PEAK, 0.0, PEAK]);
        Self {
            form: Linear {
                weight: Initializer::Zeros.init([width, 5], device),
                bias: Some(Param::from_data(fresh, device)),
            },
        }
    }

    /// # Shapes
    /// - `patches`: `[B, rows·columns, D]`, normalised tokens
    /// - returns what to add to each column and each row of mask logits of that size: `[B, rows·columns, width]`,
    ///   `[B, rows·columns, height]`
    #[must_use]
    pub fn forward(
        &self,
        patches: Tensor<3>,
        grid: [usize; 2],
        [height, width]: [usize; 2],
    ) -> [Tensor<3>; 2] {
        let [_, count, _] = patches.dims();
        let [rows, columns] = grid;
        let form = self.form.forward(patches);
        let number = |index: usize| form.clone().narrow(2, index, 1);
        let along = |first: usize, distances: Vec<f32>, side: usize| {
            let distances = TensorData::new(distances, [1, count, side]);
            let distances = Tensor::<3>::from_data(distances, &form.device());
            (number(first) * distances.clone() + number(first + 1)) * distances
        };
        let longest = rows.max(columns);
        let x = distances(count, |patch| patch % columns, (columns, width), longest);
        let y = distances(count, |patch| patch / columns, (rows, height), longest);
        [along(0, x, width) + number(4), along(2, y, height)]
    }
}

/// From each patch's centre to each of `pixels` centres along a side of `patches`, patch after patch, in [`UNIT`]s.
fn distances(
    count: usize,
    place: impl Fn(usize) -> usize,
    (patches, pixels): (usize, usize),
    longest: usize,
) -> Vec<f32> {
    let each = patches as f32 / pixels as f32;
    let unit = UNIT * longest as f32;
    let of_patch = |patch: usize| {
        let centre = place(patch) as f32 + 0.5;
        (0..pixels).map(move |pixel| ((pixel as f32 + 0.5) * each - centre) / unit)
    };
    (0..count).flat_map(of_patch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_extent_is_a_disc_around_its_patch() {
        let device = Device::flex();
        let extent = Extent::new(4, &device);
        let [x, y] = extent.forward(Tensor::ones([1, 8, 4], &device), [2, 4], [8, 16]);
        assert_eq!([x.dims(), y.dims()], [[1, 8, 16], [1, 8, 8]]);
        let logits = x.unsqueeze_dim::<4>(2) + y.unsqueeze_dim(3);
        let logits = logits.into_data().try_to_vec::<f32>().unwrap();
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
}
