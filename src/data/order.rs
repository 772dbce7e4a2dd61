//! Deterministic randomness: one stream of numbers for each purpose, epoch and sample.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is for; different purposes never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Order = 1,
    Augment = 2,
    Hide = 3,
}

/// The random numbers of one sample in one epoch.
pub(crate) fn stream(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (slot, word) in key.chunks_exact_mut(8).zip([purpose as u64, seed, epoch, index]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The numbers `0..len` in the order in which epoch `epoch` visits them.
#[must_use]
pub fn shuffled(len: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut stream(Purpose::Order, seed, epoch, 0));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_visits_each_sample_once() {
        for epoch in 0..5 {
            let mut order = shuffled(100, 7, epoch);
            order.sort_unstable();
            assert_eq!(order, (0..100).collect::<Vec<_>>(), "epoch {epoch}");
        }
    }

    #[test]
    fn order_depends_on_seed_and_epoch_only() {
        assert_eq!(shuffled(100, 7, 3), shuffled(100, 7, 3));
        assert_ne!(shuffled(100, 7, 3), shuffled(100, 7, 4));
        assert_ne!(shuffled(100, 7, 3), shuffled(100, 8, 3));
        assert!(shuffled(0, 7, 3).is_empty());
    }
}
