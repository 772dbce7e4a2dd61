//! Weight folders in Hugging Face's form, and the published layouts of tensor names as tables.
//!
//! A folder holds `config.json` (architecture and labels), `preprocessor_config.json` (how a photo becomes
//! pixels), either `model.safetensors` or shards with `model.safetensors.index.json`, and, if this crate
//! wrote it, `manifest.json` with the size and SHA-256 of every shard.

mod collect;
mod config;
mod convert;
mod differences;
mod export;
mod folder;
mod infer;
mod layouts;
mod licence;
mod loader;
mod manifest;
mod names;
mod notes;
mod place;
mod quantized;
mod source;
mod stored;
mod stream;
mod tables;
mod tensors;
mod timm;
mod torch;

pub use collect::collect;
pub use config::{Architecture, ModelConfig};
pub use convert::convert;
pub use differences::{Differences, Misshapen};
pub use export::{Promises, export};
pub use folder::{Checkpoint, Folder, read_folder};
pub use infer::Shapes;
pub use layouts::Layout;
pub use loader::{Loader, apply, apply_encoder};
pub use manifest::{Digest, Manifest, ManifestFile, sha256_hex};
pub use source::{SourceError, WeightSource};
pub use stored::{Header, HostTensor, StoredTensor};
pub use tensors::{StoredAs, read_safetensors, write_safetensors};

use crate::memory::NoMemory;

/// Why weights are refused. Nothing is ever loaded in part.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// A file could not be obtained.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file's size or digest differs from the manifest's.
    #[error("`{file}` is damaged: {found} where the manifest promises {expected}; download it again")]
    Damaged {
        /// The file.
        file: String,
        /// Size or digest in the manifest.
        expected: String,
        /// Size or digest of the file.
        found: String,
    },
    /// A file's content does not suit its name.
    #[error("`{file}` is invalid: {reason}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The available memory does not suffice for the weights.
    #[error("these weights are too large: {0}")]
    NoMemory(#[from] NoMemory),
    /// Names or shapes differ from those that the model needs.
    #[error("these weights do not fit the model: {0}")]
    Mismatch(Differences),
    /// A tensor is stored in an unsupported type.
    #[error("tensor `{name}` is stored as {dtype}; weights must be f32, f16, bf16, or i8 with scales")]
    Type {
        /// Name in the file.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// The architecture in `config.json` is unsupported or contradicts itself.
    #[error("`config.json` does not describe a supported model: {0}")]
    Config(String),
}
