//! What the verbs that train share: photos without labels, the memory of a step, several processes.

#[cfg_attr(not(feature = "mpi"), path = "distributed_off.rs")]
mod distributed;
mod memory;
mod photos;

pub(super) use distributed::together;
pub(super) use memory::{AtOnce, Stack};
pub(super) use photos::PhotoArguments;
