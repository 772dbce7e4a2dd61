//! Turns logits into objects; step 6 of the path.
//!
//! Works on plain slices: sorting on a GPU in a browser would need a blocking read, and a hundred queries
//! take microseconds on a CPU.

mod distinct;
mod fitted;
mod mixed;
mod painted;
mod pairs;
mod panoptic;
mod pieces;
mod places;
pub(super) mod prompted;

pub(super) use places::Places;

use super::{Logits, SegmentOptions, Selection};
use crate::image::RgbImage;
use crate::mask::BinaryMask;
use crate::pixels::{Letterbox, PhotoLogits};

/// An object that a query claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Index of the query.
    pub query: usize,
    /// Index of the class.
    pub category: usize,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// The object's pixels, at the photo's size; may be empty where other segments were painted over it.
    pub mask: BinaryMask,
}

/// The model's output for one photo, with what is needed to interpret it.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The logits.
    pub logits: &'a Logits,
    /// Number of classes K, without "no object".
    pub num_classes: usize,
    /// Classes from this index on are stuff, not things, and never returned.
    pub num_things: usize,
    /// The position of the photo on the model's canvas.
    pub letterbox: Letterbox,
    /// Whether every patch is a query, so that neighbouring patches are meant to answer for the same object.
    pub dense: bool,
    /// The photo as it lies on the model's canvas, to whose edges the masks of patches are refined; without
    /// it masks stay as they were drawn.
    pub guide: Option<&'a RgbImage>,
}

/// Finds the objects by the rule of [`SegmentOptions::selection`], in that rule's order.
#[must_use]
pub fn find(answer: &Answer<'_>, options: &SegmentOptions) -> Vec<Segment> {
    match options.selection {
        Selection::Distinct => distinct::find(answer, options),
        Selection::Painted => painted::find(answer, options),
        Selection::Pairs => pairs::find(answer, options),
        Selection::Panoptic => panoptic::find(answer, options),
    }
}

/// Returns the queries that are an object of any class with a probability of at least `least`; no rule
/// returns other queries. `class_logits` holds `columns` values per query.
pub(super) fn likely(class_logits: &[f32], columns: usize, least: f32) -> Vec<usize> {
    let objectness = |row: &[f32]| softmax(row).iter().take(columns - 1).sum::<f32>();
    let rows = class_logits.chunks_exact(columns).enumerate();
    rows.filter(|(_, row)| objectness(row) >= least).map(|(query, _)| query).collect()
}

/// A query with one of its classes as a candidate object.
#[derive(Debug, Clone, Copy)]
struct Claim {
    query: usize,
    category: usize,
    probability: f32,
}

impl Answer<'_> {
    /// Returns the class probabilities of each query, "no object" last.
    fn probabilities(&self) -> impl Iterator<Item = Vec<f32>> {
        self.logits.class_logits.chunks_exact(self.num_classes + 1).map(softmax)
    }

    /// Returns the class probabilities of one query.
    fn probabilities_of(&self, query: usize) -> Vec<f32> {
        let columns = self.num_classes + 1;
        self.logits.class_logits.get(query * columns..(query + 1) * columns).map(softmax).unwrap_or_default()
    }

    /// Returns each query with its best class, including stuff; with `any_class` its best thing, scored by
    /// the sum over all things.
    fn best_claims(&self, any_class: bool) -> Vec<Claim> {
        let claim = |(query, row): (usize, Vec<f32>)| {
            let considered = if any_class { self.num_things } else { self.num_classes };
            let category = best(&row[..considered])?;
            let probability = if any_class { row[..self.num_things].iter().sum() } else { row[category] };
            Some(Claim { query, category, probability })
        };
        self.probabilities().enumerate().filter_map(claim).collect()
    }

    /// Returns those of [`best_claims`](Self::best_claims) that are things.
    fn claims(&self, any_class: bool) -> Vec<Claim> {
        let mut claims = self.best_claims(any_class);
        claims.retain(|claim| claim.category < self.num_things);
        claims
    }

    /// Returns each query with each thing.
    fn pairs(&self) -> Vec<Claim> {
        let of_query = |(query, row): (usize, Vec<f32>)| {
            let things = row.into_iter().take(self.num_things).enumerate();
            things.map(move |(category, probability)| Claim { query, category, probability })
        };
        self.probabilities().enumerate().flat_map(of_query).collect()
    }

    /// Returns the query's mask logits on the whole canvas, row-major, if its mask was drawn.
    fn plane(&self, query: usize) -> Option<&[f32]> {
        let at = self.logits.queries.binary_search(&query).ok()?;
        let size = self.logits.grid[0] * self.logits.grid[1];
        self.logits.mask_logits.get(at * size..(at + 1) * size)
    }

    /// Returns the query's mask on the canvas, at the resolution of the logits.
    fn drawn(&self, query: usize) -> Option<BinaryMask> {
        let ([_, width], plane) = (self.logits.grid, self.plane(query)?);
        Some(BinaryMask::from_fn(width, plane.len() / width, |x, y| plane[y * width + x] > 0.0))
    }

    /// Returns how certain a query is of its mask: the soft intersection over union of the mask with its
    /// probabilities, 0 to 1.
    ///
    /// Unlike the mean probability inside the mask, it is low for specks in a haze.
    fn certainty(&self, query: usize) -> Option<f32> {
        let [inside, union] = mae_seg_kernels::soft_intersection_and_union(self.plane(query)?);
        Some(inside / (union + 1e-6))
    }

    fn in_photo(&self, query: usize) -> Option<PhotoLogits> {
        let [height, width] = self.logits.grid;
        self.letterbox.logits_in_photo(self.plane(query)?, width, height)
    }

    /// Returns the mask logits on the photo; if every patch is a query, without components that are much
    /// smaller than the largest one, with small holes filled, and refined to the edges of the photo.
    fn whole_in_photo(&self, query: usize) -> Option<PhotoLogits> {
        if !self.dense {
            return self.in_photo(query);
        }
        let [height, width] = self.logits.grid;
        let whole = pieces::without_holes(&pieces::without_small(self.plane(query)?, width), width);
        self.following(&whole, width, height)
    }

    /// Returns mask logits on the photo's pixels, refined to its edges.
    fn following(&self, plane: &[f32], width: usize, height: usize) -> Option<PhotoLogits> {
        let logits = self.letterbox.logits_in_photo(plane, width, height)?;
        let Some(guide) = self.guide else { return Some(logits) };
        Some(logits.redrawn(|content, width| {
            let mask = BinaryMask::from_fn(width, content.len() / width, |x, y| content[y * width + x] > 0.0);
            let followed = mask.followed(guide);
            // Masks that are too thin for the filter stay as they are.
            if followed.iter().any(|share| *share > 0.0) { followed } else { content.to_vec() }
        }))
    }
}

/// Returns the index of the largest value, the first of equal ones.
fn best(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, at| if values[at] > values[best] { at } else { best })
}

fn softmax(row: &[f32]) -> Vec<f32> {
    let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = row.iter().map(|value| (value - most).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests;
