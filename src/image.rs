//! Photos: bytes of a file in, upright RGB pixels out (step 1 of 7).

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

/// The most pixels a photo may have: decoding more would not fit a browser tab.
pub const MAX_PIXELS: u64 = 64_000_000;

/// Why a photo could not be read. Each message says whose fault it is and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// The file has no bytes.
    #[error("the file is empty: choose a photo with content")]
    Empty,
    /// The content is none of the accepted formats, whatever the file is called.
    #[error("this is not a photo in a known format: use JPEG, PNG, WebP, GIF, BMP or TIFF")]
    UnknownFormat,
    /// The header announces more than [`MAX_PIXELS`].
    #[error("too large: {width} × {height} = {} megapixels; the limit is {}; make it smaller and try again",
        (u64::from(*width) * u64::from(*height)).div_ceil(1_000_000), MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
    },
    /// The file ends before the photo does.
    #[error("the {format} file is cut off before the photo ends: copy or download it again")]
    Truncated {
        /// Format the content announces.
        format: &'static str,
    },
    /// The decoder refused the content.
    #[error("the {format} file is damaged ({reason}): export or download it again")]
    Corrupt {
        /// Format the content announces.
        format: &'static str,
        /// The decoder's own words.
        reason: String,
    },
    /// [`RgbImage::new`] was given a buffer that does not fit the size.
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

    /// Decodes a photo by its content, turns it upright (EXIF), lays transparency over white and reduces it to
    /// 8-bit RGB. Of an animation, the first frame.
    ///
    /// # Errors
    /// [`ImageError`] for every file that is not a whole photo of at most [`MAX_PIXELS`]; the size is checked
    /// before any pixel is decoded.
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        if bytes.is_empty() {
            return Err(ImageError::Empty);
        }
        let format = image::guess_format(bytes).ok().and_then(|f| Some((f, format_name(f)?)));
        let (format, name) = format.ok_or(ImageError::UnknownFormat)?;
        if format == ImageFormat::Jpeg && !jpeg_is_complete(bytes) {
            return Err(ImageError::Truncated { format: name });
        }
        let refused = |error: image::ImageError| refusal(name, &error);
        let mut decoder =
            ImageReader::with_format(Cursor::new(bytes), format).into_decoder().map_err(refused)?;
        let (width, height) = decoder.dimensions();
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(ImageError::TooLarge { width, height });
        }
        let orientation = decoder.orientation().map_err(refused)?;
        let mut photo = DynamicImage::from_decoder(decoder).map_err(refused)?;
        photo.apply_orientation(orientation);
        let (width, height) = (photo.width() as usize, photo.height() as usize);
        Self::new(width, height, flatten(photo))
    }

    /// Whether the first bytes of a file are those of a photo in a format that is read here.
    #[must_use]
    pub fn is_known(head: &[u8]) -> bool {
        match image::guess_format(head) {
            // Two letters alone are any text's.
            Ok(ImageFormat::Bmp) => head.get(6..10) == Some(&[0; 4]),
            format => format.is_ok_and(|format| format_name(format).is_some()),
        }
    }

    /// Pixels per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The bytes, `[height, width, 3]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}

/// The name of an accepted format, for messages.
fn format_name(format: ImageFormat) -> Option<&'static str> {
    Some(match format {
        ImageFormat::Jpeg => "JPEG",
        ImageFormat::Png => "PNG",
        ImageFormat::WebP => "WebP",
        ImageFormat::Gif => "GIF",
        ImageFormat::Bmp => "BMP",
        ImageFormat::Tiff => "TIFF",
        _ => return None,
    })
}

/// Tells a file that stops early from one with wrong content.
fn refusal(format: &'static str, error: &image::ImageError) -> ImageError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof) {
            return ImageError::Truncated { format };
        }
        cause = error.source();
    }
    ImageError::Corrupt { format, reason: error.to_string() }
}

