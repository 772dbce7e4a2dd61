//! Processes that `mpirun` started together.

use std::sync::Arc;

use anyhow::{Context, Result};
use mpi::collective::SystemOperation;
use mpi::environment::{Universe, initialize_with_threading};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, Root};
use mpi::{Rank, Threading};

use crate::train::Peers;

/// So many numbers go into one message: MPI counts them in 31 bits.
const MESSAGE: usize = 1 << 24;

/// Everybody `mpirun` started.
#[derive(Debug)]
struct World;

impl Peers for World {
    fn rank(&self) -> usize {
        SimpleCommunicator::world().rank() as usize
    }

    fn size(&self) -> usize {
        SimpleCommunicator::world().size() as usize
    }

    /// To process 0 and back: an all-reduce need not give everybody the same last bit (MPI 4.1 §6.9.1).
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

/// Does `training` together with the processes that were started beside this one. One that fails stops them all.
pub(super) fn together(training: impl FnOnce(Arc<dyn Peers>) -> Result<()>) -> Result<()> {
    let started: Option<(Universe, _)> = initialize_with_threading(Threading::Funneled);
    let (_universe, _) = started.context("MPI could not be started")?;
    let outcome = training(Arc::new(World));
    if let (Err(error), true) = (&outcome, World.size() > 1) {
        complain(error);
        SimpleCommunicator::world().abort(1);
    }
    outcome
}

#[expect(clippy::print_stderr, reason = "the command line speaks to people")]
fn complain(error: &anyhow::Error) {
    eprintln!("error in process {}: {error:#}", World.rank());
}
