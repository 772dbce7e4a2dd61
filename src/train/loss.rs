//! The set loss of `Mask2Former` and EoMT: match queries to objects, then score masks at points and classes everywhere.
//!
//! ```text
//! class_logits [B, Q, K+1] ─┬─ match_queries ──▶ (query, target) pairs, no gradient
//! mask_logits  [B, Q, h, w] ┘        │
//!     pairs' masks at uncertain points ──▶ binary cross-entropy, dice   ÷ objects in the batch
//!     every query's class, unmatched = "no object" ──▶ cross-entropy    ÷ sum of weights
//! ```
//!
//! The divisors are known before anything is predicted, so a batch that goes through the model in parts has the same loss.

use burn::prelude::*;
use burn::tensor::TensorReadError;
use burn::tensor::activation::{log_sigmoid, log_softmax, sigmoid};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::matcher::match_queries;
use super::points::{MapSize, PointBudget, PointDraws, choose_uncertain, sample_mask, sample_own};
use crate::mask::BinaryMask;

/// What an image shows: the truth the queries are compared to.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The class of each object; `None` where it is an object of unknown class: any class is right, "no object" is wrong.
    pub labels: Vec<Option<usize>>,
    /// The mask of each object, all at the same size (any size, not only that of the logits).
    pub masks: Vec<BinaryMask>,
    /// Where objects may be that nobody labelled: an unmatched query that lies mostly here is neither right nor wrong.
    pub ignore: Option<BinaryMask>,
}

/// Weights of the loss terms and the points they are taken at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SetLossConfig {
    /// Weight of the masks' binary cross-entropy.
    pub mask_coefficient: f32,
    /// Weight of the masks' dice loss.
    pub dice_coefficient: f32,
    /// Weight of the class cross-entropy.
    pub class_coefficient: f32,
    /// Weight of a "no object" query inside the class cross-entropy, relative to a matched one.
    pub no_object_coefficient: f32,
    /// Points per mask, in the matcher and in the loss.
    pub num_points: usize,
    /// Candidates drawn per point before the least certain ones are kept.
    pub oversample_ratio: f32,
    /// Share of the points taken where the prediction is least certain; the rest is uniform.
    pub importance_ratio: f32,
}

impl Default for SetLossConfig {
    fn default() -> Self {
        Self {
            mask_coefficient: 5.0,
            dice_coefficient: 5.0,
            class_coefficient: 2.0,
            no_object_coefficient: 0.1,
            num_points: 12544,
            oversample_ratio: 3.0,
            importance_ratio: 0.75,
        }
    }
}

impl SetLossConfig {
    fn budget(&self) -> PointBudget {
        let candidates = (self.num_points as f32 * self.oversample_ratio) as usize;
        let important = (self.num_points as f32 * self.importance_ratio) as usize;
        PointBudget { total: self.num_points, candidates, important }
    }

    fn check(&self) -> Result<(), LossError> {
        let budget = self.budget();
        if budget.total == 0 || budget.important > budget.total || budget.important > budget.candidates {
            return Err(LossError::Points(budget.total, budget.candidates, budget.important));
        }
        Ok(())
    }
}

/// What the sums over a whole batch are divided by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divisors {
    objects: f32,
    class_weight: f32,
}

impl Divisors {
    /// Of the batch of `targets`, each answered by `queries` queries. One that will be ignored counts as "no object".
    #[must_use]
    pub fn of(targets: &[Target], queries: usize, config: &SetLossConfig) -> Self {
        let matched = targets.iter().map(|target| target.masks.len().min(queries)).sum::<usize>();
        let unmatched = (targets.len() * queries - matched) as f32;
        let weight = matched as f32 + config.no_object_coefficient * unmatched;
        Self {
            objects: targets.iter().map(|target| target.masks.len()).sum::<usize>().max(1) as f32,
            class_weight: if weight > 0.0 { weight } else { 1.0 },
        }
    }
}

/// The loss of one prediction over a batch, or a part's share in it.
#[derive(Debug, Clone)]
pub struct SetLoss {
    /// The weighted sum of the three parts, `[1]`.
    pub total: Tensor<1>,
    /// Binary cross-entropy of the matched masks before weighting, `[1]`.
    pub mask: Tensor<1>,
    /// Dice loss of the matched masks before weighting, `[1]`.
    pub dice: Tensor<1>,
    /// Class cross-entropy before weighting, `[1]`.
    pub class: Tensor<1>,
    /// Per image, which `(query, target)` belong together, in query order.
    pub matches: Vec<Vec<(usize, usize)>>,
}

