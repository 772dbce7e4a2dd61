//! Assigns patches to objects when every patch is a query: the patches nearest an object's centre are
//! positive.
//!
//! The assignment does not depend on the predictions, so learning starts at once, whereas a matcher first has
//! to find out which query is for which object (centre sampling: FCOS, <https://arxiv.org/abs/1904.01355>;
//! SOLO, <https://arxiv.org/abs/1912.04488>).

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::Target;
use crate::mask::BinaryMask;

/// Share of an object's area in patches that are assigned to it as its centre.
const SHARE: f32 = 0.25;
/// Maximum number of centre patches per object.
const MOST: usize = 9;
/// Minimum share of a patch that an object must cover to claim it.
const COVERED: f32 = 0.5;
/// Minimum confidence of an object to take patches from others.
const LIKELY: f32 = 0.5;
/// Number of patches per object, sampled elsewhere inside it, that learn its mask but not that they are an
/// object.
const ELSEWHERE: usize = 3;

/// The assignment of patches to objects in one photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Centres {
    /// `(patch, object)` of the patches at the centre of objects, in patch order.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// `(patch, object)` of patches elsewhere inside objects. They learn the mask only, so that a click
    /// anywhere on an object finds it, while only its centre predicts that there is an object.
    pub(crate) elsewhere: Vec<(usize, usize)>,
    /// Whether each patch is excluded from the class loss, because objects there may be unlabelled.
    pub(crate) unjudged: Vec<bool>,
}

impl Centres {
    /// Assigns the patches of a `grid`×`grid` grid. If objects share a patch, likely objects come before
    /// unlikely ones, then smaller before larger ones. `seed` determines the sampled patches elsewhere.
    pub(crate) fn of(target: &Target, grid: usize, seed: u64) -> Self {
        let shares: Vec<Vec<f32>> = target.masks.iter().map(|mask| coverage(mask, grid)).collect();
        let middles = owners(target, grid, |object| middle(&shares[object], grid));
        let insides = owners(target, grid, |object| covered(&shares[object]));
        let pairs: Vec<_> =
            middles.iter().enumerate().filter_map(|(patch, &owner)| Some((patch, owner?))).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let others = |object: usize| {
            (0..grid * grid)
                .filter(|&patch| middles[patch].is_none() && insides[patch] == Some(object))
                .collect::<Vec<_>>()
        };
        let elsewhere = (0..target.masks.len()).flat_map(|object| {
            let drawn: Vec<usize> = others(object).sample(&mut rng, ELSEWHERE).copied().collect();
            drawn.into_iter().map(move |patch| (patch, object))
        });
        let elsewhere = elsewhere.collect();
        let unjudged = match &target.ignore {
            Some(ignore) => coverage(ignore, grid).into_iter().map(|share| share >= COVERED).collect(),
            None => vec![false; grid * grid],
        };
        Self { pairs, elsewhere, unjudged }
    }

    /// Returns every patch that predicts a mask, with its object; centre patches come first.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pairs.iter().chain(&self.elsewhere).copied()
    }
}

/// Returns the object that owns each patch among those whose `patches` contain it: likely objects come before
/// unlikely ones, then smaller before larger ones.
fn owners(target: &Target, grid: usize, patches: impl Fn(usize) -> Vec<usize>) -> Vec<Option<usize>> {
    let mut owners = vec![None; grid * grid];
    let mut objects: Vec<usize> = (0..target.masks.len()).collect();
    let is_likely = |object| target.confidence(object) >= LIKELY;
    objects.sort_by_key(|&object| (is_likely(object), std::cmp::Reverse(target.masks[object].area())));
    for object in objects {
        patches(object).into_iter().for_each(|patch| owners[patch] = Some(object));
    }
    owners
}

/// Returns the patches that an object covers, given the covered share of each patch.
fn covered(shares: &[f32]) -> Vec<usize> {
    (0..shares.len()).filter(|&patch| shares[patch] >= COVERED).collect()
}

