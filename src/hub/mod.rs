//! Checkpoints from folders, from the Hugging Face Hub and from web servers, for programs that have files and a network.
//!
//! Hub files are kept where Python's `huggingface_hub` keeps them, so that neither downloads what the other has.

mod cache;
mod client;
mod disk;
mod repository;
mod settings;
mod site;

pub use cache::Cache;
pub use client::{Client, Told};
pub use disk::{Disk, settled};
pub use repository::Repository;
pub use settings::{Settings, user_cache};
pub use site::Site;

/// Called with a file's name, its bytes here so far, and its length where that is known.
pub type OnBytes = Box<dyn Fn(&str, u64, Option<u64>)>;
