//! What can be wrong with a data set.

use std::io;
use std::path::PathBuf;

use crate::image::ImageError;

/// A data set that cannot be used as given; every message names the file at fault.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A tar shard is not a whole tar file.
    #[error("{} is not a complete tar file ({reason}); fetch or pack it again", path.display())]
    Shard {
        /// The shard.
        path: PathBuf,
        /// Where it ends too early.
        reason: String,
    },
    /// A photo could not be decoded.
    #[error("{name}: {source}")]
    Image {
        /// The file, or `shard.tar:member`.
        name: String,
        /// What is wrong with it.
        source: ImageError,
    },
    /// No photo under the given paths.
    #[error("no photos (jpg, png, webp, bmp, gif, tiff, or .tar shards of them) in {0}")]
    NoPhotos(String),
    /// Every photo tried was unreadable.
    #[error("none of the {tried} photos tried could be decoded; the first: {first}")]
    NoReadablePhoto {
        /// How many were tried.
        tried: usize,
        /// The first failure.
        first: Box<Self>,
    },
}
