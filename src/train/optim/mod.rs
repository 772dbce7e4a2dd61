//! What moves the parameters: optimisers, learning-rate schedules, gradients summed and clipped, averages.

mod adamw;
mod ema;
mod gradients;
mod optimizer;
mod precision;
pub mod schedule;

pub(super) use ema::averaged;
pub(super) use gradients::{clip, not_finite, summed};
pub use optimizer::{AdamWOptions, Optimizer, adamw};
pub(super) use optimizer::{learning_rates, trainable, with_stable_ids};
pub use precision::Precision;
