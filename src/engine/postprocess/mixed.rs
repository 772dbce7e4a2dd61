//! Masks mixed of those of several queries.

use super::places::{Place, sigmoid};
use super::{Answer, best};

/// At a place that its mask leaves out, the mask is raised to this logit.
const INSIDE: f32 = 0.01;
/// What a patch counts at least, so that one without a mask still answers where it is alone.
const LEAST: f32 = 1e-6;

/// A mask made of those of some queries.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    /// Mask logits on the whole canvas, row-major.
    pub(super) plane: Vec<f32>,
    /// Each query and how much of it there is, above 0.
    pub(super) weights: Vec<(usize, f32)>,
}

impl Answer<'_> {
    /// The mask of a single query.
    pub(super) fn single(&self, query: usize) -> Option<Mixed> {
        Some(Mixed { plane: self.plane(query)?.to_vec(), weights: vec![(query, 1.0)] })
    }

    /// The likeliest mask around a place. The patches around it vote by how near they are, how sure each is of its mask, and of
    /// the place being inside; learned queries do not vote, the likeliest object there is taken.
    pub(super) fn around(&self, place: &Place) -> Option<Mixed> {
        let mut mixed = if self.dense {
            self.mixture(place.patches.iter().filter_map(|&(patch, share)| {
                let inside = sigmoid(place.logit(self.plane(patch)?));
                Some((patch, share * (self.certainty(patch)? * inside + LEAST)))
            }))
        } else {
            let queries = self.logits.queries.iter();
            let likelihoods: Vec<f32> =
                queries.map(|&query| self.likelihood(query, place).unwrap_or_default()).collect();
            self.single(*self.logits.queries.get(best(&likelihoods)?)?)
        }?;
        let missing = INSIDE - place.logit(&mixed.plane);
        if missing > 0.0 {
            mixed.plane.iter_mut().for_each(|logit| *logit += missing);
        }
        Some(mixed)
    }

    /// How likely it is that the query is an object whose mask is right and covers the place.
    pub(super) fn likelihood(&self, query: usize, place: &Place) -> Option<f32> {
        let inside = sigmoid(place.logit(self.plane(query)?));
        let object: f32 = self.probabilities_of(query).iter().take(self.num_classes).sum();
        Some(object * self.certainty(query)? * inside)
    }

    /// The label of a mixture: what its queries hold likeliest, be it a thing or stuff.
    pub(super) fn category(&self, weights: &[(usize, f32)]) -> Option<usize> {
        let mut sums = vec![0.0; self.num_classes];
        for (query, weight) in weights {
            let row = self.probabilities_of(*query);
            sums.iter_mut().zip(row).for_each(|(sum, probability)| *sum += weight * probability);
        }
        best(&sums)
    }

    fn mixture(&self, weights: impl Iterator<Item = (usize, f32)>) -> Option<Mixed> {
        let weights: Vec<(usize, f32)> = weights.collect();
        let total: f32 = weights.iter().map(|(_, weight)| weight).sum();
        let mut plane = vec![0.0; self.plane(weights.first()?.0)?.len()];
        for (query, weight) in &weights {
            let logits = self.plane(*query)?;
            plane.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += weight / total * logit);
        }
        Some(Mixed { plane, weights })
    }
}
