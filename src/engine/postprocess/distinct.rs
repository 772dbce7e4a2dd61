//! The selection for people: every object once, no specks.

use std::collections::HashMap;

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;

/// Masks with fewer positive logits than this are specks.
const LEAST_CELLS: usize = 4;

/// Masks whose intersection over union exceeds this are about the same place.
const NEAR: f64 = 0.1;
/// Masks whose intersection over union exceeds this agree.
const ALIKE: f64 = 0.5;

/// Returns queries (or pairs of query and class) scored by class probability times certainty of the mask,
/// best first.
///
/// The better one stays of two that are one object by [`SegmentOptions::overlap_thresh`] or
/// [`SegmentOptions::containment_thresh`]. If every patch is a query, the score is also
/// multiplied by the [`agreement`] of the other masks nearby.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let candidates = if options.every_class { answer.pairs() } else { answer.claims(options.any_class) };
    // Masks are compared at the model's resolution: only those that are kept have to be enlarged to the
    // photo.
    let measure = |&query: &usize| Some((query, (answer.drawn(query)?, answer.certainty(query)?)));
    let mut drawn: HashMap<usize, (BinaryMask, f32)> =
        answer.logits.queries.iter().filter_map(measure).collect();
    if answer.dense {
        let shares = agreement(&drawn, &answer.claims(true));
        drawn.iter_mut().for_each(|(query, (_, certainty))| *certainty *= shares.get(query).unwrap_or(&1.0));
    }
    let scored = |claim: Claim| {
        let (mask, certainty) = drawn.get(&claim.query)?;
        let score = claim.probability * certainty;
        let shown = mask.area() >= LEAST_CELLS && score > 0.0 && score >= options.score_thresh;
        shown.then_some((claim, score))
    };
    let mut claims: Vec<(Claim, f32)> = candidates.into_iter().filter_map(scored).collect();
    claims.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<(Claim, f32)> = Vec::new();
    for (claim, score) in claims {
        if kept.len() == options.top_k {
            break;
        }
        let is_same = |(better, _): &(Claim, f32)| {
            let (mask, other) = (&drawn[&better.query].0, &drawn[&claim.query].0);
            let same_class = better.category == claim.category;
            (same_class || !options.every_class) && mask.iou(other) > f64::from(options.overlap_thresh)
                || same_class && mask.containment(other) > f64::from(options.containment_thresh)
        };
        if !kept.iter().any(is_same) {
            kept.push((claim, score));
        }
    }
    let segment = |(Claim { query, category, .. }, score)| {
        Some(Segment { query, category, score, mask: answer.whole_in_photo(query)?.mask() })
    };
    kept.into_iter().filter_map(segment).collect()
}

/// Returns for each query the score-weighted share of overlapping masks that agree with its own, 0 to 1.
fn agreement(drawn: &HashMap<usize, (BinaryMask, f32)>, claims: &[Claim]) -> HashMap<usize, f32> {
    let said = |claim: &Claim| {
        let (mask, certainty) = drawn.get(&claim.query)?;
        Some((claim.query, mask, claim.probability * certainty))
    };
    let said: Vec<_> = claims.iter().filter_map(said).collect();
    // Sums of weights over the masks that agree, and over the masks nearby; each mask counts itself.
    let own =
        |(_, mask, weight): &(usize, &BinaryMask, f32)| [if mask.area() > 0 { *weight } else { 0.0 }; 2];
    let mut sums: Vec<[f32; 2]> = said.iter().map(own).collect();
    for (other, (_, other_mask, other_weight)) in said.iter().enumerate() {
        for (one, (_, mask, weight)) in said.iter().enumerate().take(other) {
            let overlap = mask.iou(other_mask);
            for (kind, _) in [ALIKE, NEAR].into_iter().enumerate().filter(|(_, least)| overlap > *least) {
                sums[one][kind] += other_weight;
                sums[other][kind] += weight;
            }
        }
    }
    let shares = sums.into_iter().map(|[alike, near]| alike / near.max(f32::MIN_POSITIVE));
    said.into_iter().map(|(query, ..)| query).zip(shares).collect()
}
