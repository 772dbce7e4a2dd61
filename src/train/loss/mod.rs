//! The set loss of `Mask2Former` and EoMT: it matches queries to objects, then compares masks at sampled
//! points and the classes of all queries.
//!
//! ```text
//! class_logits [B, Q, K+1] ─┬─ match_queries ──▶ (query, target) pairs, no gradient
//! mask_logits  [B, Q, h, w] ┘        │
//!     pairs' masks at uncertain points ──▶ binary cross-entropy, dice   ÷ objects in the batch
//!     every query's class, unmatched = "no object" ──▶ cross-entropy    ÷ sum of weights
//! ```
//!
//! The divisors do not depend on the predictions, so a batch split into micro-batches has the same loss.

pub mod matcher;
pub mod point_sampling;

mod centre_sampling;
mod classes;
mod masks;
mod target;

use burn::prelude::*;
use burn::tensor::TensorReadError;
use clap::Args;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(in crate::train) use self::centre_sampling::{Centres, coverage};
use self::classes::{class_loss, lies_in_ignored, verdicts};
use self::masks::{MaskLosses, mask_losses};
use self::matcher::match_queries;
use self::point_sampling::{PointBudget, PointDraws};
pub use self::target::Target;
use self::target::confidences;
use crate::args::{at_least_one, defaults};
use crate::train::Peers;

/// Weights of the loss terms and the points they are taken at.
#[derive(Debug, Clone, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SetLossConfig {
    /// Weight of the masks' binary cross-entropy.
    #[arg(skip = 5.0)]
    pub mask_coefficient: f32,
    /// Weight of the masks' dice loss.
    #[arg(skip = 5.0)]
    pub dice_coefficient: f32,
    /// Weight of the class cross-entropy.
    #[arg(skip = 2.0)]
    pub class_coefficient: f32,
    /// Weight of a "no object" query inside the class cross-entropy, relative to a matched one.
    #[arg(skip = 0.1)]
    pub no_object_coefficient: f32,
    /// Number of points sampled per mask for matching and loss.
    #[arg(long = "points", default_value_t = 2048, value_name = "POINTS", value_parser = at_least_one)]
    #[arg(help_heading = "Optimisation")]
    pub num_points: usize,
    /// Candidates drawn per point before the least certain ones are kept.
    #[arg(skip = 3.0)]
    pub oversample_ratio: f32,
    /// Share of the points taken where the prediction is least certain; the rest is uniform.
    #[arg(skip = 0.75)]
    pub importance_ratio: f32,
}

impl Default for SetLossConfig {
    fn default() -> Self {
        defaults()
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

/// The divisors of sums over a whole batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Divisors {
    objects: f32,
    class_weight: f32,
}

impl Divisors {
    /// Returns the divisors of the batch of `targets` with `queries` queries each. Queries that will be
    /// ignored count as "no object".
    #[must_use]
    pub fn of(targets: &[Target], queries: usize, config: &SetLossConfig) -> Self {
        let matched = targets.iter().map(|target| target.masks.len().min(queries)).sum::<usize>();
        let unmatched = (targets.len() * queries - matched) as f32;
        let weight = matched as f32 + config.no_object_coefficient * unmatched;
        Self { objects: targets.iter().map(Target::objects).sum(), class_weight: weight }
    }

    /// Returns the divisors if every patch is a query: the confidences summed over the patches that predict a
    /// mask, and over those at the centre of objects.
    pub(crate) fn of_centres(targets: &[Target], centres: &[Centres]) -> Self {
        let mut divisors = Self { objects: 0.0, class_weight: 0.0 };
        for (target, centres) in targets.iter().zip(centres) {
            divisors.objects += centres.drawn().map(|pair| target.confidence(pair.1)).sum::<f32>();
            divisors.class_weight += centres.pairs.iter().map(|pair| target.confidence(pair.1)).sum::<f32>();
        }
        divisors
    }

    /// Adds up the divisors of all processes' parts of the batch.
    pub(crate) fn summed(self, peers: &dyn Peers) -> Self {
        let mut both = [self.objects, self.class_weight];
        peers.sum(&mut both);
        Self { objects: both[0], class_weight: both[1] }
    }

    /// Returns the divisor of the mask losses.
    fn of_masks(self) -> f32 {
        self.objects.max(1.0)
    }

    /// Returns the divisor of the class loss.
    fn of_classes(self) -> f32 {
        if self.class_weight > 0.0 { self.class_weight } else { 1.0 }
    }
}

/// The loss of one prediction for a batch, or the share of a micro-batch in it.
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
    /// The matched `(query, target)` pairs of each image, in query order.
    pub matches: Vec<Vec<(usize, usize)>>,
}

