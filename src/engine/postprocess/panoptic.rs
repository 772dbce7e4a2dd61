//! `EoMT`'s panoptic segmentation (`post_process_panoptic_segmentation`), of which the things are kept.

use super::{Answer, Segment, best};
use crate::engine::SegmentOptions;
use crate::mask::BinaryMask;
use crate::pixels::PhotoLogits;

/// Segments that keep no more than this share of their query's own mask are dropped.
const LEAST_SHARE: f64 = 0.8;

/// A query that competes for pixels.
struct Rival {
    segment: Segment,
    logits: PhotoLogits,
    /// Number of pixels where it beats every other query.
    won: usize,
    /// Number of pixels it would take on its own.
    wanted: usize,
}

/// Returns queries above the threshold (probability of the best class, "no object" among them), which compete
/// for each pixel by class probability times the sigmoid of the mask logit. Stuff takes part, but only things
/// are returned, in query order.
pub(super) fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    let [width, height] = answer.letterbox.photo();
    let rival = |(query, row): (usize, Vec<f32>)| {
        let category = best(&row).filter(|class| *class < answer.num_classes)?;
        let score = Some(row[category]).filter(|score| *score > options.score_thresh)?;
        let segment = Segment { query, category, score, mask: BinaryMask::empty(width, height) };
        Some(Rival { segment, logits: answer.in_photo(query)?, won: 0, wanted: 0 })
    };
    let mut rivals: Vec<Rival> = answer.probabilities().enumerate().filter_map(rival).collect();
    for y in 0..height {
        compete(&mut rivals, y, width);
    }
    let valid =
        |rival: &Rival| rival.segment.mask.area() > 0 && rival.won as f64 / rival.wanted as f64 > LEAST_SHARE;
    let things = rivals.into_iter().filter(valid).map(|rival| rival.segment);
    things.filter(|segment| segment.category < answer.num_things).take(options.top_k).collect()
}

fn compete(rivals: &mut [Rival], y: usize, width: usize) {
    let mut winner: Vec<Option<(usize, f32)>> = vec![None; width];
    for (index, rival) in rivals.iter_mut().enumerate() {
        for (logit, winner) in rival.logits.row(y).zip(&mut winner) {
            let sigmoid = 1.0 / (1.0 + (-logit).exp());
            rival.wanted += usize::from(sigmoid >= 0.5);
            let strength = rival.segment.score * sigmoid;
            if winner.is_none_or(|(_, best)| strength > best) {
                *winner = Some((index, strength));
            }
        }
    }
    for (x, (index, strength)) in winner.into_iter().enumerate().filter_map(|(x, w)| Some((x, w?))) {
        let rival = &mut rivals[index];
        rival.won += 1;
        rival.segment.mask.set(x, y, strength / rival.segment.score >= 0.5);
    }
}
