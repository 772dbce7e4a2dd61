//! The choice of visible patches; it is made on the host, so that the model itself is deterministic.

use std::ops::Range;

use burn::tensor::{Device, Int, Tensor, TensorData};

/// A choice of visible patches for each image of a batch (MAE §3, random masking).
///
/// ```
/// use mae_seg::model::PatchMask;
///
/// // Of four patches, the two with the least noise are visible.
/// let mask = PatchMask::from_noise(&[vec![0.9, 0.1, 0.5, 0.3]], 2);
/// assert_eq!(mask.ids_keep, [[1, 3]]);
/// assert_eq!((mask.num_visible(), mask.num_patches()), (2, 4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchMask {
    /// The visible patches of each image, in the order in which the encoder gets them.
    pub ids_keep: Vec<Vec<usize>>,
    /// The position of each patch of each image in the shuffled order (visible ones first).
    pub ids_restore: Vec<Vec<usize>>,
}

impl PatchMask {
    /// Keeps the `num_visible` patches with the smallest noise, per image.
    ///
    /// `noise` is `[B][L]` in any range; equal values keep their order.
    #[must_use]
    pub fn from_noise(noise: &[Vec<f32>], num_visible: usize) -> Self {
        let (mut ids_keep, mut ids_restore) = (Vec::new(), Vec::new());
        for row in noise {
            let mut shuffle: Vec<usize> = (0..row.len()).collect();
            shuffle.sort_by(|&a, &b| row[a].total_cmp(&row[b]));
            let mut restore = vec![0; row.len()];
            for (place, &patch) in shuffle.iter().enumerate() {
                restore[patch] = place;
            }
            shuffle.truncate(num_visible);
            ids_keep.push(shuffle);
            ids_restore.push(restore);
        }
        Self { ids_keep, ids_restore }
    }

    /// Creates the mask of one image whose patches are hidden where `hidden` is true; visible ones keep their
    /// order.
    #[must_use]
    pub fn from_hidden(hidden: &[bool]) -> Self {
        let noise = hidden.iter().map(|&hidden| f32::from(u8::from(hidden))).collect();
        Self::from_noise(&[noise], hidden.iter().filter(|hidden| !**hidden).count())
    }

    /// Returns whether each patch of the first image is hidden, in row-major order.
    #[must_use]
    pub fn first_hidden(&self) -> Vec<bool> {
        let visible = self.num_visible();
        self.ids_restore.first().into_iter().flatten().map(|&place| place >= visible).collect()
    }

    /// Returns the masks of some of the images.
    ///
    /// # Panics
    /// If there are fewer images.
    #[must_use]
    pub fn of_images(&self, images: Range<usize>) -> Self {
        Self {
            ids_keep: self.ids_keep[images.clone()].to_vec(),
            ids_restore: self.ids_restore[images].to_vec(),
        }
    }

    /// Returns the number of images.
    #[must_use]
    pub fn batch(&self) -> usize {
        self.ids_keep.len()
    }

    /// Returns the number of visible patches per image.
    #[must_use]
    pub fn num_visible(&self) -> usize {
        self.ids_keep.first().map_or(0, Vec::len)
    }

    /// Returns the number of patches per image.
    #[must_use]
    pub fn num_patches(&self) -> usize {
        self.ids_restore.first().map_or(0, Vec::len)
    }

    /// Returns `[B, L]`: 1 where a patch is hidden, 0 where it is visible.
    #[must_use]
    pub fn hidden(&self, device: &Device) -> Tensor<2> {
        let visible = self.num_visible();
        let flags: Vec<f32> =
            self.ids_restore.iter().flatten().map(|&place| if place < visible { 0.0 } else { 1.0 }).collect();
        Tensor::from_data(TensorData::new(flags, [self.batch(), self.num_patches()]), device)
    }

    /// Selects the visible tokens of each image.
    ///
    /// # Shapes
    /// - `patches`: `[B, L, D]`, or `[1, L, D]` for tokens that all images share
    /// - returns `[B, visible, D]`
    #[must_use]
    pub fn keep(&self, patches: Tensor<3>) -> Tensor<3> {
        pick_rows(patches, &self.ids_keep)
    }

    /// Puts shuffled tokens (visible ones first) back in patch order.
    ///
    /// # Shapes
    /// - `shuffled`, returns: `[B, L, D]`
    #[must_use]
    pub fn restore(&self, shuffled: Tensor<3>) -> Tensor<3> {
        pick_rows(shuffled, &self.ids_restore)
    }
}

/// Selects whole rows of a flattened batch, with one index per token instead of one per value.
#[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "token counts are small")]
fn pick_rows(tokens: Tensor<3>, ids: &[Vec<usize>]) -> Tensor<3> {
    let [given, length, d] = tokens.dims();
    let (batch, stride) = (ids.len(), if given == 1 { 0 } else { length });
    let device = tokens.device();
    let count = ids.first().map_or(0, Vec::len);
    let flat: Vec<i32> = ids
        .iter()
        .enumerate()
        .flat_map(|(b, row)| row.iter().map(move |id| (b * stride + id) as i32))
        .collect();
    let flat = Tensor::<1, Int>::from_data(TensorData::new(flat, [batch * count]), &device);
    tokens.reshape([given * length, d]).select(0, flat).reshape([batch, count, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_smallest_noise_in_order() {
        let mask = PatchMask::from_noise(&[vec![0.9, 0.1, 0.5, 0.3]], 2);
        assert_eq!(mask.ids_keep, vec![vec![1, 3]]);
        assert_eq!(mask.ids_restore, vec![vec![3, 0, 2, 1]]);
        let hidden = mask.hidden(&Device::flex()).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(hidden, vec![1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn keep_then_restore_returns_visible_tokens_to_their_places() {
        let device = Device::flex();
        let mask = PatchMask::from_noise(&[vec![0.9, 0.1, 0.5, 0.3], vec![0.2, 0.8, 0.1, 0.7]], 2);
        let tokens = Tensor::<1, Int>::arange(0..8, &device).float().reshape([2, 4, 1]);
        let blanks = Tensor::full([2, 2, 1], -1.0, &device);
        let restored = mask.restore(Tensor::cat(vec![mask.keep(tokens), blanks], 1));
        let values = restored.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(values, vec![-1.0, 1.0, -1.0, 3.0, 4.0, -1.0, 6.0, -1.0]);
    }
}
