//! The object at a prompt.

use super::fitted::fitted;
use super::mixed::Mixed;
use super::places::{Place, Places};
use super::{Answer, Segment, pieces};
use crate::mask::BinaryMask;
use crate::prompt::Prompt;

/// The logit that one cell of distance counts where positive and negative places both claim a cell.
const NEARER: f32 = 0.5;
/// Masks whose intersection over union exceeds this are not alternatives to each other.
const ALIKE: f64 = 0.75;

/// Returns the likeliest mask first, then up to `at_most` − 1 others that cover the positive places and leave
/// out the negative ones: first the larger ones from the next larger on, then the smaller ones from the
/// smallest on.
pub(in crate::engine) fn find(
    answer: &Answer<'_>,
    prompt: &Prompt,
    places: &Places,
    at_most: usize,
) -> Vec<Segment> {
    let Some(likeliest) = united(answer, places) else { return Vec::new() };
    let mut found = vec![Shaped::new(answer, places, likeliest)];
    for other in fitting(answer, places) {
        // A box already says how large the object is.
        if prompt.bounds.is_some() || found.len() >= at_most {
            break;
        }
        let other = Shaped::new(answer, places, other);
        if found.iter().all(|known| known.shape.iou(&other.shape) <= ALIKE) {
            found.push(other);
        }
    }
    let size = found[0].shape.area();
    found[1..].sort_by_key(|other| (other.shape.area() < size, other.shape.area()));
    found.into_iter().filter_map(|shaped| shaped.segment(answer, prompt)).collect()
}

/// A mask and the cells it covers, without connected components that hold no positive place.
struct Shaped {
    mixed: Mixed,
    shape: BinaryMask,
}

impl Shaped {
    fn new(answer: &Answer<'_>, places: &Places, mut mixed: Mixed) -> Self {
        let [height, width] = answer.logits.grid;
        let seeds = places.positive.iter().flat_map(|place| place.cells).map(|(cell, _)| cell);
        mixed.plane = pieces::around(&mixed.plane, width, &seeds.collect::<Vec<_>>());
        let shape = BinaryMask::from_fn(width, height, |x, y| mixed.plane[y * width + x] > 0.0);
        Self { mixed, shape }
    }

    /// Returns the mask at the photo's size, clipped to the prompt's box.
    fn segment(self, answer: &Answer<'_>, prompt: &Prompt) -> Option<Segment> {
        let Mixed { plane, weights } = self.mixed;
        let [height, width] = answer.logits.grid;
        let mut mask = answer.following(&plane, width, height)?.mask();
        if let Some(bounds) = prompt.bounds {
            mask.clip(bounds);
        }
        let [inside, union] = mae_seg_kernels::soft_intersection_and_union(&plane);
        let heaviest = weights.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let (query, category) = (heaviest.0, answer.category(&weights)?);
        Some(Segment { query, category, score: inside / (union + 1e-6), mask })
    }
}

/// Returns the masks of single queries that fit the prompt, the likeliest first.
fn fitting(answer: &Answer<'_>, places: &Places) -> impl Iterator<Item = Mixed> {
    let fits = |plane: &[f32]| {
        places.positive.iter().all(|place| place.logit(plane) > 0.0)
            && places.negative.iter().all(|place| place.logit(plane) <= 0.0)
    };
    let likelihood = |query: usize| {
        let at_places = places.positive.iter().filter_map(|place| answer.likelihood(query, place));
        at_places.reduce(f32::min)
    };
    let queries = answer.logits.queries.iter().copied();
    let fitting = queries.filter(|&query| answer.plane(query).is_some_and(fits));
    let mut ranked: Vec<(usize, f32)> =
        fitting.filter_map(|query| Some((query, likelihood(query)?))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.into_iter().filter_map(|(query, _)| answer.single(query))
}

/// Returns the masks around all positive places as one; where the mask around a negative place claims the
/// same cell, the larger logit wins, corrected for distance.
fn united(answer: &Answer<'_>, places: &Places) -> Option<Mixed> {
    let around = |places: &[Place]| -> Option<Vec<Mixed>> {
        places.iter().map(|place| answer.around(place)).collect()
    };
    let (positive, negative) = (around(&places.positive)?, around(&places.negative)?);
    let largest = |masks: &[Mixed], cell: usize| masks.iter().map(|mixed| mixed.plane[cell]).reduce(f32::max);
    let width = answer.logits.grid[1];
    let contested = |cell: usize| {
        let inside = largest(&positive, cell)?;
        let Some(outside) = largest(&negative, cell) else { return Some(inside) };
        let distance = |places: &[Place]| {
            places.iter().map(|place| place.distance(cell, width)).reduce(f32::min).unwrap_or_default()
        };
        let nearer = distance(&places.negative) - distance(&places.positive);
        Some(inside.min(inside - outside + NEARER * nearer))
    };
    let mut plane: Vec<f32> = (0..answer.logits.grid[0] * width).map(contested).collect::<Option<_>>()?;
    if let Some(bounds) = places.bounds {
        plane = fitted(&plane, width, bounds);
    }
    Some(Mixed { plane, weights: positive.into_iter().flat_map(|mixed| mixed.weights).collect() })
}

#[cfg(test)]
mod tests;
