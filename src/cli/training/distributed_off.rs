//! A substitute for builds without MPI: training in a single process.

use std::env;
use std::sync::Arc;

use anyhow::{Result, bail};

use crate::train::{Alone, Peers};

/// Variables in which Open MPI, MPICH and Slurm pass the number of processes.
const SIZES: [&str; 2] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"];

/// Runs `training` in this process alone.
pub(in crate::cli) fn together(training: impl FnOnce(Arc<dyn Peers>) -> Result<()>) -> Result<()> {
    let started = SIZES.iter().find_map(|size| env::var(size).ok()?.parse::<usize>().ok());
    match started {
        Some(processes) if processes > 1 => bail!(
            "{processes} processes were started together, but this build trains in a single process; build with --features mpi"
        ),
        _ => training(Arc::new(Alone)),
    }
}
