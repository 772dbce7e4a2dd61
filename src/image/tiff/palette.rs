//! Decodes pictures whose samples are indices into a palette.
//!
//! The decoder refuses them, so the file is changed to claim grey samples, and each grey is then replaced by
//! its colour.

use tiff::TiffError;
use tiff::tags::{PhotometricInterpretation, Tag};

use super::super::ImageError;
use super::super::raster::{Channels, Raster};
use super::{Source, refusal, unsupported};

/// The maximum bits of an index: palettes have at most 256 colours.
const MAX_BITS: u16 = 8;
/// The tag that says what samples mean.
const PHOTOMETRIC: u16 = 262;
const BLACK_IS_ZERO: u16 = 1;

/// Returns the colour of each grey that the decoder gives for an index; `None` if samples are colours
/// themselves.
pub(super) fn colours(decoder: &mut Source<'_>) -> Result<Option<Vec<[u8; 3]>>, ImageError> {
    let refused = |error: TiffError| refusal(&error);
    let meaning = decoder.find_tag_unsigned::<u16>(Tag::PhotometricInterpretation).map_err(refused)?;
    if meaning != Some(PhotometricInterpretation::RGBPalette.to_u16()) {
        return Ok(None);
    }
    let bits = decoder.find_tag_unsigned_vec::<u16>(Tag::BitsPerSample).map_err(refused)?;
    let bits = bits.and_then(|bits| bits.first().copied()).unwrap_or(1);
    if bits > MAX_BITS {
        return Err(unsupported(&format!("a list of colours for samples of {bits} bits")));
    }
    let list = decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(refused)?.unwrap_or_default();
    let count = 1_usize << bits;
    if list.len() != 3 * count {
        let reason = format!("its list of colours has {} numbers, not {}", list.len(), 3 * count);
        return Err(ImageError::Corrupt { format: super::FORMAT, reason });
    }
    // Some programs write 8-bit values although 16-bit ones are required.
    let shift = if list.iter().all(|value| *value < 256) { 0 } else { 8 };
    let value = |at: usize| (list[at] >> shift) as u8;
    let colour = |place: usize| [value(place), value(count + place), value(2 * count + place)];
    Ok(Some((0..256).map(|grey| colour(grey * (count - 1) / 255)).collect()))
}

/// Rewrites the file so that it claims grey samples.
pub(super) fn as_grey(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_big_endian = bytes.starts_with(b"MM");
    let number = |at: usize, length: usize| {
        let part = bytes.get(at..at.checked_add(length)?)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if is_big_endian { part.iter().fold(0, add) } else { part.iter().rev().fold(0, add) })
    };
    // BigTIFF has longer numbers everywhere.
    let (pointer, wide, counted, entry) = if number(2, 2)? == 43 { (8, 8, 8, 20) } else { (4, 4, 2, 12) };
    let directory = number(pointer, wide)?;
    let entries = number(directory, counted)?.min(usize::from(u16::MAX));
    let place = |index: usize| directory + counted + index * entry;
    let at = (0..entries).map(place).find(|at| number(*at, 2) == Some(PHOTOMETRIC.into()))?;
    let mut grey = bytes.to_vec();
    let value = if is_big_endian { BLACK_IS_ZERO.to_be_bytes() } else { BLACK_IS_ZERO.to_le_bytes() };
    grey.get_mut(at + entry - wide..)?.get_mut(..2)?.copy_from_slice(&value);
    Some(grey)
}

/// Replaces each grey by its colour.
pub(super) fn colour(raster: &mut Raster, colours: &[[u8; 3]]) {
    let rgb = |grey: u8| colours[usize::from(grey)];
    (raster.channels, raster.bytes) = match raster.channels {
        Channels::GreyAlpha => {
            let pixels = raster.bytes.as_chunks().0.iter();
            let rgba = |[grey, alpha]: &[u8; 2]| {
                let [r, g, b] = rgb(*grey);
                [r, g, b, *alpha]
            };
            (Channels::RgbAlpha, pixels.flat_map(rgba).collect())
        }
        _ => (Channels::Rgb, raster.bytes.iter().flat_map(|grey| rgb(*grey)).collect()),
    };
}
