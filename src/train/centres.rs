//! Which patches answer for which objects where every patch is a query: those nearest an object's middle.
//!
//! Known before anything is predicted, so that learning starts at once, where a matcher first has to find out
//! which query is for what (centre sampling: FCOS, <https://arxiv.org/abs/1904.01355>; SOLO,
//! <https://arxiv.org/abs/1912.04488>).

use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::loss::Target;
use crate::mask::BinaryMask;

/// Share of an object's patches that answer for it.
const SHARE: f32 = 0.25;
/// And at most so many.
const MOST: usize = 9;
/// A patch belongs to what covers at least this share of it.
const COVERED: f32 = 0.5;
/// An object less likely than this does not take patches from others.
const LIKELY: f32 = 0.5;
/// Patches per object, drawn anywhere else inside of it, that learn its mask but not that they are an object.
const ELSEWHERE: usize = 3;

/// Who answers for what in one photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Centres {
    /// `(patch, object)` of the patches in the middle of objects, in patch order.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// `(patch, object)` of patches elsewhere inside objects. They learn the mask alone, so that a click
    /// anywhere on an object finds it, while only its middle says that an object is there.
    pub(crate) elsewhere: Vec<(usize, usize)>,
    /// Patches that are neither right nor wrong when they see an object: nobody labelled what is there.
    pub(crate) unjudged: Vec<bool>,
}

impl Centres {
    /// On a grid of `grid`×`grid` patches. Where objects share a patch, the likely one has it, then the
    /// smaller one. `seed` draws the patches elsewhere.
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

    /// Every patch that draws a mask with its object, those in the middle first.
    pub(crate) fn drawn(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.pairs.iter().chain(&self.elsewhere).copied()
    }
}

/// The object that each patch belongs to, of those whose `patches` hold it: the likely one, then the smaller
/// one.
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

/// The patches that an object covers, by the share of each that is inside.
fn covered(shares: &[f32]) -> Vec<usize> {
    (0..shares.len()).filter(|&patch| shares[patch] >= COVERED).collect()
}

/// The patches nearest the middle of an object among those it covers; at least one.
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

/// The share of each patch that is inside the mask, row by row.
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

    /// Pixels of a 16×16 photo, of which a grid of 4 has patches of 4×4.
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
