//! Masks mixed from those of several queries.

use super::places::{Place, sigmoid};
use super::{Answer, best};

/// The logit to which a mask is raised at a place that it would leave out.
const INSIDE: f32 = 0.01;
/// The minimum weight of a patch, so that a lone patch without a mask still answers.
const LEAST: f32 = 1e-6;

/// A weighted mean of the masks of some queries.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    /// Mask logits on the whole canvas, row-major.
    pub(super) plane: Vec<f32>,
    /// The queries and their weights, above 0.
    pub(super) weights: Vec<(usize, f32)>,
}

impl Answer<'_> {
    /// Returns the mask of a single query.
    pub(super) fn single(&self, query: usize) -> Option<Mixed> {
        Some(Mixed { plane: self.plane(query)?.to_vec(), weights: vec![(query, 1.0)] })
    }

    /// Returns the likeliest mask around a place.
    ///
    /// If every patch is a query, the patches around the place vote, weighted by how near they are, how
    /// certain each is of its mask, and how likely the place is inside. Learned queries do not vote; the
    /// likeliest object there is taken.
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

    /// Returns the likelihood that the query is an object whose mask is right and covers the place.
    pub(super) fn likelihood(&self, query: usize, place: &Place) -> Option<f32> {
        let inside = sigmoid(place.logit(self.plane(query)?));
        let object: f32 = self.probabilities_of(query).iter().take(self.num_classes).sum();
        Some(object * self.certainty(query)? * inside)
    }

    /// Returns the label of a mixture: the class, thing or stuff, with the largest weighted probability.
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
