//! Which patches answer for which objects where every patch is a query: those nearest an object's middle.
//!
//! Known before anything is predicted, so that learning starts at once, where a matcher first has to find out which query
//! is for what (centre sampling: FCOS, <https://arxiv.org/abs/1904.01355>; SOLO, <https://arxiv.org/abs/1912.04488>).

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

/// Who answers for what in one photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Centres {
    /// `(patch, object)`, in patch order.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Patches that are neither right nor wrong when they see an object: nobody labelled what is there.
    pub(crate) unjudged: Vec<bool>,
}

impl Centres {
    /// On a grid of `grid`×`grid` patches. Where objects share a middle, the likely one has it, then the smaller one.
    pub(crate) fn of(target: &Target, grid: usize) -> Self {
        let mut owners: Vec<Option<usize>> = vec![None; grid * grid];
        let mut objects: Vec<usize> = (0..target.masks.len()).collect();
        let is_likely = |object| target.confidence(object) >= LIKELY;
        objects.sort_by_key(|&object| (is_likely(object), std::cmp::Reverse(target.masks[object].area())));
        for object in objects {
            for patch in middle(&target.masks[object], grid) {
                owners[patch] = Some(object);
            }
        }
        let unjudged = match &target.ignore {
            Some(ignore) => coverage(ignore, grid).into_iter().map(|share| share >= COVERED).collect(),
            None => vec![false; grid * grid],
        };
        let pairs =
            owners.into_iter().enumerate().filter_map(|(patch, owner)| Some((patch, owner?))).collect();
        Self { pairs, unjudged }
    }

    /// The patches of the pairs.
    pub(crate) fn patches(&self) -> Vec<usize> {
        self.pairs.iter().map(|pair| pair.0).collect()
    }
}

/// The patches nearest the middle of an object among those it covers; at least one.
fn middle(mask: &BinaryMask, grid: usize) -> Vec<usize> {
    let shares = coverage(mask, grid);
    let whole: f32 = shares.iter().sum();
    let mean = |along: fn(usize, usize) -> usize| {
        let weighted = shares.iter().enumerate().map(|(patch, share)| along(patch, grid) as f32 * share);
        weighted.sum::<f32>() / whole
    };
    let (x, y) = (mean(std::ops::Rem::rem), mean(std::ops::Div::div));
    let distance = |patch: usize| ((patch % grid) as f32 - x).hypot((patch / grid) as f32 - y);
    let mut covered: Vec<usize> = (0..shares.len()).filter(|&patch| shares[patch] >= COVERED).collect();
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
        let centres = Centres::of(&target(vec![block(0, 0, 12)]), 4);
        assert_eq!(centres.pairs.len(), 3, "a quarter of nine patches");
        assert!(centres.pairs.contains(&(5, 0)), "{:?}", centres.pairs);
    }

    #[test]
    fn the_smaller_of_two_objects_has_the_patch() {
        let centres = Centres::of(&target(vec![block(5, 5, 2), block(0, 0, 12)]), 4);
        assert!(centres.pairs.contains(&(5, 0)), "{:?}", centres.pairs);
        assert!(centres.pairs.iter().any(|&(_, object)| object == 1));
    }

    #[test]
    fn an_unlikely_object_takes_no_patch_from_a_likely_one() {
        let both = target(vec![block(5, 5, 2), block(0, 0, 12)]);
        let centres = Centres::of(&Target { confidences: vec![0.3, 1.0], ..both }, 4);
        assert!(centres.pairs.contains(&(5, 1)), "{:?}", centres.pairs);
    }

    #[test]
    fn an_object_smaller_than_a_patch_has_one() {
        assert_eq!(Centres::of(&target(vec![block(13, 1, 1)]), 4).pairs, [(3, 0)]);
    }

    #[test]
    fn where_nobody_labelled_nothing_is_judged() {
        let ignored = Target { ignore: Some(block(0, 0, 7)), ..target(vec![]) };
        let unjudged = Centres::of(&ignored, 4).unjudged;
        let expected: Vec<bool> = (0..16).map(|patch| [0, 1, 4, 5].contains(&patch)).collect();
        assert_eq!(unjudged, expected);
    }
}
