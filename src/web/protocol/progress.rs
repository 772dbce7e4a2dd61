//! How far a request is.

use serde::{Deserialize, Serialize};

/// The progress of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Downloading the worker's program.
    Starting {
        /// Bytes received so far, unpacked.
        done_bytes: u64,
        /// Total bytes, if known.
        total_bytes: Option<u64>,
    },
    /// Looking for a GPU.
    Probing,
    /// Downloading weights.
    Downloading {
        /// Bytes received so far.
        done_bytes: u64,
        /// Total bytes, if known.
        total_bytes: Option<u64>,
    },
    /// First run: kernels are compiled and their results checked.
    WarmingUp,
    /// Decoding the photo.
    Decoding,
    /// Searching for objects.
    Segmenting,
}
