//! Sources of the files of a checkpoint.

use std::ops::Range;

/// Why a file of a checkpoint could not be obtained.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source has no such file.
    #[error("there is no `{file}` in {place}; check the name, or export the model again")]
    NotFound {
        /// The file asked for.
        file: String,
        /// Where it was looked for.
        place: String,
    },
    /// The file may exist, but access is denied.
    #[error("`{file}` in {place} is not accessible: {reason}")]
    Forbidden {
        /// The file asked for.
        file: String,
        /// Where it was requested.
        place: String,
        /// What to do about it.
        reason: String,
    },
    /// The file exists but could not be read completely.
    #[error("`{file}` could not be read from {place}: {reason}; try again")]
    Unavailable {
        /// The file asked for.
        file: String,
        /// Where it was looked for.
        place: String,
        /// The reason that the system gave.
        reason: String,
    },
}

/// A source of the files of a checkpoint: a directory, a web server, a cache.
///
/// File names have no directories.
pub trait WeightSource {
    /// Reads the whole content of a small file.
    ///
    /// # Errors
    /// [`SourceError`]
    fn read(&self, file: &str) -> impl Future<Output = Result<Vec<u8>, SourceError>>;

    /// Reads the bytes of `file` from `range.start` up to, but not including, `range.end`: exactly that many.
    ///
    /// # Errors
    /// [`SourceError`]; [`SourceError::Unavailable`] also if the file ends before the range does.
    fn read_range(&self, file: &str, range: Range<u64>)
    -> impl Future<Output = Result<Vec<u8>, SourceError>>;

    /// Returns the length of `file` in bytes after a part of it was read; `None` if the source does not know
    /// it.
    fn size(&self, file: &str) -> Option<u64>;

    /// Returns the file that holds the weights, if the source is a single file and not a folder.
    fn weights_file(&self) -> Option<&str> {
        None
    }
}
