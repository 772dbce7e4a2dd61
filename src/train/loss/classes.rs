//! Class targets of the queries, and their cross-entropy.

use burn::prelude::*;
use burn::tensor::activation::log_softmax;

use super::point_sampling::{MapSize, sample_mask};
use super::{LossError, Target};

/// The class target of a query, with its target probability (0 to 1) relative to "no object".
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    Class(usize, f32),
    AnyClass(f32),
    NoObject,
    Unjudged,
}

/// Returns the class target of each query, image after image; `quality` maps the index of a pair, counted
/// over all images, to its target probability.
pub(super) fn verdicts(
    unjudged: &[bool],
    targets: &[Target],
    matches: &[Vec<(usize, usize)>],
    quality: impl Fn(usize) -> f32,
) -> Vec<Verdict> {
    let unmatched = |&unjudged: &bool| if unjudged { Verdict::Unjudged } else { Verdict::NoObject };
    let mut verdicts: Vec<Verdict> = unjudged.iter().map(unmatched).collect();
    let queries = verdicts.len() / targets.len().max(1);
    let pairs = matches.iter().zip(targets).enumerate().flat_map(|(image, (pairs, target))| {
        pairs.iter().map(move |&(query, object)| (image * queries + query, target.labels[object]))
    });
    for (pair, (query, label)) in pairs.enumerate() {
        let quality = quality(pair);
        verdicts[query] = label.map_or(Verdict::AnyClass(quality), |label| Verdict::Class(label, quality));
    }
    verdicts
}

/// Returns for each query whether more than half of its predicted mask (logit > 0) lies in its image's
/// `ignore`.
pub(super) fn lies_in_ignored(mask_logits: Tensor<4>, targets: &[Target]) -> Result<Vec<bool>, LossError> {
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

/// Returns the weighted cross-entropy, summed over all queries.
pub(super) fn class_loss(class_logits: Tensor<3>, verdicts: &[Verdict], no_object: f32) -> Tensor<1> {
    let [_, _, columns] = class_logits.dims();
    let (device, count, classes) = (class_logits.device(), verdicts.len(), columns - 1);
    let mut wanted = vec![0.0; count * columns];
    for (row, verdict) in wanted.chunks_exact_mut(columns).zip(verdicts) {
        match *verdict {
            Verdict::Class(class, quality) => (row[class], row[classes]) = (quality, 1.0 - quality),
            Verdict::AnyClass(quality) => row[classes] = 1.0 - quality,
            Verdict::NoObject => row[classes] = no_object,
            Verdict::Unjudged => {}
        }
    }
    let any = (0..).zip(verdicts).filter_map(|(row, verdict)| match verdict {
        Verdict::AnyClass(quality) => Some((row, *quality)),
        _ => None,
    });
    let (any, qualities): (Vec<i32>, Vec<f32>) = any.unzip();
    let log_p = log_softmax(class_logits.reshape([count, columns]), 1);
    let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [count, columns]), &device);
    let mut likelihood = log_p.clone().mul(wanted).sum();
    if !any.is_empty() {
        let rows = any.len();
        let any = Tensor::<1, Int>::from_data(TensorData::new(any, [rows]), &device);
        let qualities = Tensor::<2>::from_data(TensorData::new(qualities, [rows, 1]), &device);
        let of_objects = log_p.select(0, any).slice([0..rows, 0..classes]);
        likelihood = likelihood.add(log_sum_exp(of_objects).mul(qualities).sum());
    }
    likelihood.neg()
}

/// Returns `log Σ exp` along the rows of `[N, K]`, `[N, 1]`.
fn log_sum_exp(logits: Tensor<2>) -> Tensor<2> {
    let largest = logits.clone().detach().max_dim(1);
    logits.sub(largest.clone()).exp().sum_dim(1).log().add(largest)
}
