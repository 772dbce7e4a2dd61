//! `EoMT`'s instance segmentation (`post_process_instance_segmentation`).

use super::{Answer, Claim, Segment};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;

/// Returns every query whose class probability times mask quality reaches the threshold, in query order; a
/// pixel belongs to the last query that claims it. Stuff takes part, but only things are returned.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let painted = answer.best_claims(options.any_class).into_iter().filter_map(|claim| {
        let Claim { query, category, probability } = claim;
        // The quality is at most 1: queries that cannot reach the threshold need not be measured.
        let logits = (probability >= options.score_thresh).then(|| answer.in_photo(query))??;
        let score = probability * logits.quality();
        let mask = logits.mask();
        (score >= options.score_thresh && mask.area() > 0).then_some(Segment { query, category, score, mask })
    });
    let mut segments: Vec<Segment> = painted.collect();
    let photo = answer.letterbox.photo();
    let mut covered = BinaryMask::empty(photo[0], photo[1]);
    for segment in segments.iter_mut().rev() {
        let own = segment.mask.clone();
        segment.mask.subtract(&covered);
        covered.add(&own);
    }
    segments.retain(|segment| segment.category < answer.num_things);
    segments.truncate(options.top_k);
    segments
}
