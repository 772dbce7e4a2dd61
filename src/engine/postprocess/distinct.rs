//! For people: every object once, no specks.

use std::collections::HashMap;

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;

/// A mask with fewer positive logits than this is a speck.
const LEAST_CELLS: usize = 4;

/// Queries (or pairs of query and class) by probability times certainty of their masks, best first; of two that are one object by
/// [`SegmentOptions::overlap_thresh`] or [`SegmentOptions::containment_thresh`], the better one stays.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let candidates = if options.every_class { answer.pairs() } else { answer.claims(options.any_class) };
    // Compared as the model drew them: only what is kept has to be enlarged to the photo.
    let measure = |&query: &usize| Some((query, (answer.drawn(query)?, answer.certainty(query)?)));
    let drawn: HashMap<usize, (BinaryMask, f32)> = answer.logits.queries.iter().filter_map(measure).collect();
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
        Some(Segment { query, category, score, mask: answer.in_photo(query)?.mask() })
    };
    kept.into_iter().filter_map(segment).collect()
}
