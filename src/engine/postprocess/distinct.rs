//! For people: every object once, no specks.

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;

/// A mask with fewer positive logits than this is a speck.
const LEAST_CELLS: usize = 4;

/// Queries by probability times certainty of their masks, best first; of two that are one object by
/// [`SegmentOptions::overlap_thresh`] or [`SegmentOptions::containment_thresh`], the better one stays.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    // Compared as the model drew them: only what is kept has to be enlarged to the photo.
    let mut claims: Vec<(Claim, f32, BinaryMask)> = answer
        .claims(options.any_class)
        .into_iter()
        .filter(|claim| claim.probability >= options.score_thresh)
        .map(|claim| (claim, claim.probability * answer.certainty(claim.query), answer.drawn(claim.query)))
        .filter(|(_, _, drawn)| drawn.area() >= LEAST_CELLS)
        .filter(|(_, score, _)| *score > 0.0 && *score >= options.score_thresh)
        .collect();
    claims.sort_by(|a, b| b.1.total_cmp(&a.1));
    let mut kept: Vec<(Claim, f32, BinaryMask)> = Vec::new();
    for (claim, score, drawn) in claims {
        if kept.len() == options.top_k {
            break;
        }
        let is_same = |(better, _, mask): &(Claim, f32, BinaryMask)| {
            mask.iou(&drawn) > f64::from(options.overlap_thresh)
                || better.category == claim.category
                    && mask.containment(&drawn) > f64::from(options.containment_thresh)
        };
        if !kept.iter().any(is_same) {
            kept.push((claim, score, drawn));
        }
    }
    let segment = |(Claim { query, category, .. }, score, _)| {
        Some(Segment { query, category, score, mask: answer.in_photo(query)?.mask() })
    };
    kept.into_iter().filter_map(segment).collect()
}
