//! The losses and the quality of matched masks.

use burn::prelude::*;
use burn::tensor::activation::{log_sigmoid, sigmoid};
use rayon::prelude::*;

use super::point_sampling::{MapSize, PointBudget, PointDraws, choose_uncertain, sample_mask, sample_own};
use super::{LossError, Target};
use crate::mask::BinaryMask;

/// The losses of the matched masks, summed over pairs and weighted by the confidence of each object.
pub(super) struct MaskLosses {
    /// Binary cross-entropy, `[1]`.
    pub(super) entropy: Tensor<1>,
    /// Dice loss, `[1]`.
    pub(super) dice: Tensor<1>,
    /// The predicted maps of all pairs, concatenated, without gradient.
    seen: Vec<f32>,
    size: MapSize,
}

impl MaskLosses {
    /// Returns the intersection over union of each pair's predicted mask (logit > 0) and true mask, at the
    /// resolution of the map.
    pub(super) fn overlaps(&self, targets: &[Target], matches: &[Vec<(usize, usize)>]) -> Vec<f32> {
        let centres = self.size.centres();
        let maps = self.seen.par_chunks_exact(self.size.area());
        maps.zip(truth(targets, matches))
            .map(|(map, mask)| overlap(map, &sample_mask(mask, &centres)))
            .collect()
    }
}

/// Computes the losses of matched masks at uncertain points; `confidences` are those of the pairs' objects.
pub(super) fn mask_losses(
    mask_logits: Tensor<4>,
    targets: &[Target],
    matches: &[Vec<(usize, usize)>],
    confidences: &[f32],
    budget: PointBudget,
    draws: &mut impl PointDraws,
) -> Result<MaskLosses, LossError> {
    let [images, queries, height, width] = mask_logits.dims();
    let (device, size) = (mask_logits.device(), MapSize { width, height });
    let pairs = matches.iter().enumerate().flat_map(|(image, pairs)| pairs.iter().map(move |p| (image, p.0)));
    let (of_images, rows): (Vec<usize>, Vec<i32>) =
        pairs.map(|(image, query)| (image, (image * queries + query) as i32)).unzip();
    if rows.is_empty() {
        let none = || Tensor::zeros([1], &device);
        return Ok(MaskLosses { entropy: none(), dice: none(), seen: Vec::new(), size });
    }
    let pairs = rows.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [pairs]), &device);
    let maps = mask_logits.reshape([images * queries, size.area()]).select(0, rows);
    let seen = maps.clone().without_autodiff().try_into_vec_as::<f32>()?;
    let points = choose_uncertain(&seen, &of_images, size, budget, draws);
    let truth = truth(targets, matches).into_par_iter().zip(points.par_chunks_exact(2 * budget.total));
    let truth: Vec<f32> = truth.flat_map_iter(|(mask, p)| sample_mask(mask, p)).collect();
    let truth = Tensor::<2>::from_data(TensorData::new(truth, [pairs, budget.total]), &device);
    let logits = sample_own(maps, size, &points);
    let confidences = Tensor::<2>::from_data(TensorData::new(confidences.to_vec(), [pairs, 1]), &device);
    let entropy = log_sigmoid(logits.clone().neg()).add(truth.clone().mul(logits.clone())).neg();
    let dice = dice_loss(sigmoid(logits), truth).mul(confidences.clone()).sum();
    Ok(MaskLosses { entropy: entropy.mean_dim(1).mul(confidences).sum(), dice, seen, size })
}

/// Returns the true mask of each pair.
fn truth<'t>(targets: &'t [Target], matches: &[Vec<(usize, usize)>]) -> Vec<&'t BinaryMask> {
    let of_image = |(pairs, target): (&Vec<(usize, usize)>, &'t Target)| {
        pairs.iter().map(|&(_, object)| &target.masks[object]).collect::<Vec<_>>()
    };
    matches.iter().zip(targets).flat_map(of_image).collect()
}

fn overlap(map: &[f32], truth: &[f32]) -> f32 {
    let (mut inside, mut union) = (0.0, 0.0);
    for (&logit, &covered) in map.iter().zip(truth) {
        let (least, most) = if logit > 0.0 { (covered, 1.0) } else { (0.0, covered) };
        inside += least;
        union += most;
    }
    if union > 0.0 { inside / union } else { 0.0 }
}

/// Returns the dice loss `1 - (2·|s∩t| + 1) / (|s| + |t| + 1)` for each row of two `[M, P]` maps, `[M, 1]`.
fn dice_loss(filled: Tensor<2>, truth: Tensor<2>) -> Tensor<2> {
    let overlap = filled.clone().mul(truth.clone()).sum_dim(1).mul_scalar(2.0).add_scalar(1.0);
    let area = filled.add(truth).sum_dim(1).add_scalar(1.0);
    overlap.div(area).neg().add_scalar(1.0)
}