/// Returns the patches nearest the centre of an object among those it covers; at least one.
fn middle(shares: &[f32], grid: usize) -> Vec<usize> {
    let whole: f32 = shares.iter().sum();
    let mean = |along: fn(usize, usize) -> usize| {
        let weighted = shares.iter().enumerate().map(|(patch, share)| along(patch, grid) as f32 * share);
        weighted.sum::<f32>() / whole
    };
    let (x, y) = (mean(std::ops::Rem::rem), mean(std::ops::Div::div));
    let distance = |patch: usize| ((patch % grid) as f32 - x).hypot((patch / grid) as f32 - y);
    let mut covered = covered(shares);
    if covered.is_empty() {
        covered.extend((0..shares.len()).max_by(|&a, &b| shares[a].total_cmp(&shares[b])));
    }
    covered.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    covered.truncate(((whole * SHARE).ceil() as usize).clamp(1, MOST));
    covered
}

/// Returns the share of each patch that is inside the mask, row by row.
pub(crate) fn coverage(mask: &BinaryMask, grid: usize) -> Vec<f32> {
    let (width, height) = (mask.width(), mask.height());
    let mut inside = vec![0.0; grid * grid];
    for y in 0..height {
        for x in (0..width).filter(|&x| mask.get(x, y)) {
            inside[y * grid / height * grid + x * grid / width] += 1.0;
        }
    }
    let each = (width * height) as f32 / (grid * grid) as f32;
    inside.into_iter().map(|count: f32| count / each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(masks: Vec<BinaryMask>) -> Target {
        Target { labels: vec![Some(0); masks.len()], masks, ..Target::default() }
    }

    /// Returns a square mask in a 16×16 photo, whose 4×4 grid has patches of 4×4 pixels.
    fn block(left: usize, top: usize, side: usize) -> BinaryMask {
        BinaryMask::from_fn(16, 16, |x, y| (left..left + side).contains(&x) && (top..top + side).contains(&y))
    }

    #[test]
    fn patches_in_the_middle_answer() {
        let centres = Centres::of(&target(vec![block(0, 0, 12)]), 4, 0);
        assert_eq!(centres.pairs.len(), 3, "a quarter of nine patches");
        assert!(centres.pairs.contains(&(5, 0)), "{:?}", centres.pairs);
    }

    #[test]
    fn the_smaller_of_two_objects_has_the_patch() {
        let centres = Centres::of(&target(vec![block(5, 5, 2), block(0, 0, 12)]), 4, 0);
        assert!(centres.pairs.contains(&(5, 0)), "{:?}", centres.pairs);
        assert!(centres.pairs.iter().any(|&(_, object)| object == 1));
    }

    #[test]
    fn an_unlikely_object_takes_no_patch_from_a_likely_one() {
        let both = target(vec![block(5, 5, 2), block(0, 0, 12)]);
        let centres = Centres::of(&Target { confidences: vec![0.3, 1.0], ..both }, 4, 0);
        assert!(centres.pairs.contains(&(5, 1)), "{:?}", centres.pairs);
    }

    #[test]
    fn an_object_smaller_than_a_patch_has_one() {
        assert_eq!(Centres::of(&target(vec![block(13, 1, 1)]), 4, 0).pairs, [(3, 0)]);
    }

    #[test]
    fn patches_elsewhere_inside_learn_the_mask() {
        let target = target(vec![block(0, 0, 12)]);
        let centres = Centres::of(&target, 4, 0);
        assert_eq!(centres.elsewhere.len(), ELSEWHERE);
        for &(patch, _) in &centres.elsewhere {
            assert!(patch % 4 < 3 && patch / 4 < 3, "{patch} is inside");
            assert!(centres.pairs.iter().all(|pair| pair.0 != patch), "{patch} is not in the middle");
        }
        assert_ne!(centres.elsewhere, Centres::of(&target, 4, 1).elsewhere);
        assert_eq!(centres.drawn().count(), centres.pairs.len() + ELSEWHERE);
    }

    #[test]
    fn where_nobody_labelled_nothing_is_judged() {
        let ignored = Target { ignore: Some(block(0, 0, 7)), ..target(vec![]) };
        let unjudged = Centres::of(&ignored, 4, 0).unjudged;
        let expected: Vec<bool> = (0..16).map(|patch| [0, 1, 4, 5].contains(&patch)).collect();
        assert_eq!(unjudged, expected);
    }
}
