//! Decodes PNG, WebP, GIF and BMP.

use std::error::Error;
use std::io::{self, Cursor};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, Limits};

use super::ImageError;
use super::gif::with_whole_frame;
use super::raster::{Channels, Raster, check_size};

/// Decodes with the decoder of `format`; naming each keeps the unused decoders of `image` out of the page.
pub(super) fn decode(
    bytes: &[u8],
    (format, name): (ImageFormat, &'static str),
    most: u64,
) -> Result<Raster, ImageError> {
    let refused = |error: image::ImageError| refusal(name, &error);
    let file = Cursor::new(bytes);
    match format {
        ImageFormat::Png => {
            read(PngDecoder::with_limits(file, Limits::default()).map_err(refused)?, name, most)
        }
        ImageFormat::WebP => read(WebPDecoder::new(file).map_err(refused)?, name, most),
        ImageFormat::Gif => {
            read(GifDecoder::new(Cursor::new(with_whole_frame(bytes))).map_err(refused)?, name, most)
        }
        _ => {
            let mut raster = read(BmpDecoder::new(file).map_err(refused)?, name, most)?;
            if raster.channels == Channels::RgbAlpha {
                uncover(&mut raster.bytes);
            }
            Ok(raster)
        }
    }
}

fn read(mut decoder: impl ImageDecoder, name: &'static str, most: u64) -> Result<Raster, ImageError> {
    let refused = |error: image::ImageError| refusal(name, &error);
    let (width, height) = decoder.dimensions();
    check_size([width, height], most)?;
    let mut limits = Limits::default();
    // Four channels of 16 bits.
    limits.max_alloc = limits.max_alloc.map(|usual| usual.max(8 * most));
    decoder.set_limits(limits).map_err(refused)?;
    let profile = decoder.icc_profile().map_err(refused)?;
    let orientation = decoder.exif_metadata().map_err(refused)?.and_then(|exif| orientation(&exif));
    let (channels, bytes) = bytes_of(DynamicImage::from_decoder(decoder).map_err(refused)?);
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Raster { width, height, channels, bytes, profile, orientation, notes: Vec::new() })
}

/// Returns the orientation in an EXIF block. In WebP and PNG, many programs write it with the prefix that
/// JPEG requires.
fn orientation(exif: &[u8]) -> Option<Orientation> {
    Orientation::from_exif_chunk(exif.strip_prefix(b"Exif\0\0").unwrap_or(exif))
}

fn bytes_of(photo: DynamicImage) -> (Channels, Vec<u8>) {
    let color = photo.color();
    match (color.has_color(), color.has_alpha()) {
        (false, false) => (Channels::Grey, photo.into_luma8().into_raw()),
        (false, true) => (Channels::GreyAlpha, photo.into_luma_alpha8().into_raw()),
        (true, false) => (Channels::Rgb, photo.into_rgb8().into_raw()),
        (true, true) => (Channels::RgbAlpha, photo.into_rgba8().into_raw()),
    }
}

/// Makes a fully transparent bitmap opaque: its writer left the fourth byte of each pixel unused.
fn uncover(rgba: &mut [u8]) {
    let pixels = rgba.as_chunks_mut::<4>().0;
    if pixels.iter().all(|pixel| pixel[3] == 0) {
        pixels.iter_mut().for_each(|pixel| pixel[3] = 255);
    }
}

/// Distinguishes a file that ends early, one of a rare kind and one with wrong content.
fn refusal(format: &'static str, error: &image::ImageError) -> ImageError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof) {
            return ImageError::Truncated { format };
        }
        cause = error.source();
    }
    match error {
        // Its source is that of the error within.
        image::ImageError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            ImageError::Truncated { format }
        }
        image::ImageError::Unsupported(_) | image::ImageError::Limits(_) => {
            ImageError::Unsupported { format, reason: error.to_string() }
        }
        _ => ImageError::Corrupt { format, reason: error.to_string() },
    }
}
