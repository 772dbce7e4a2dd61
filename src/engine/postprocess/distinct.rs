//! For people: every object once, no specks.

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;

/// A mask with fewer positive logits than this is a speck.
const LEAST_CELLS: usize = 4;

/// Queries by probability times certainty of their masks, best first; of two masks that overlap more than
/// [`SegmentOptions::overlap_thresh`], the better one stays.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let mut claims: Vec<(Claim, f32)> = answer
        .claims(options.any_class)
        .into_iter()
        .filter(|claim| claim.probability >= options.score_thresh)
        .filter(|claim| answer.plane(claim.query).iter().filter(|l| **l > 0.0).count() >= LEAST_CELLS)
        .map(|claim| (claim, claim.probability * answer.certainty(claim.query)))
        .filter(|(_, score)| *score > 0.0 && *score >= options.score_thresh)
        .collect();
    claims.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<Segment> = Vec::new();
    for (Claim { query, category, .. }, score) in claims {
        if kept.len() == options.top_k {
            break;
        }
        let Some(logits) = answer.in_photo(query) else { continue };
        let mask = logits.mask();
        if kept.iter().all(|better| better.mask.iou(&mask) <= f64::from(options.overlap_thresh)) {
            kept.push(Segment { query, category, score, mask });
        }
    }
    kept
}
