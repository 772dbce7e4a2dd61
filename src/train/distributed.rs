//! The processes that share a run.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Range;

/// The processes that share a run. Each works on its part of every step's photos, and all take the same steps
/// as one process would with all photos (data parallelism, <https://arxiv.org/abs/2006.15704> §2.2).
pub trait Peers: Debug + Send + Sync {
    /// Returns the index of this process, from 0. Process 0 writes the run's folder.
    fn rank(&self) -> usize;

    /// Returns the number of processes.
    fn size(&self) -> usize;

    /// Sums the values of all processes elementwise, in place; all get bit-identical sums. The slices must
    /// have equal length.
    fn sum(&self, numbers: &mut [f32]);

    /// Returns this process's part of a step's photos, whose number is a multiple of [`Peers::size`].
    fn part(&self, photos: usize) -> Range<usize> {
        let each = photos / self.size();
        self.rank() * each..(self.rank() + 1) * each
    }
}

/// Runs `work` in one process after the other, for work that must not overlap.
pub fn in_turn<T>(peers: &dyn Peers, work: impl FnOnce() -> T) -> T {
    let wait = |turns: Range<usize>| turns.for_each(|_| peers.sum(&mut [0.0]));
    wait(0..peers.rank());
    let done = work();
    wait(peers.rank()..peers.size());
    done
}

/// A process that runs alone.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Peers for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&self, _numbers: &mut [f32]) {}
}

/// Sums the shares of a loss and of its parts over all processes.
pub(super) fn summed_loss(peers: &dyn Peers, loss: &mut f64, parts: &mut BTreeMap<&'static str, f64>) {
    if peers.size() == 1 {
        return;
    }
    let mut shares: Vec<f32> =
        std::iter::once(&*loss).chain(parts.values()).map(|share| *share as f32).collect();
    peers.sum(&mut shares);
    for (sum, share) in std::iter::once(loss).chain(parts.values_mut()).zip(shares) {
        *sum = f64::from(share);
    }
}
