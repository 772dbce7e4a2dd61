//! Decodes AVIF: one coded frame or a grid of tiles, with transparency, in any depth and subsampling.

mod container;
mod convert;
mod described;
mod frame;
mod grid;

use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, MatrixCoefficients, TransferCharacteristics};

use super::ImageError;
use super::raster::{Channels, Raster, check_size};
use container::Container;
use convert::Coding;
use described::Described;
use frame::Frame;

const FORMAT: &str = "AVIF";
/// Code points of ITU-T H.273 for colours: unspecified, and those of sRGB.
const UNSPECIFIED: u16 = 2;
const SRGB_PRIMARIES: u16 = 1;
const SRGB_TRANSFER: u16 = 13;
/// Transfer characteristics of HDR: PQ and HLG.
const HDR_TRANSFERS: [u16; 2] = [16, 18];

pub(super) fn decode(bytes: &[u8], most: u64) -> Result<Raster, ImageError> {
    let container = Container::parse(bytes)?;
    check_size([container.width, container.height], most)?;
    let asks = container.described.is_none();
    let frame = match &container.grid {
        Some(grid) => grid.decode(&container.coded, asks, most)?,
        None => Frame::decode(&container.coded[0], container.operating_point, asks, most)?,
    };
    let alpha = container.alpha.as_deref().map(|coded| Frame::decode(coded, 0, false, most)).transpose()?;
    check_size([frame.width as u32, frame.height as u32], most)?;

    let described = container.described.or(frame.described).unwrap_or(Described::UNSAID);
    if HDR_TRANSFERS.contains(&described.transfer) && container.profile.is_none() {
        return Err(unsupported("HDR brightness, PQ or HLG"));
    }
    let coding = Coding::new(&frame, &described)?;
    let mut raster = Raster {
        width: frame.width as u32,
        height: frame.height as u32,
        channels: if frame.is_grey() { Channels::Grey } else { Channels::Rgb },
        bytes: convert::pixels(&frame, &coding),
        profile: container.profile.or_else(|| profile(&described)),
        orientation: container.orientation,
        notes: Vec::new(),
    };
    if let Some(alpha) = alpha {
        convert::add_alpha(&mut raster, &alpha, container.is_premultiplied)?;
    }
    match container.aperture {
        Some(aperture) => aperture.crop(raster),
        None => Ok(raster),
    }
}

/// Returns an ICC profile for colours given as code points, unless they are those of sRGB.
fn profile(described: &Described) -> Option<Vec<u8>> {
    if [SRGB_PRIMARIES, UNSPECIFIED].contains(&described.primaries) {
        return None;
    }
    // Video's own transfer curves are shown with the curve of sRGB, as browsers do.
    let transfer = match described.transfer {
        1 | UNSPECIFIED | 6 | 14 | 15 => SRGB_TRANSFER,
        transfer => transfer,
    };
    let cicp = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(u8::try_from(described.primaries).ok()?).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(u8::try_from(transfer).ok()?).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    ColorProfile::new_from_cicp(cicp).encode().ok()
}

fn unsupported(reason: &str) -> ImageError {
    ImageError::Unsupported { format: FORMAT, reason: reason.to_owned() }
}

fn corrupt(reason: impl Into<String>) -> ImageError {
    ImageError::Corrupt { format: FORMAT, reason: reason.into() }
}
