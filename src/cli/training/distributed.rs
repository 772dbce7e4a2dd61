//! Distributed training by processes that `mpirun` started.

use std::io::{Write as _, stderr};
use std::sync::Arc;

use anyhow::{Context, Result};
use mpi::collective::SystemOperation;
use mpi::environment::{Universe, initialize_with_threading};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Root};
use mpi::{Rank, Threading};

use crate::text::one_line;
use crate::train::Peers;

/// Number of values in one message; MPI counts them in 31 bits.
const MESSAGE: usize = 1 << 24;

/// All processes that `mpirun` started. Rank and size are stored because MPI answers only the thread that
/// initialised it, and batches are made on another.
#[derive(Debug)]
struct World {
    rank: usize,
    size: usize,
}

impl Peers for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    /// Reduces to process 0 and broadcasts the sum: an all-reduce need not give every process bit-identical
    /// results (MPI 4.1 §6.9.1).
    fn sum(&self, numbers: &mut [f32]) {
        const FIRST: Rank = 0;
        let world = SimpleCommunicator::world();
        let first = world.process_at_rank(FIRST);
        for numbers in numbers.chunks_mut(MESSAGE) {
            if world.rank() == FIRST {
                let own = numbers.to_vec();
                first.reduce_into_root(&own, numbers, SystemOperation::sum());
            } else {
                first.reduce_into(&*numbers, SystemOperation::sum());
            }
            first.broadcast_into(numbers);
        }
    }
}

/// Runs `training` together with the other processes; if one fails, all are stopped.
pub(in crate::cli) fn together(training: impl FnOnce(Arc<dyn Peers>) -> Result<()>) -> Result<()> {
    let started: Option<(Universe, _)> = initialize_with_threading(Threading::Funneled);
    let (_universe, _) = started.context("MPI could not be started")?;
    let world = SimpleCommunicator::world();
    let (rank, size) = (world.rank() as usize, world.size() as usize);
    let outcome = training(Arc::new(World { rank, size }));
    if let (Err(error), true) = (&outcome, size > 1) {
        let _ = writeln!(stderr(), "error in process {rank}: {}", one_line(&format!("{error:#}")));
        world.abort(1);
    }
    outcome
}
