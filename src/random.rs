//! Deterministic randomness: an independent random stream for each purpose, epoch and sample.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The purpose of a random stream; different purposes never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "native"), expect(dead_code, reason = "the page trains nothing"))]
pub(crate) enum Purpose {
    Order = 1,
    Augment = 2,
    Hide = 3,
}

/// Returns the random stream of one sample in one epoch.
pub(crate) fn stream(purpose: Purpose, seed: u64, epoch: u64, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (slot, word) in key.chunks_exact_mut(8).zip([purpose as u64, seed, epoch, index]) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}
