//! The models, the losses and the optimiser, compared with recorded results of the reference implementations.
//!
//! Every checkpoint is loaded the way the program loads weights, and every gradient is compared under its
//! published name. `tests/fixtures/README.md` documents the origin of the recordings.

mod devices;
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
