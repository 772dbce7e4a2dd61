//! Errors of photos that cannot be read, and notes on flawed ones that can.

use crate::memory::NoMemory;

/// Why a photo cannot be read. Each message says whose fault it is and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file has no bytes.
    #[error("the file is empty: choose another photo")]
    Empty,
    /// The content has no supported format, whatever the file is called.
    #[error("this is not a photo in a known format: use JPEG, PNG, WebP, GIF, BMP or TIFF")]
    UnknownFormat,
    /// The content has a known format that is not supported.
    #[error("this is {content}, which is not supported: export it as JPEG, PNG, WebP, GIF, BMP or TIFF")]
    ForeignFormat {
        /// The kind of file, with its article.
        content: &'static str,
    },
    /// The header announces more pixels than the limit, [`MAX_PIXELS`](super::MAX_PIXELS) unless another is
    /// given.
    #[error("too large: {width} × {height} = {} megapixels; the limit is {}; make it smaller and try again",
        (u64::from(*width) * u64::from(*height)).div_ceil(1_000_000), most / 1_000_000)]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
        /// The maximum number of pixels.
        most: u64,
    },
    /// The available memory does not suffice for the photo.
    #[error("{width} × {height} pixels: {source}")]
    NoMemory {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
        /// The missing memory.
        source: NoMemory,
    },
    /// The file ends before the photo does.
    #[error("the {format} file is cut off before the photo ends: copy or download it again")]
    Truncated {
        /// The format that the content announces.
        format: &'static str,
    },
    /// The content is valid, but of a rare kind that the decoder does not support.
    #[error("this kind of {format} is not supported ({reason}): export it as JPEG or PNG")]
    Unsupported {
        /// The format that the content announces.
        format: &'static str,
        /// What the decoder does not support.
        reason: String,
    },
    /// The decoder refused the content.
    #[error("the {format} file is damaged ({reason}): export or download it again")]
    Corrupt {
        /// The format that the content announces.
        format: &'static str,
        /// The decoder's message.
        reason: String,
    },
    /// The decoder panicked.
    #[error("the decoder failed on this {format} file ({reason}): export it as JPEG or PNG")]
    DecoderFailed {
        /// The format that the content announces.
        format: &'static str,
        /// The message of the panic.
        reason: String,
    },
    /// [`RgbImage::new`](super::RgbImage::new) was given a buffer that does not fit the size.
    #[error("an RGB image of {width} × {height} needs {} bytes and at least one pixel, not {bytes} bytes",
        width.saturating_mul(*height).saturating_mul(3))]
    WrongLength {
        /// Pixels per row.
        width: usize,
        /// Number of rows.
        height: usize,
        /// Length of the buffer.
        bytes: usize,
    },
}

impl ImageError {
    /// Returns whether another program may be able to read the file, such as the browser in which this runs.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        matches!(
            self,
            Self::UnknownFormat
                | Self::ForeignFormat { .. }
                | Self::Unsupported { .. }
                | Self::DecoderFailed { .. }
        )
    }
}

/// A flaw of a photo that could be read all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageNote {
    /// Every pixel is there, but the marker behind them is missing. Whole scans of a progressive file may be
    /// missing.
    #[error("the JPEG file lacks its end marker: if it was cut off, fine details are missing")]
    NoEndMarker,
    /// The colour profile cannot be used, and the colours are taken for sRGB.
    #[error("its colour profile cannot be used ({reason}): its colours may be off")]
    ProfileIgnored {
        /// Why the profile cannot be used.
        reason: String,
    },
}