/// The reason why a loss could not be computed.
#[derive(Debug, Error)]
pub enum LossError {
    /// Predictions and targets differ in number.
    #[error("{logits} predictions but {targets} targets: pass one target per image")]
    Batch {
        /// Number of images in the logits.
        logits: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A target has a different number of labels and masks.
    #[error("target {image} has {labels} labels but {masks} masks: give every object both")]
    Objects {
        /// Index of the target in the batch.
        image: usize,
        /// Number of labels.
        labels: usize,
        /// Number of masks.
        masks: usize,
    },
    /// A label is not among the model's classes.
    #[error("target {image} has label {label}, but the model knows {classes} classes: map the labels first")]
    Label {
        /// Index of the target in the batch.
        image: usize,
        /// The label.
        label: usize,
        /// Number of classes in the logits, without "no object".
        classes: usize,
    },
    /// The numbers of points are inconsistent.
    #[error(
        "cannot keep {2} of {1} candidates for {0} points: raise num_points or oversample_ratio, or lower importance_ratio"
    )]
    Points(usize, usize, usize),
    /// The matcher found no assignment.
    #[error("queries could not be matched to objects ({0})")]
    Unassignable(String),
    /// Predictions could not be read back from the device.
    #[error("reading the predictions back from the device failed")]
    Read(#[from] TensorReadError),
}

/// Computes the set loss of `class_logits` `[B, Q, K+1]` (last column: no object) and `mask_logits` `[B, Q,
/// h, w]` with one target per image.
///
/// `divisors` are those of the batch that contains these images.
///
/// # Errors
/// [`LossError`] if targets and logits do not match, the configuration is invalid or the device fails.
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
    let unjudged = if targets.iter().any(|target| target.ignore.is_some()) {
        lies_in_ignored(mask_logits.clone(), targets)?
    } else {
        vec![false; mask_logits.dims()[..2].iter().product()]
    };
    let confidences = confidences(targets, &matches);
    let masks = mask_losses(mask_logits, targets, &matches, &confidences, config.budget(), draws)?;
    let verdicts = verdicts(&unjudged, targets, &matches, |pair| confidences[pair]);
    let class = class_loss(class_logits, &verdicts, config.no_object_coefficient);
    Ok(weighted((masks, class), matches, divisors, config))
}

/// Computes the loss if every patch is a query and `centres` assigns patches to objects; all queries have
/// equal weight. `mask_logits`, `[B, N, h, w]`, are those of each image's [`Centres::drawn`], in that order.
///
/// The target probability of a patch's class is the quality of its mask (its intersection over union with the
/// object, times the object's confidence). The score then ranks masks, not only objects (Generalized Focal
/// Loss, <https://arxiv.org/abs/2006.04388>).
///
/// # Errors
/// The errors of [`set_loss`].
pub(crate) fn centre_loss(
    class_logits: Tensor<3>,
    mask_logits: Tensor<4>,
    (targets, centres): (&[Target], &[Centres]),
    divisors: Divisors,
    config: &SetLossConfig,
    draws: &mut impl PointDraws,
) -> Result<SetLoss, LossError> {
    config.check()?;
    check_targets(&class_logits, targets)?;
    let matches: Vec<_> = centres.iter().map(|centres| centres.pairs.clone()).collect();
    let unjudged: Vec<bool> = centres.iter().flat_map(|centres| centres.unjudged.iter().copied()).collect();
    let drawn: Vec<Vec<_>> =
        centres.iter().map(|centres| centres.drawn().map(|pair| pair.1).enumerate().collect()).collect();
    let confidences = confidences(targets, &drawn);
    let masks = mask_losses(mask_logits, targets, &drawn, &confidences, config.budget(), draws)?;
    let overlaps = masks.overlaps(targets, &drawn);
    // The pairs come first among the drawn patches of each image.
    let ends = drawn.iter().scan(0, |end, drawn| {
        *end += drawn.len();
        Some(*end)
    });
    let of_pairs = ends.zip(&drawn).zip(&matches).flat_map(|((end, drawn), pairs)| {
        let start = end - drawn.len();
        start..start + pairs.len()
    });
    let qualities: Vec<f32> = of_pairs.map(|at| overlaps[at] * confidences[at]).collect();
    let verdicts = verdicts(&unjudged, targets, &matches, |pair| qualities[pair]);
    let class = class_loss(class_logits, &verdicts, 1.0);
    Ok(weighted((masks, class), matches, divisors, config))
}

fn weighted(
    (masks, class): (MaskLosses, Tensor<1>),
    matches: Vec<Vec<(usize, usize)>>,
    divisors: Divisors,
    config: &SetLossConfig,
) -> SetLoss {
    let mask = masks.entropy.div_scalar(divisors.of_masks());
    let dice = masks.dice.div_scalar(divisors.of_masks());
    let class = class.div_scalar(divisors.of_classes());
    let total = mask.clone() * config.mask_coefficient
        + dice.clone() * config.dice_coefficient
        + class.clone() * config.class_coefficient;
    SetLoss { total, mask, dice, class, matches }
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

#[cfg(test)]
mod tests;
