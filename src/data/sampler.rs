//! Which labelled photos an epoch visits, and how often.

use rand::RngExt;
use rand::seq::SliceRandom;

use super::order::{Purpose, stream};

/// Visits per epoch of a photo with every object labelled: it is the only kind that teaches what is *not* an object,
/// and each shows many classes, where partly labelled photos show one.
pub(super) const EXHAUSTIVE_REPEATS: f64 = 3.0;

/// Visits per epoch of a partly labelled photo.
pub(super) const PARTIAL_REPEATS: f64 = 1.0;

/// An epoch that visits photo `i` `repeats[i]` times on average, in random order.
///
/// A fractional count is rounded up or down at random, so that it holds over the epochs. The second visit of photo `i` is
/// written `i + len`, the third `i + 2 len`, …: sets wrap their indices, and each visit gets an augmentation of its own.
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
    fn order_depends_on_seed_and_epoch_only() {
        let repeats = [1.5; 50];
        assert_eq!(balanced(&repeats, 1, 2), balanced(&repeats, 1, 2));
        assert_ne!(balanced(&repeats, 1, 2), balanced(&repeats, 1, 3));
        assert_ne!(balanced(&repeats, 1, 2), balanced(&repeats, 2, 2));
    }
}