/// Why a loss could not be computed.
#[derive(Debug, Error)]
pub enum LossError {
    /// The batch and its truth differ in length.
    #[error("{logits} predictions but {targets} targets: pass one target per image")]
    Batch {
        /// Images in the logits.
        logits: usize,
        /// Targets given.
        targets: usize,
    },
    /// A target's parts differ in length.
    #[error("target {image} has {labels} labels but {masks} masks: give every object both")]
    Objects {
        /// Index of the target in the batch.
        image: usize,
        /// Its labels.
        labels: usize,
        /// Its masks.
        masks: usize,
    },
    /// A label the model has no class for.
    #[error("target {image} has label {label}, but the model knows {classes} classes: map the labels first")]
    Label {
        /// Index of the target in the batch.
        image: usize,
        /// The label.
        label: usize,
        /// How many classes the logits hold, without "no object".
        classes: usize,
    },
    /// A configuration that cannot be followed.
    #[error(
        "cannot keep {2} of {1} candidates for {0} points: raise num_points or oversample_ratio, or lower importance_ratio"
    )]
    Points(usize, usize, usize),
    /// The matcher found no assignment.
    #[error("queries could not be matched to objects ({0})")]
    Unassignable(String),
    /// The device did not hand the numbers back.
    #[error("reading the predictions back from the device failed")]
    Read(#[from] TensorReadError),
}

/// Compares `class_logits` `[B, Q, K+1]` (last column: no object) and `mask_logits` `[B, Q, h, w]` with one target per image.
///
/// `divisors` are those of the batch these images belong to.
///
/// # Errors
/// [`LossError`] if targets and logits do not fit together, the configuration is impossible or the device fails.
pub fn set_loss(
    class_logits: Tensor<3>,
    mask_logits: Tensor<4>,
    targets: &[Target],
    divisors: Divisors,
    config: &SetLossConfig,
    draws: &mut impl PointDraws,
) -> Result<SetLoss, LossError> {
    config.check()?;
    check_targets(&class_logits, targets)?;
    let matches = match_queries(class_logits.clone(), mask_logits.clone(), targets, config, draws)?;
    let verdicts = verdicts(&mask_logits, targets, &matches)?;
    let (mask, dice) = mask_losses(mask_logits, targets, &matches, config.budget(), draws)?;
    let (mask, dice) = (mask.div_scalar(divisors.objects), dice.div_scalar(divisors.objects));
    let class = class_loss(class_logits, &verdicts, config.no_object_coefficient);
    let class = class.div_scalar(divisors.class_weight);
    let total = mask.clone() * config.mask_coefficient
        + dice.clone() * config.dice_coefficient
        + class.clone() * config.class_coefficient;
    Ok(SetLoss { total, mask, dice, class, matches })
}

fn check_targets(class_logits: &Tensor<3>, targets: &[Target]) -> Result<(), LossError> {
    let [logits, _, columns] = class_logits.dims();
    let classes = columns - 1;
    if logits != targets.len() {
        return Err(LossError::Batch { logits, targets: targets.len() });
    }
    for (image, target) in targets.iter().enumerate() {
        let (labels, masks) = (target.labels.len(), target.masks.len());
        if labels != masks {
            return Err(LossError::Objects { image, labels, masks });
        }
        if let Some(&label) = target.labels.iter().flatten().find(|&&label| label >= classes) {
            return Err(LossError::Label { image, label, classes });
        }
    }
    Ok(())
}

/// What a query's class should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Class(usize),
    AnyClass,
    NoObject,
    Unjudged,
}

/// One verdict per query, image after image.
fn verdicts(
    mask_logits: &Tensor<4>,
    targets: &[Target],
    matches: &[Vec<(usize, usize)>],
) -> Result<Vec<Verdict>, LossError> {
    let [images, queries, ..] = mask_logits.dims();
    let mut verdicts = vec![Verdict::NoObject; images * queries];
    if targets.iter().any(|target| target.ignore.is_some()) {
        let ignored = lies_in_ignored(mask_logits.clone(), targets)?;
        for (verdict, _) in verdicts.iter_mut().zip(ignored).filter(|(_, ignored)| *ignored) {
            *verdict = Verdict::Unjudged;
        }
    }
    for (image, (pairs, target)) in matches.iter().zip(targets).enumerate() {
        for &(query, object) in pairs {
            verdicts[image * queries + query] =
                target.labels[object].map_or(Verdict::AnyClass, Verdict::Class);
        }
    }
    Ok(verdicts)
}

