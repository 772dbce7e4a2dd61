//! The encoder's features of the patches of a photo, and pictures of them.

use burn::tensor::Tensor;

use super::encoded::numbers;
use super::{Engine, EngineError};
use crate::image::RgbImage;
use crate::model::VisionTransformer;
use crate::pixels::{Filter, central_square, prepare, resize};

/// Number of power iterations, enough to tell colours apart.
const TURNS: usize = 60;

/// The features of the patches of one photo.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchFeatures {
    /// Number of patch columns and rows.
    pub grid: [usize; 2],
    /// Features, `[L, D]`, patches in row-major order.
    values: Vec<f32>,
}

impl PatchFeatures {
    /// Wraps features `[L, D]` of `grid` = columns × rows patches.
    #[must_use]
    pub const fn new(grid: [usize; 2], values: Vec<f32>) -> Self {
        Self { grid, values }
    }

    /// Computes the features of one image, `[1, 3, height, width]`.
    pub(super) async fn of(encoder: &VisionTransformer, image: Tensor<4>) -> Result<Self, EngineError> {
        let ([_, _, height, width], [_, _, p, _]) = (image.dims(), encoder.patch_embed.weight.dims());
        let grid = [width / p, height / p];
        let tokens = encoder.forward(image);
        let [_, count, _] = tokens.dims();
        let patches = grid[0] * grid[1];
        Ok(Self::new(grid, numbers(tokens.narrow(1, count - patches, patches)).await?))
    }

    fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> + Clone {
        let count = (self.grid[0] * self.grid[1]).max(1);
        self.values.chunks_exact((self.values.len() / count).max(1))
    }

    /// Returns a colour per patch, `[L, 3]`: the first three principal components as red, green and blue,
    /// each scaled to the whole range of a byte.
    #[must_use]
    pub fn colours(&self) -> Vec<u8> {
        let mut rows = self.centred();
        let mut colours = vec![0; 3 * rows.len()];
        for channel in 0..3 {
            let shares = take_out(&mut rows);
            let (least, most) = shares
                .iter()
                .fold((f32::MAX, f32::MIN), |(least, most), share| (least.min(*share), most.max(*share)));
            for (patch, share) in shares.iter().enumerate() {
                let unit = (share - least) / (most - least).max(f32::MIN_POSITIVE);
                colours[3 * patch + channel] = (unit * 255.0).round() as u8;
            }
        }
        colours
    }

    /// Returns the similarity of every two patches, `[L, L]`: the cosine of their mean-centred features,
    /// where 0 and less becomes 0 and 1 becomes 255.
    #[must_use]
    pub fn likenesses(&self) -> Vec<u8> {
        let mut rows = self.centred();
        for row in &mut rows {
            let length = dot(row, row).sqrt().max(f32::MIN_POSITIVE);
            row.iter_mut().for_each(|value| *value /= length);
        }
        let pairs = rows.iter().flat_map(|first| rows.iter().map(move |second| dot(first, second)));
        pairs.map(|cosine| (cosine.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }

    /// Returns the features less the mean over all patches.
    fn centred(&self) -> Vec<Vec<f32>> {
        let rows = self.rows();
        let count = rows.len().max(1) as f32;
        let mut mean = vec![0.0; rows.clone().next().map_or(0, <[f32]>::len)];
        rows.clone().for_each(|row| add(&mut mean, row, 1.0 / count));
        rows.map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect()
    }
}

/// Removes the first principal component from `rows` and returns each row's projection on it.
fn take_out(rows: &mut [Vec<f32>]) -> Vec<f32> {
    // Start from the longest row: it has a part along some remaining component.
    let longest = rows.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)));
    let mut axis = longest.cloned().unwrap_or_default();
    for _ in 0..TURNS {
        let length = dot(&axis, &axis).sqrt().max(f32::MIN_POSITIVE);
        axis.iter_mut().for_each(|value| *value /= length);
        let mut next = vec![0.0; axis.len()];
        rows.iter().for_each(|row| add(&mut next, row, dot(row, &axis)));
        axis = next;
    }
    let length = dot(&axis, &axis).sqrt().max(f32::MIN_POSITIVE);
    axis.iter_mut().for_each(|value| *value /= length);
    let shares: Vec<f32> = rows.iter().map(|row| dot(row, &axis)).collect();
    rows.iter_mut().zip(&shares).for_each(|(row, share)| add(row, &axis, -share));
    shares
}

fn dot(first: &[f32], second: &[f32]) -> f32 {
    first.iter().zip(second).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f32], row: &[f32], factor: f32) {
    to.iter_mut().zip(row).for_each(|(to, value)| *to += factor * value);
}

impl Engine {
    /// Computes the segmenter's features of the patches of the photo's central square, the same square that
    /// [`Reconstructor::prepare`](super::Reconstructor::prepare) shows.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn patch_features(&self, photo: &RgbImage) -> Result<PatchFeatures, EngineError> {
        let side = photo.width().min(photo.height());
        let square = resize(photo, central_square(photo), [side, side], Filter::Bicubic);
        let Ok(square) = RgbImage::new(side, side, square) else {
            return Ok(PatchFeatures::new([0; 2], Vec::new()));
        };
        let (pixels, letterbox) = prepare(&square, &self.preprocess);
        PatchFeatures::of(&self.model.encoder, self.on_device(pixels, letterbox.canvas())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patches spread along three orthogonal axes with decreasing variance, around a mean that is not 0.
    fn spread() -> PatchFeatures {
        let axes = [[0.6, 0.8, 0.0, 0.0], [-0.8, 0.6, 0.0, 0.0], [0.0, 0.0, 0.6, -0.8]];
        let places = [
            [9.0, 0.0, 0.0],
            [-9.0, 0.0, 0.0],
            [0.0, 4.0, 0.0],
            [0.0, -4.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.0, 0.0, -1.0],
        ];
        let value =
            |place: &[f32; 3], i: usize| 5.0 + (0..3).map(|axis| place[axis] * axes[axis][i]).sum::<f32>();
        PatchFeatures::new(
            [3, 2],
            places.iter().flat_map(|place| (0..4).map(move |i| value(place, i))).collect(),
        )
    }

    #[test]
    fn colours_are_the_first_three_components() {
        let colours = spread().colours();
        for (channel, [first, second]) in [[0, 1], [2, 3], [4, 5]].into_iter().enumerate() {
            let mut ends = [first, second].map(|patch| colours[3 * patch + channel]);
            ends.sort_unstable();
            assert_eq!(ends, [0, 255], "channel {channel}");
            let others = (0..6).filter(|patch| *patch != first && *patch != second);
            assert!(others.map(|patch| colours[3 * patch + channel]).all(|byte| (126..=129).contains(&byte)));
        }
    }

    #[test]
    fn patches_are_like_those_in_the_same_direction() {
        let likenesses = spread().likenesses();
        assert!((0..6).all(|patch| likenesses[7 * patch] == 255), "each is like itself");
        assert_eq!(likenesses[1..6], [0; 5], "opposite, or at right angles");
    }

    #[test]
    fn a_photo_without_any_difference_has_colours() {
        let features = PatchFeatures::new([2, 2], vec![1.0; 8]);
        assert_eq!((features.colours(), features.likenesses()), (vec![0; 12], vec![0; 16]));
    }
}
