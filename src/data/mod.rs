//! Training data: unlabelled photos for pretraining, photos with instance masks for fine-tuning.
//!
//! ```text
//! folders, tar shards ──PhotoSet──▶ random crops                  [B, 3, S, S]
//! COCO file, photos ──SegmentationSet──▶ view ▶ canvas ▶ pastes   SegmentationSample
//! ```
//!
//! Everything random is a pure function of `(seed, epoch, index)`: the same three numbers give the same
//! sample, whatever the number of threads or the order of the calls.

pub mod coco;
pub mod order;
pub mod sampler;

mod ahead;
mod augment;
mod canvas;
mod crop;
mod cutouts;
mod dataset;
mod error;
mod features;
mod fingerprint;
mod formats;
mod jitter;
mod labelled;
mod labels;
mod layer;
mod left_out;
mod normalise;
mod photo_folder;
mod photos;
mod shard;
mod view;
mod zip;

pub(crate) use ahead::Ahead;
pub use augment::{AugmentOptions, Zoom};
pub use canvas::SegmentationSample;
pub use coco::CocoDataset;
pub use crop::CropOptions;
pub use dataset::SegmentationSet;
pub use error::DataError;
pub use features::TeacherFeatures;
pub(crate) use fingerprint::BYTES;
pub(crate) use formats::{head, is_hidden, is_photo};
pub use labels::LabelSpace;
pub use left_out::{LeftOut, Reason};
pub use photo_folder::PhotoFolder;
pub use photos::{Damaged, PhotoBatch, PhotoSet, Search};
pub use shard::{is_packed_shard, is_whole_shard};