/// For each query whether more than half of its predicted mask (logit > 0) lies in its image's `ignore`.
fn lies_in_ignored(mask_logits: Tensor<4>, targets: &[Target]) -> Result<Vec<bool>, LossError> {
    let [images, queries, height, width] = mask_logits.dims();
    let size = MapSize { width, height };
    let centres = size.centres();
    let ignored = targets.iter().flat_map(|target| match &target.ignore {
        Some(ignore) => sample_mask(ignore, &centres),
        None => vec![0.0; size.area()],
    });
    let logits = mask_logits.without_autodiff().reshape([images, queries, size.area()]);
    let ignored = Tensor::<3>::from_data(
        TensorData::new(ignored.collect(), [images, 1, size.area()]),
        &logits.device(),
    );
    let predicted = logits.greater_scalar(0.0).float();
    let area = predicted.clone().sum_dim(2);
    let inside = predicted.mul(ignored).sum_dim(2);
    let measured = Tensor::cat(vec![inside, area], 2).try_into_vec_as::<f32>()?;
    Ok(measured.chunks_exact(2).map(|m| m[0] > 0.5 * m[1]).collect())
}

/// Binary cross-entropy and dice of the matched masks, each summed over pairs.
fn mask_losses(
    mask_logits: Tensor<4>,
    targets: &[Target],
    matches: &[Vec<(usize, usize)>],
    budget: PointBudget,
    draws: &mut impl PointDraws,
) -> Result<(Tensor<1>, Tensor<1>), LossError> {
    let [images, queries, height, width] = mask_logits.dims();
    let (device, size) = (mask_logits.device(), MapSize { width, height });
    let pairs = matches.iter().enumerate().flat_map(|(image, pairs)| pairs.iter().map(move |p| (image, p.0)));
    let (of_images, rows): (Vec<usize>, Vec<i32>) =
        pairs.map(|(image, query)| (image, (image * queries + query) as i32)).unzip();
    if rows.is_empty() {
        return Ok((Tensor::zeros([1], &device), Tensor::zeros([1], &device)));
    }
    let pairs = rows.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [pairs]), &device);
    let maps = mask_logits.reshape([images * queries, size.area()]).select(0, rows);
    let seen = maps.clone().without_autodiff().try_into_vec_as::<f32>()?;
    let points = choose_uncertain(&seen, &of_images, size, budget, draws);
    let truth =
        matches.iter().zip(targets).flat_map(|(pairs, t)| pairs.iter().map(|&(_, object)| &t.masks[object]));
    let truth: Vec<f32> =
        truth.zip(points.chunks_exact(2 * budget.total)).flat_map(|(mask, p)| sample_mask(mask, p)).collect();
    let truth = Tensor::<2>::from_data(TensorData::new(truth, [pairs, budget.total]), &device);
    let logits = sample_own(maps, size, &points);
    let entropy = log_sigmoid(logits.clone().neg()).add(truth.clone().mul(logits.clone())).neg();
    let mask = entropy.mean_dim(1).sum();
    let dice = dice_loss(sigmoid(logits), truth).sum();
    Ok((mask, dice))
}

/// `1 - (2·|s∩t| + 1) / (|s| + |t| + 1)` per row of two `[M, P]` maps: `[M, 1]`.
fn dice_loss(filled: Tensor<2>, truth: Tensor<2>) -> Tensor<2> {
    let overlap = filled.clone().mul(truth.clone()).sum_dim(1).mul_scalar(2.0).add_scalar(1.0);
    let area = filled.add(truth).sum_dim(1).add_scalar(1.0);
    overlap.div(area).neg().add_scalar(1.0)
}

/// Weighted cross-entropy, summed over all queries.
fn class_loss(class_logits: Tensor<3>, verdicts: &[Verdict], no_object: f32) -> Tensor<1> {
    let [_, _, columns] = class_logits.dims();
    let (device, count, classes) = (class_logits.device(), verdicts.len(), columns - 1);
    let judged = verdicts.iter().map(|&verdict| match verdict {
        Verdict::Class(class) => (class as i32, 1.0),
        Verdict::NoObject => (classes as i32, no_object),
        Verdict::AnyClass | Verdict::Unjudged => (classes as i32, 0.0),
    });
    let (labels, weights): (Vec<i32>, Vec<f32>) = judged.unzip();
    let any: Vec<i32> =
        (0..).zip(verdicts).filter(|(_, v)| **v == Verdict::AnyClass).map(|(row, _)| row).collect();
    let log_p = log_softmax(class_logits.reshape([count, columns]), 1);
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [count, 1]), &device);
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), &device);
    let mut likelihood = log_p.clone().gather(1, labels).mul(weights).sum();
    if !any.is_empty() {
        let rows = Tensor::<1, Int>::from_data(TensorData::new(any.clone(), [any.len()]), &device);
        let of_objects = log_p.select(0, rows).slice([0..any.len(), 0..classes]);
        likelihood = likelihood.add(log_sum_exp(of_objects).sum());
    }
    likelihood.neg()
}

/// `log Σ exp` along the rows of `[N, K]`: `[N, 1]`.
fn log_sum_exp(logits: Tensor<2>) -> Tensor<2> {
    let largest = logits.clone().detach().max_dim(1);
    logits.sub(largest.clone()).exp().sum_dim(1).log().add(largest)
}

#[cfg(test)]
mod tests;
