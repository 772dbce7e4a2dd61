//! Decodes photos: the bytes of a file in, upright RGB pixels out (step 1 of 7).

#[cfg(feature = "avif")]
mod avif;
mod channels;
mod colour;
mod content;
mod error;
mod gif;
mod guard;
mod jpeg;
mod likeness;
mod other;
mod raster;
mod tiff;

#[cfg(test)]
mod tests;

use image::ImageFormat;

use content::Content;
pub use error::{ImageError, ImageNote};
pub use guard::is_decoding;
pub use likeness::Likeness;
use raster::Raster;

/// The maximum number of pixels of a photo: decoding more would not fit into a browser tab.
pub const MAX_PIXELS: u64 = 64_000_000;

/// An upright 8-bit RGB image of at least one pixel.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RgbImage({} × {})", self.width, self.height)
    }
}

impl RgbImage {
    /// Wraps `pixels`, `[height, width, 3]` bytes in row-major order.
    ///
    /// # Errors
    /// [`ImageError::WrongLength`] if the buffer does not have that shape or has no pixels.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, ImageError> {
        let expected = width.checked_mul(height).and_then(|n| n.checked_mul(3));
        if pixels.is_empty() || expected != Some(pixels.len()) {
            return Err(ImageError::WrongLength { width, height, bytes: pixels.len() });
        }
        Ok(Self { width, height, pixels })
    }

    /// Decodes a photo by its content.
    ///
    /// Colours are converted to sRGB by the photo's colour profile, the photo is turned upright (EXIF),
    /// transparency is laid over white, and the result is reduced to 8-bit RGB. Only the first frame of an
    /// animation is decoded. JPEGs give the same bytes as libjpeg-turbo.
    ///
    /// # Errors
    /// [`ImageError`] for every file that is not a complete photo of at most [`MAX_PIXELS`]; the size is
    /// checked before any pixel is decoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        Self::decode_with_notes(bytes).map(|(photo, _)| photo)
    }

    /// Decodes a photo as [`Self::decode`] does, and returns what was wrong with its file although it could
    /// be decoded.
    ///
    /// # Errors
    /// The errors of [`Self::decode`].
    pub fn decode_with_notes(bytes: &[u8]) -> Result<(Self, Vec<ImageNote>), ImageError> {
        Self::decode_up_to(MAX_PIXELS, bytes)
    }

    /// Decodes a photo as [`Self::decode_with_notes`] does, but of at most `most` pixels.
    ///
    /// # Errors
    /// The errors of [`Self::decode`].
    pub fn decode_up_to(most: u64, bytes: &[u8]) -> Result<(Self, Vec<ImageNote>), ImageError> {
        decode_as(bytes, most, Raster::finish)
    }

    /// Returns whether the first bytes of a file are those of a photo in a supported format.
    #[must_use]
    pub fn is_known(head: &[u8]) -> bool {
        match content::of(head) {
            // BMP's signature is just two letters, which any text may begin with.
            Content::Photo(ImageFormat::Bmp, _) => head.get(6..10) == Some(&[0; 4]),
            content => matches!(content, Content::Photo(..)),
        }
    }

    /// Returns a part of the photo, given as left, top, width and height in pixels and cut off at the border.
    #[must_use]
    pub fn part(&self, [left, top, width, height]: [usize; 4]) -> Self {
        let (left, top) = (left.min(self.width), top.min(self.height));
        let (width, height) = (width.min(self.width - left), height.min(self.height - top));
        let row = |y: usize| {
            let start = (y * self.width + left) * 3;
            &self.pixels[start..start + width * 3]
        };
        Self { width, height, pixels: (top..top + height).flat_map(row).copied().collect() }
    }

    /// Returns the number of pixels per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns the bytes, `[height, width, 3]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

/// Decodes a picture as [`RgbImage::decode`] does, but keeps its transparency.
#[cfg(feature = "native")]
pub(crate) fn decode_rgba(bytes: &[u8]) -> Result<image::RgbaImage, ImageError> {
    decode_as(bytes, MAX_PIXELS, Raster::finish_rgba)
}

fn decode_as<T>(
    bytes: &[u8],
    most: u64,
    finish: impl FnOnce(Raster) -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    let (format, name) = match content::of(bytes) {
        Content::Photo(format, name) => (format, name),
        Content::Foreign(content) => return Err(ImageError::ForeignFormat { content }),
        Content::Unknown => return Err(ImageError::UnknownFormat),
    };
    guard::catch(name, || {
        finish(match format {
            #[cfg(feature = "avif")]
            ImageFormat::Avif => avif::decode(bytes, most),
            ImageFormat::Jpeg => jpeg::decode(bytes, most),
            ImageFormat::Tiff => tiff::decode(bytes, most),
            format => other::decode(bytes, (format, name), most),
        }?)
    })
}
