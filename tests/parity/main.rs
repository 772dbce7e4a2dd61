//! The models, the losses and the optimiser against the reference implementations' recorded numbers.
//!
//! Every checkpoint is loaded the way the program loads weights, and every gradient is compared under its published name.
//! Where the numbers come from: `tests/fixtures/README.md`.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod encoders;
mod eomt;
mod full;
mod gradients;
mod layouts;
mod mae;
mod other_sizes;
mod postprocess;
mod processors;
mod recording;
