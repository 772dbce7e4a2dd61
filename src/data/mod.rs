//! Training data: unlabelled photos for pretraining, photos with instance masks for fine-tuning.
//!
//! Everything random is a pure function of `(seed, epoch, index)`: the same three numbers give the same sample, whatever
//! the number of threads or the order of the calls.

pub mod crop;
pub mod error;
pub mod order;
pub mod photos;
pub mod shard;

pub use crop::CropOptions;
pub use error::DataError;
pub use photos::{PhotoBatch, PhotoSet};
