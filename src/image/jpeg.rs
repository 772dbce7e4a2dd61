//! Decodes JPEG to the same bytes as libjpeg-turbo.

use image::metadata::Orientation;
use libjpeg_turbo_rs::{DecodeLimits, Decoder, JpegError, PixelFormat};

use super::raster::{Channels, Raster, check_size};
use super::{ImageError, ImageNote};

/// The maximum number of scans of a progressive file: a hundred is usual at most, and each costs time.
const MAX_SCANS: usize = 500;
const FORMAT: &str = "JPEG";
const END_MARKER: [u8; 2] = [0xFF, 0xD9];

pub(super) fn decode(bytes: &[u8], most: u64) -> Result<Raster, ImageError> {
    if has_end_marker(bytes) {
        return decode_ended(bytes, most).map_err(|error| refusal(&error))?;
    }
    // Some cameras omit the marker; if more than that is missing, the decoder notices.
    let ended = [bytes, &END_MARKER].concat();
    let mut raster = decode_ended(&ended, most).map_err(|error| match refusal(&error) {
        ImageError::Corrupt { format, .. } => ImageError::Truncated { format },
        error => error,
    })??;
    raster.notes.push(ImageNote::NoEndMarker);
    Ok(raster)
}

fn decode_ended(bytes: &[u8], most: u64) -> Result<Result<Raster, ImageError>, JpegError> {
    let limits = DecodeLimits { max_scans: MAX_SCANS, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(bytes, limits)?;
    let (width, height) = (decoder.header().width.into(), decoder.header().height.into());
    if let Err(error) = check_size([width, height], most) {
        return Ok(Err(error));
    }
    let (channels, format) = match decoder.header().components.len() {
        1 => (Channels::Grey, PixelFormat::Grayscale),
        4 => (Channels::Cmyk, PixelFormat::Cmyk),
        _ => (Channels::Rgb, PixelFormat::Rgb),
    };
    if decoder.is_arithmetic() {
        // Browsers refuse arithmetic coding too, and nobody writes it on purpose.
        return Ok(Err(ImageError::Unsupported { format: FORMAT, reason: "arithmetic coding".to_owned() }));
    }
    decoder.set_output_format(format);
    let orientation = decoder.exif_orientation().and_then(Orientation::from_exif);
    let mut image = decoder.decode_image()?;
    if channels == Channels::Cmyk {
        // As Adobe's programs and all others assume, JPEGs store CMYK inverted.
        image.data.iter_mut().for_each(|ink| *ink = 255 - *ink);
    }
    Ok(Ok(Raster {
        width,
        height,
        channels,
        bytes: image.data,
        profile: image.icc_profile,
        orientation: orientation.unwrap_or(Orientation::NoTransforms),
        notes: Vec::new(),
    }))
}

fn refusal(error: &JpegError) -> ImageError {
    match error {
        JpegError::UnexpectedEof => ImageError::Truncated { format: FORMAT },
        JpegError::Unsupported(reason) => ImageError::Unsupported { format: FORMAT, reason: reason.clone() },
        error => ImageError::Corrupt { format: FORMAT, reason: error.to_string() },
    }
}

/// Returns whether an end marker follows the first scan; thumbnails before it have their own.
fn has_end_marker(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    let mut at = 2;
    while let Some(&[0xFF, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == START_OF_SCAN {
            return bytes[at..].windows(2).any(|pair| pair == END_MARKER);
        }
        // A fill byte stands alone; every other segment states its length.
        at += if marker == 0xFF { 1 } else { 2 + usize::from(u16::from_be_bytes([high, low])) };
    }
    at < bytes.len()
}
