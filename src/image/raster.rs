//! The output of decoders, and its conversion to upright RGB.

use std::mem;

use image::DynamicImage;
#[cfg(feature = "native")]
use image::RgbaImage;
use image::metadata::Orientation;

pub(super) use super::channels::Channels;
use super::{ImageError, ImageNote, RgbImage, colour};
use crate::memory::ask_for;

/// A decoded photo as its file stores it: `[height, width, channels]` bytes, not yet upright.
#[derive(Debug)]
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) channels: Channels,
    pub(super) bytes: Vec<u8>,
    /// The ICC profile.
    pub(super) profile: Option<Vec<u8>>,
    pub(super) orientation: Orientation,
    pub(super) notes: Vec<ImageNote>,
}

/// Bytes per pixel that decoding a photo takes: the decoder's buffers, its output, and the converted colours.
const DECODING: u64 = 12;

/// Refuses a size of more than `most` pixels, or one that exceeds the available memory, before anything is
/// allocated for it.
pub(super) fn check_size([width, height]: [u32; 2], most: u64) -> Result<(), ImageError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > most {
        return Err(ImageError::TooLarge { width, height, most });
    }
    ask_for(pixels * DECODING).map_err(|source| ImageError::NoMemory { width, height, source })
}

impl Raster {
    /// Converts the colours to sRGB, lays transparency over white and turns the photo upright.
    pub(super) fn finish(mut self) -> Result<(RgbImage, Vec<ImageNote>), ImageError> {
        self.convert();
        let (orientation, notes) = (self.orientation, mem::take(&mut self.notes));
        let upright = upright(self.sized(flatten, image::RgbImage::from_raw)?, orientation).into_rgb8();
        let (width, height) = (upright.width() as usize, upright.height() as usize);
        Ok((RgbImage::new(width, height, upright.into_raw())?, notes))
    }

    /// Converts the colours to sRGB and turns the photo upright, keeping its transparency.
    #[cfg(feature = "native")]
    pub(super) fn finish_rgba(mut self) -> Result<RgbaImage, ImageError> {
        self.convert();
        let orientation = self.orientation;
        Ok(upright(self.sized(with_alpha, RgbaImage::from_raw)?, orientation).into_rgba8())
    }

    fn convert(&mut self) {
        if let Some(profile) = self.profile.take()
            && let Err(reason) = colour::apply(&profile, &mut self.channels, &mut self.bytes)
        {
            self.notes.push(ImageNote::ProfileIgnored { reason });
        }
    }

    fn sized<T>(
        self,
        bytes: impl FnOnce(Channels, Vec<u8>) -> Vec<u8>,
        picture: impl FnOnce(u32, u32, Vec<u8>) -> Option<T>,
    ) -> Result<T, ImageError> {
        let (width, height, length) = (self.width as usize, self.height as usize, self.bytes.len());
        let wrong = ImageError::WrongLength { width, height, bytes: length };
        picture(self.width, self.height, bytes(self.channels, self.bytes)).ok_or(wrong)
    }
}

fn upright(picture: impl Into<DynamicImage>, orientation: Orientation) -> DynamicImage {
    let mut picture = picture.into();
    picture.apply_orientation(orientation);
    picture
}

/// Returns RGBA bytes; pixels without alpha become opaque.
#[cfg(feature = "native")]
fn with_alpha(channels: Channels, bytes: Vec<u8>) -> Vec<u8> {
    match channels {
        Channels::RgbAlpha => bytes,
        Channels::GreyAlpha => {
            bytes.as_chunks().0.iter().flat_map(|[grey, alpha]| [*grey, *grey, *grey, *alpha]).collect()
        }
        _ => flatten(channels, bytes).as_chunks().0.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect(),
    }
}

/// Returns RGB bytes, without regard to a profile.
fn flatten(channels: Channels, bytes: Vec<u8>) -> Vec<u8> {
    let over_white = |value: u8, alpha: u8| product(value, alpha) + (255 - alpha);
    match channels {
        Channels::Rgb => bytes,
        Channels::Grey => bytes.into_iter().flat_map(|grey| [grey; 3]).collect(),
        Channels::GreyAlpha => {
            bytes.as_chunks().0.iter().flat_map(|[grey, alpha]| [over_white(*grey, *alpha); 3]).collect()
        }
        Channels::RgbAlpha => bytes
            .as_chunks()
            .0
            .iter()
            .flat_map(|[red, green, blue, alpha]| [*red, *green, *blue].map(|v| over_white(v, *alpha)))
            .collect(),
        // Without a profile, inks absorb light one after the other, as in browsers and Pillow.
        Channels::Cmyk => bytes
            .as_chunks()
            .0
            .iter()
            .flat_map(|[cyan, magenta, yellow, black]| {
                [*cyan, *magenta, *yellow].map(|ink| product(255 - ink, 255 - black))
            })
            .collect(),
    }
}

/// Multiplies two fractions of 255, rounded.
const fn product(a: u8, b: u8) -> u8 {
    ((a as u32 * b as u32 + 127) / 255) as u8
}
