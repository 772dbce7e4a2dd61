//! Decodes TIFF: strips or tiles, interleaved or in separate planes, of the first picture in the file.

mod chunks;
mod palette;

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{CompressionMethod, ExtraSamples, PlanarConfiguration, Predictor, SampleFormat, Tag};
use tiff::{ColorType, TiffError};

use super::ImageError;
use super::raster::{Channels, Raster, check_size};

const FORMAT: &str = "TIFF";
/// The maximum bytes of a tag: profiles of printing presses have some megabytes.
const MAX_TAG: usize = 16 << 20;

type Source<'b> = Decoder<Cursor<&'b [u8]>>;

/// The layout of the samples in the file, and which of them are read.
struct Layout {
    width: usize,
    height: usize,
    bits: u8,
    /// Samples per pixel in a strip or tile as the decoder returns it: 1 for separate planes.
    given: usize,
    /// Number of planes that are read.
    planes: usize,
    channels: Channels,
    /// Whether colours are multiplied by their alpha.
    premultiplied: bool,
}

pub(super) fn decode(bytes: &[u8], most: u64) -> Result<Raster, ImageError> {
    let mut decoder = open(bytes, most)?;
    let Some(colours) = palette::colours(&mut decoder)? else { return read(decoder, most) };
    let grey = palette::as_grey(bytes).ok_or(ImageError::Truncated { format: FORMAT })?;
    let mut raster = read(open(&grey, most)?, most)?;
    palette::colour(&mut raster, &colours);
    Ok(raster)
}

fn open(bytes: &[u8], most: u64) -> Result<Source<'_>, ImageError> {
    let mut limits = Limits::default();
    // All pixels, with four channels of 16 bits.
    let chunk = usize::try_from(8 * most).unwrap_or(usize::MAX);
    (limits.decoding_buffer_size, limits.intermediate_buffer_size) = (chunk, chunk);
    limits.ifd_value_size = MAX_TAG;
    let decoder = Decoder::new(Cursor::new(bytes)).map_err(|error| refusal(&error))?.with_limits(limits);
    Ok(decoder)
}

fn read(mut decoder: Source<'_>, most: u64) -> Result<Raster, ImageError> {
    let refused = |error: TiffError| refusal(&error);
    let (width, height) = decoder.dimensions().map_err(refused)?;
    check_size([width, height], most)?;
    let layout = layout(&mut decoder)?;
    let mut pixels = chunks::read(&mut decoder, &layout).map_err(refused)?;
    if matches!(decoder.colortype(), Ok(ColorType::YCbCr(_))) {
        pixels.as_chunks_mut().0.iter_mut().for_each(chunks::to_rgb);
    }
    let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).map_err(refused)?;
    let profile = match decoder.find_tag(Tag::IccProfile).map_err(refused)? {
        Some(value) => Some(value.into_u8_vec().map_err(refused)?),
        None => None,
    };
    Ok(Raster {
        width,
        height,
        channels: layout.channels,
        bytes: pixels,
        profile,
        orientation: orientation.and_then(Orientation::from_exif).unwrap_or(Orientation::NoTransforms),
        notes: Vec::new(),
    })
}

/// Reads the tags that describe the samples, and refuses files that the decoder would read wrongly.
fn layout(decoder: &mut Source<'_>) -> Result<Layout, ImageError> {
    let refused = |error: TiffError| refusal(&error);
    let mut tag = |tag| decoder.find_tag_unsigned::<u16>(tag).map_err(refused);
    let samples = usize::from(tag(Tag::SamplesPerPixel)?.unwrap_or(1));
    let is_planar = tag(Tag::PlanarConfiguration)? == Some(PlanarConfiguration::Planar.to_u16());
    let predicted = tag(Tag::Predictor)?.is_some_and(|kind| kind != Predictor::None.to_u16());
    let compression = tag(Tag::Compression)?.map(CompressionMethod::from_u16_exhaustive);
    if tag(Tag::NewSubfileType)?.is_some_and(|kind| kind & 1 == 1) {
        return Err(unsupported("it begins with a thumbnail, as raw photos of cameras do"));
    }
    let formats = decoder.find_tag_unsigned_vec::<u16>(Tag::SampleFormat).map_err(refused)?;
    let extra = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples).map_err(refused)?.unwrap_or_default();
    let color = decoder.colortype().map_err(refused)?;
    let associated = ExtraSamples::AssociatedAlpha.to_u16();
    let has_alpha = extra.first().is_some_and(|kind| [associated, associated + 1].contains(kind));
    let channels = match color {
        ColorType::Gray(_) => Channels::Grey,
        ColorType::Multiband { num_samples: 2, .. } if has_alpha => Channels::GreyAlpha,
        ColorType::RGB(_) | ColorType::YCbCr(8) => Channels::Rgb,
        ColorType::RGBA(_) => Channels::RgbAlpha,
        ColorType::CMYK(_) | ColorType::CMYKA(_) => Channels::Cmyk,
        color => return Err(unsupported(&format!("{color:?} pixels"))),
    };
    let bits = color.bit_depth();
    let is_float =
        formats.is_some_and(|formats| formats.iter().any(|kind| *kind != SampleFormat::Uint.to_u16()));
    match (color, bits, is_float) {
        (ColorType::Gray(_), 1 | 2 | 4, false) | (_, 8 | 16, false) => {}
        (ColorType::RGB(_) | ColorType::RGBA(_), 32, true) => {}
        _ => return Err(unsupported("its samples are not unsigned integers of 8 or 16 bits")),
    }
    let given = usize::from(color.num_samples());
    // The decoder applies the predictor to the wrong samples, fails at the ends of LZW data, and mixes up two
    // channels in a JPEG.
    let mixed = compression == Some(CompressionMethod::ModernJPEG) && samples == 2;
    let is_lzw = compression == Some(CompressionMethod::LZW);
    if !is_planar && (mixed || given != samples && (predicted || is_lzw)) {
        return Err(unsupported(&format!("{samples} samples per pixel, of which {given} are colours")));
    }
    let (width, height) = decoder.dimensions().map_err(refused)?;
    Ok(Layout {
        width: width as usize,
        height: height as usize,
        bits,
        given: if is_planar { 1 } else { given },
        planes: if is_planar { channels.count() } else { 1 },
        channels,
        premultiplied: extra.first() == Some(&associated) && channels.has_alpha(),
    })
}

fn unsupported(reason: &str) -> ImageError {
    ImageError::Unsupported { format: FORMAT, reason: reason.to_owned() }
}

fn refusal(error: &TiffError) -> ImageError {
    match error {
        TiffError::IoError(io) if io.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated { format: FORMAT }
        }
        TiffError::UnsupportedError(error) => unsupported(&error.to_string()),
        TiffError::LimitsExceeded => unsupported("its strips or tiles are too large"),
        error => ImageError::Corrupt { format: FORMAT, reason: error.to_string() },
    }
}
