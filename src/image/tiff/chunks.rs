//! Assembles strips and tiles to a picture.

use tiff::decoder::DecodingResult;
use tiff::{TiffError, TiffUnsupportedError};

use super::{Layout, Source};

/// Reads every strip or tile of every plane into its place.
pub(super) fn read(decoder: &mut Source<'_>, layout: &Layout) -> Result<Vec<u8>, TiffError> {
    let (chunk_width, chunk_height) = decoder.chunk_dimensions();
    let (chunk_width, chunk_height) = (chunk_width as usize, chunk_height as usize);
    let (across, down) = (layout.width.div_ceil(chunk_width), layout.height.div_ceil(chunk_height));
    let row_samples = chunk_width.checked_mul(layout.given).ok_or(TiffError::LimitsExceeded)?;
    let row_bits = row_samples.checked_mul(layout.bits.into()).ok_or(TiffError::LimitsExceeded)?;
    let channels = layout.channels.count();
    let mut pixels = vec![0; layout.width * layout.height * channels];
    for plane in 0..layout.planes {
        for chunk in 0..across * down {
            let (left, top) = (chunk % across * chunk_width, chunk / across * chunk_height);
            // Reads whole rows, since the decoder fails at tiles of which it omits the right edge.
            let mut data = DecodingResult::U8(Vec::new());
            let index = u32::try_from(plane * across * down + chunk)?;
            decoder.read_chunk_to_buffer(&mut data, index, row_bits.div_ceil(8))?;
            let samples = eight_bits(data, layout.bits, row_samples)?;
            for (row, y) in samples.chunks_exact(row_samples).zip(top..layout.height) {
                let line = &mut pixels[y * layout.width * channels..][..layout.width * channels];
                let places = line.chunks_exact_mut(channels).skip(left);
                for (pixel, given) in places.zip(row.chunks_exact(layout.given)) {
                    let wanted = given.len().min(channels);
                    pixel[plane..plane + wanted].copy_from_slice(&given[..wanted]);
                }
            }
        }
    }
    if layout.premultiplied {
        divide_by_alpha(&mut pixels, channels);
    }
    Ok(pixels)
}

/// Returns one byte per sample, without the bits that pad rows.
fn eight_bits(data: DecodingResult, bits: u8, row_samples: usize) -> Result<Vec<u8>, TiffError> {
    match data {
        DecodingResult::U8(bytes) if bits == 8 => Ok(bytes),
        DecodingResult::U8(bytes) => {
            let (bits, most) = (usize::from(bits), (1_u16 << bits) - 1);
            let sample = |row: &[u8], at: usize| {
                let value = u16::from(row[at * bits / 8]) >> (8 - bits - at * bits % 8) & most;
                (value * 255 / most) as u8
            };
            let rows = bytes.chunks_exact((row_samples * bits).div_ceil(8));
            Ok(rows.flat_map(|row| (0..row_samples).map(move |at| sample(row, at))).collect())
        }
        DecodingResult::U16(words) => {
            Ok(words.into_iter().map(|word| ((u32::from(word) + 128) / 257) as u8).collect())
        }
        DecodingResult::F32(shares) => {
            Ok(shares.into_iter().map(|share| (share.clamp(0.0, 1.0) * 255.0).round() as u8).collect())
        }
        _ => Err(TiffUnsupportedError::UnsupportedDataType.into()),
    }
}

/// Divides colours by their alpha, which comes last.
fn divide_by_alpha(pixels: &mut [u8], channels: usize) {
    for pixel in pixels.chunks_exact_mut(channels) {
        let Some((alpha, colours)) = pixel.split_last_mut() else { continue };
        let alpha = u16::from(*alpha).max(1);
        colours.iter_mut().for_each(|colour| *colour = (u16::from(*colour) * 255 / alpha).min(255) as u8);
    }
}

/// Converts JPEG's luma and chroma.
pub(super) fn to_rgb(pixel: &mut [u8; 3]) {
    let [luma, blue, red] = pixel.map(f32::from);
    let (blue, red) = (blue - 128.0, red - 128.0);
    let rgb = [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue];
    *pixel = rgb.map(|value| value.round() as u8);
}
