//! The order in which samples are visited.

use rand::seq::SliceRandom;

use crate::random::{Purpose, stream};

/// Returns the numbers `0..len` in the order in which epoch `epoch` visits them.
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