/// Whether the scan of a JPEG reaches its end marker: decoders fill what is missing with grey and say nothing.
fn jpeg_is_complete(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: u8 = 0xD9;
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == START_OF_SCAN {
            return bytes[at..].windows(2).any(|pair| pair == [0xFF, END_OF_IMAGE]);
        }
        // A fill byte stands alone; every other segment tells its length.
        at += if marker == 0xFF { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    at < bytes.len()
}

/// 8-bit RGB bytes, transparency laid over white.
fn flatten(photo: DynamicImage) -> Vec<u8> {
    if !photo.color().has_alpha() {
        return photo.into_rgb8().into_raw();
    }
    let over_white = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    photo
        .into_rgba8()
        .pixels()
        .flat_map(|image::Rgba([r, g, b, a])| [r, g, b].map(|v| over_white(*v, *a)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn gradient(width: u32, height: u32) -> DynamicImage {
        image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7])).into()
    }

    /// A JPEG with an EXIF block that holds nothing but the orientation.
    fn jpeg_turned(image: &DynamicImage, orientation: u8) -> Vec<u8> {
        let plain = encode(image, ImageFormat::Jpeg);
        let mut exif = b"\xFF\xE1\x00\x22Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        [&plain[..2], &exif, &plain[2..]].concat()
    }

    #[test]
    fn lossless_formats_keep_every_pixel() {
        let photo = gradient(31, 17);
        let expected = photo.to_rgb8().into_raw();
        for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
            let decoded = RgbImage::decode(&encode(&photo, format)).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (31, 17), "{format:?}");
            assert_eq!(decoded.pixels(), expected, "{format:?}");
        }
    }

    #[test]
    fn depth_and_grey_and_alpha_become_rgb() {
        let deep = image::ImageBuffer::from_pixel(2, 2, image::Rgb([65535_u16, 257 * 10, 0]));
        let decoded = RgbImage::decode(&encode(&DynamicImage::ImageRgb16(deep), ImageFormat::Png)).unwrap();
        assert_eq!(decoded.pixels()[..3], [255, 10, 0]);

        let grey = image::GrayImage::from_pixel(1, 1, image::Luma([9]));
        let decoded = RgbImage::decode(&encode(&grey.into(), ImageFormat::Png)).unwrap();
        assert_eq!(decoded.pixels(), [9, 9, 9]);

        let glass =
            image::RgbaImage::from_fn(2, 1, |x, _| image::Rgba([100, 0, 0, if x == 0 { 0 } else { 128 }]));
        let decoded = RgbImage::decode(&encode(&glass.into(), ImageFormat::Png)).unwrap();
        assert_eq!(decoded.pixels(), [255, 255, 255, 177, 127, 127]);
    }

    #[test]
    fn exif_orientation_turns_the_photo_upright() {
        let half = image::RgbImage::from_fn(32, 16, |x, _| image::Rgb([if x < 16 { 255 } else { 0 }; 3]));
        let upright = RgbImage::decode(&jpeg_turned(&half.into(), 6)).unwrap();
        assert_eq!((upright.width(), upright.height()), (16, 32));
        assert!(upright.pixels()[0] > 240, "the left half is on top after a quarter turn clockwise");
        assert!(upright.pixels()[31 * 16 * 3] < 15);
    }

    #[test]
    fn bad_files_are_told_apart() {
        assert_eq!(RgbImage::decode(b""), Err(ImageError::Empty));
        assert_eq!(RgbImage::decode(b"dear diary"), Err(ImageError::UnknownFormat));
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
            let whole = encode(&gradient(64, 64), format);
            for cut in [whole.len() / 2, whole.len() * 9 / 10] {
                assert!(
                    RgbImage::decode(&whole[..cut]).is_err(),
                    "{format:?} cut at {cut} of {}",
                    whole.len()
                );
            }
        }
        let jpeg = encode(&gradient(64, 64), ImageFormat::Jpeg);
        let error = RgbImage::decode(&jpeg[..jpeg.len() - 9]).unwrap_err();
        assert_eq!(error, ImageError::Truncated { format: "JPEG" });
    }

    #[test]
    fn the_size_is_refused_from_the_header_alone() {
        let mut bmp = encode(&gradient(1, 1), ImageFormat::Bmp);
        bmp[18..22].copy_from_slice(&12_000_i32.to_le_bytes());
        bmp[22..26].copy_from_slice(&9_000_i32.to_le_bytes());
        let error = RgbImage::decode(&bmp).unwrap_err();
        assert_eq!(
            error.to_string(),
            "too large: 12000 × 9000 = 108 megapixels; the limit is 64; make it smaller and try again"
        );
    }

    #[test]
    fn no_prefix_or_flipped_byte_panics() {
        for format in
            [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Tiff]
        {
            let whole = encode(&gradient(9, 5), format);
            for at in 0..whole.len() {
                let _ = RgbImage::decode(&whole[..at]);
                let mut flipped = whole.clone();
                flipped[at] ^= 0x55;
                let _ = RgbImage::decode(&flipped);
            }
        }
    }

    #[test]
    fn one_pixel_is_a_photo_and_none_is_not() {
        assert_eq!(RgbImage::decode(&encode(&gradient(1, 1), ImageFormat::Png)).unwrap().pixels(), [0, 0, 7]);
        assert!(RgbImage::new(0, 0, vec![]).is_err());
        assert!(RgbImage::new(2, 1, vec![0; 5]).is_err());
    }
}
