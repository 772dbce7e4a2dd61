//! The checks that `cargo fuzz` runs with changed files.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on has failed")]

pub mod checks;
#[expect(dead_code, reason = "the other tests of the library use the rest")]
#[path = "../library/hostile/memory.rs"]
mod memory;
