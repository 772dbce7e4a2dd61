//! Where the files of a checkpoint come from.

use std::ops::Range;

/// Why a file of a checkpoint could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The place has no such file.
    #[error("there is no `{file}` in {place}; check the name, or export the model again")]
    NotFound {
        /// The file asked for.
        file: String,
        /// Where it was looked for.
        place: String,
    },
    /// The file may exist, but not for this visitor.
    #[error("`{file}` in {place} is not open to you: {reason}")]
    Forbidden {
        /// The file asked for.
        file: String,
        /// Where it was asked for.
        place: String,
        /// What to do about it.
        reason: String,
    },
    /// The file exists but could not be read to its end.
    #[error("`{file}` could not be read from {place}: {reason}; try again")]
    Unavailable {
        /// The file asked for.
        file: String,
        /// Where it was looked for.
        place: String,
        /// What the system said.
        reason: String,
    },
}

/// Where the files of a checkpoint come from: a directory, a web server, a cache.
///
/// File names have no directories.
pub trait WeightSource {
    /// The whole content of a small file.
    ///
    /// # Errors
    /// [`SourceError`]
    fn read(&self, file: &str) -> impl Future<Output = Result<Vec<u8>, SourceError>>;

    /// The bytes of `file` from `range.start` up to, without, `range.end`: exactly as many as that.
    ///
    /// # Errors
    /// [`SourceError`], [`SourceError::Unavailable`] too where the file ends before the range does.
    fn read_range(&self, file: &str, range: Range<u64>)
    -> impl Future<Output = Result<Vec<u8>, SourceError>>;

    /// Length of `file` in bytes, once something of it was read; `None` where the place does not tell.
    fn size(&self, file: &str) -> Option<u64>;

    /// The file that holds the weights, where a file was named and not the place around it.
    fn weights_file(&self) -> Option<&str> {
        None
    }
}
