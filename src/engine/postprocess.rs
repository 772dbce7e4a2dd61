//! Logits to ranked candidates; step 6 of the path.
//!
//! Runs on plain slices: sorting on a GPU in a browser would need a blocking read, and a hundred queries are
//! microseconds on a CPU.

use super::{Logits, SegmentOptions};
use crate::mask::BinaryMask;
use crate::pixels::Letterbox;

/// A query that claims an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Index of the query.
    pub query: usize,
    /// Index of the class.
    pub category: usize,
    /// Class probability times mask quality, 0 to 1.
    pub score: f32,
}

impl Candidate {
    /// The query's mask at the photo's own size.
    #[must_use]
    pub fn mask(&self, logits: &Logits, letterbox: Letterbox) -> BinaryMask {
        let [height, width] = logits.grid;
        letterbox.mask_to_photo(plane(logits, self.query), width, height)
    }
}

/// The best (query, class) pairs: softmax probability without "no object", times the mean sigmoid inside the mask
/// (`EoMT`'s instance rule), best first; [`SegmentOptions`] says how many and how much they may overlap.
#[must_use]
pub fn rank(
    logits: &Logits,
    num_classes: usize,
    letterbox: Letterbox,
    options: &SegmentOptions,
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (query, row) in logits.class_logits.chunks_exact(num_classes + 1).enumerate() {
        let quality = mask_quality(&content(logits, query, letterbox));
        if quality == 0.0 {
            continue;
        }
        let probabilities = &softmax(row)[..num_classes];
        let mut scored: Vec<(usize, f32)> = probabilities.iter().copied().enumerate().collect();
        if options.any_class {
            scored.sort_by(|a, b| b.1.total_cmp(&a.1));
            scored.truncate(1);
            scored.iter_mut().for_each(|(_, p)| *p = probabilities.iter().sum());
        }
        candidates.extend(scored.iter().map(|&(category, p)| Candidate {
            query,
            category,
            score: p * quality,
        }));
    }
    candidates.retain(|candidate| candidate.score >= options.score_thresh);
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    if options.overlap_thresh < 1.0 {
        candidates = without_repeats(candidates, logits, letterbox, options);
    }
    candidates.truncate(options.top_k);
    candidates
}

fn plane(logits: &Logits, query: usize) -> &[f32] {
    let size = logits.grid[0] * logits.grid[1];
    &logits.mask_logits[query * size..(query + 1) * size]
}

/// The part of a query's mask logits that lies on the photo, not on the padding.
fn content(logits: &Logits, query: usize, letterbox: Letterbox) -> Vec<f32> {
    let ([height, width], [content_w, content_h]) = (logits.grid, letterbox.content());
    let columns = (content_w * width).div_ceil(letterbox.canvas());
    let rows = (content_h * height).div_ceil(letterbox.canvas());
    plane(logits, query)
        .chunks_exact(width)
        .take(rows)
        .flat_map(|row| &row[..columns.min(width)])
        .copied()
        .collect()
}

/// Mean sigmoid over the pixels with a positive logit; 0 for an empty mask.
#[expect(clippy::cast_precision_loss, reason = "pixel counts are small")]
fn mask_quality(logits: &[f32]) -> f32 {
    let inside = logits.iter().filter(|logit| **logit > 0.0);
    let (sum, count) =
        inside.fold((0.0, 0), |(sum, count), logit| (sum + 1.0 / (1.0 + (-logit).exp()), count + 1));
    if count == 0 { 0.0 } else { sum / (count as f32 + 1e-6) }
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = row.iter().map(|value| (value - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// Keeps a candidate when no better one has its query or mostly its mask.
fn without_repeats(
    candidates: Vec<Candidate>,
    logits: &Logits,
    letterbox: Letterbox,
    options: &SegmentOptions,
) -> Vec<Candidate> {
    let mut kept: Vec<(Candidate, Vec<bool>)> = Vec::new();
    for candidate in candidates {
        if kept.len() == options.top_k {
            break;
        }
        let mask: Vec<bool> =
            content(logits, candidate.query, letterbox).iter().map(|logit| *logit > 0.0).collect();
        let repeats = kept.iter().any(|(better, other)| {
            better.query == candidate.query || overlap(&mask, other) > options.overlap_thresh
        });
        if !repeats {
            kept.push((candidate, mask));
        }
    }
    kept.into_iter().map(|(candidate, _)| candidate).collect()
}

#[expect(clippy::cast_precision_loss, reason = "pixel counts are small")]
fn overlap(a: &[bool], b: &[bool]) -> f32 {
    let both = a.iter().zip(b).filter(|(a, b)| **a && **b).count();
    let either = a.iter().zip(b).filter(|(a, b)| **a || **b).count();
    if either == 0 { 0.0 } else { both as f32 / either as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three queries on a 2×2 grid, one class: left half, left half again, nothing.
    fn logits() -> Logits {
        Logits {
            class_logits: vec![2.0, 0.0, 1.0, 0.0, 5.0, 0.0],
            mask_logits: vec![3.0, -3.0, 3.0, -3.0, 2.0, -2.0, 2.0, -2.0, -1.0, -1.0, -1.0, -1.0],
            grid: [2, 2],
        }
    }

    #[test]
    fn score_is_probability_times_quality() {
        let ranked = rank(&logits(), 1, Letterbox::fit(8, 8, 8), &SegmentOptions::evaluation());
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let scores: Vec<f32> = ranked.iter().map(|candidate| candidate.score).collect();
        assert_eq!(
            ranked.iter().map(|c| c.query).collect::<Vec<_>>(),
            vec![0, 1],
            "empty masks are no objects"
        );
        assert!((scores[0] - sigmoid(2.0) * sigmoid(3.0)).abs() < 1e-5, "{scores:?}");
        assert!((scores[1] - sigmoid(1.0) * sigmoid(2.0)).abs() < 1e-5, "{scores:?}");
    }

    #[test]
    fn one_object_is_shown_once() {
        let ranked = rank(&logits(), 1, Letterbox::fit(8, 8, 8), &SegmentOptions::default());
        assert_eq!(ranked.iter().map(|c| c.query).collect::<Vec<_>>(), vec![0]);
    }

    #[test]
    fn any_class_adds_up_the_classes_of_a_query() {
        let logits = Logits { class_logits: vec![1.0, 2.0, 0.0], mask_logits: vec![100.0; 4], grid: [2, 2] };
        let options = SegmentOptions { any_class: true, ..SegmentOptions::evaluation() };
        let ranked = rank(&logits, 2, Letterbox::fit(8, 8, 8), &options);
        let object = 1.0 - 1.0 / (1f32.exp() + 2f32.exp() + 1.0);
        assert_eq!((ranked.len(), ranked[0].category), (1, 1), "{ranked:?}");
        assert!((ranked[0].score - object).abs() < 1e-5, "{ranked:?}");
    }

    #[test]
    fn padding_does_not_count() {
        let mut logits = logits();
        logits.mask_logits[..4].copy_from_slice(&[-1.0, -1.0, 9.0, 9.0]);
        let ranked = rank(&logits, 1, Letterbox::fit(8, 4, 8), &SegmentOptions::evaluation());
        assert_eq!(ranked.iter().map(|c| c.query).collect::<Vec<_>>(), vec![1]);
    }
}
