//! Checkpoints from folders, the Hugging Face Hub and web servers, for programs with files and a network.
//!
//! Files of the Hub are cached where Python's `huggingface_hub` caches them, so that neither downloads what
//! the other has.

mod cache;
mod client;
mod disk;
mod hub;
mod settings;
mod site;

pub use cache::Cache;
pub use client::{Client, Told};
pub use disk::{Disk, settled};
pub use hub::Repository;
pub use settings::{Settings, user_cache};
pub use site::Site;

/// Called with a file's name, the number of bytes received so far, and its length if known.
pub type OnBytes = Box<dyn Fn(&str, u64, Option<u64>)>;
