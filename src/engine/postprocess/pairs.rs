//! The pairs of query and class on which average precision is measured, as by the authors of `EoMT`.

use std::collections::HashMap;

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;

/// Returns the [`SegmentOptions::top_k`] most probable (query, class) pairs, best first, each scored by its
/// probability times the mean probability inside the mask. Masks overlap, and a query may occur with several
/// classes.
///
/// The second factor is the certainty of the mask with [`SegmentOptions::any_class`], for which there is no
/// published rule.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let mut claims = if options.any_class { answer.claims(true) } else { answer.pairs() };
    claims.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    claims.truncate(options.top_k);
    let mut measured: HashMap<usize, Option<(BinaryMask, f32)>> = HashMap::new();
    let mut segments: Vec<Segment> = claims
        .into_iter()
        .filter_map(|Claim { query, category, probability }| {
            let measure = || {
                let logits = answer.in_photo(query)?;
                let quality = if options.any_class { answer.certainty(query)? } else { logits.quality() };
                Some((logits.mask(), quality))
            };
            let (mask, quality) = measured.entry(query).or_insert_with(measure).as_ref()?;
            let segment = Segment { query, category, score: probability * quality, mask: mask.clone() };
            (mask.area() > 0 && segment.score >= options.score_thresh).then_some(segment)
        })
        .collect();
    segments.sort_by(|a, b| b.score.total_cmp(&a.score));
    segments
}
