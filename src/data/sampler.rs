//! Samples the labelled photos that an epoch visits.

use rand::RngExt;
use rand::seq::SliceRandom;

use crate::random::{Purpose, stream};

/// Visits per epoch of an exhaustively labelled photo in a set that also has partly labelled ones, which get
/// one visit: only these photos teach what is *not* an object, and each shows many classes, where partly
/// labelled photos show one.
pub(super) const EXHAUSTIVE_REPEATS: f64 = 3.0;

/// Returns an epoch that visits photo `i` `repeats[i]` times on average, in random order.
///
/// A fractional count is rounded up or down at random, so that it holds over the epochs. The second visit of
/// photo `i` is written `i + len`, the third `i + 2 len`, …: sets wrap their indices, and each visit gets its
/// own augmentation.
#[must_use]
pub fn balanced(repeats: &[f64], seed: u64, epoch: u64) -> Vec<usize> {
    let mut rng = stream(Purpose::Order, seed, epoch, 0);
    let mut order = Vec::new();
    for (index, repeat) in repeats.iter().enumerate() {
        let visits = repeat.trunc() as usize + usize::from(rng.random_bool(repeat.fract().clamp(0.0, 1.0)));
        order.extend((0..visits).map(|visit| index + visit * repeats.len()));
    }
    order.shuffle(&mut rng);
    order
}

/// Returns `count` visits from the `first` on, in [`balanced`] epochs end to end: each an index and its
/// epoch.
///
/// At least one of the `repeats` must be above 0.
#[must_use]
pub fn visits(repeats: &[f64], seed: u64, first: usize, count: usize) -> Vec<(usize, u64)> {
    let whole: usize = repeats.iter().map(|repeat| repeat.trunc() as usize).sum();
    // Epochs are equally long only if every count is whole; others have to be walked through.
    let (mut epoch, mut before) = if repeats.iter().all(|repeat| repeat.fract() == 0.0) {
        ((first / whole) as u64, first % whole)
    } else {
        (0, first)
    };
    let mut visits = Vec::with_capacity(count);
    while visits.len() < count {
        let order = balanced(repeats, seed, epoch);
        let left = count - visits.len();
        visits.extend(order.iter().skip(before).take(left).map(|&index| (index, epoch)));
        before = before.saturating_sub(order.len());
        epoch += 1;
    }
    visits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_match_the_repeats_over_the_epochs() {
        let repeats = [3.0, 1.0, 0.25, 0.0];
        let mut visits = [0; 4];
        for epoch in 0..400 {
            balanced(&repeats, 1, epoch).into_iter().for_each(|index| visits[index % 4] += 1);
        }
        assert_eq!((visits[0], visits[1], visits[3]), (1200, 400, 0));
        assert!((70..130).contains(&visits[2]), "{}", visits[2]);
    }

    #[test]
    fn no_two_visits_are_the_same_sample() {
        let mut order = balanced(&[3.0, 1.0, 2.0], 1, 0);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3, 5, 6]);
    }

    #[test]
    fn epochs_follow_each_other_end_to_end() {
        for repeats in [&[3.0, 1.0][..], &[1.5, 0.25, 1.0]] {
            let epochs = (0..20).map(|epoch| (epoch, balanced(repeats, 1, epoch)));
            let all: Vec<(usize, u64)> = epochs
                .flat_map(|(epoch, order)| order.into_iter().map(move |index| (index, epoch)))
                .collect();
            for first in 0..20 {
                assert_eq!(visits(repeats, 1, first, 7), all[first..first + 7], "from {first}");
            }
        }
    }

    #[test]
    fn order_depends_on_seed_and_epoch_only() {
        let repeats = [1.5; 50];
        assert_eq!(balanced(&repeats, 1, 2), balanced(&repeats, 1, 2));
        assert_ne!(balanced(&repeats, 1, 2), balanced(&repeats, 1, 3));
        assert_ne!(balanced(&repeats, 1, 2), balanced(&repeats, 2, 2));
    }
}
