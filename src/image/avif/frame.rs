//! Decodes coded AV1 frames to samples.

use re_rav1d::dav1d::{
    Decoder, Error, Picture, PixelLayout, PlanarImageComponent, Settings, pixel::YUVRange,
};

use super::described::Described;
use super::{FORMAT, corrupt, unsupported};
use crate::image::ImageError;

/// The samples of one component, `[height, width]`.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: Vec<u16>,
}

/// A decoded frame: luma, and two chroma planes unless it is grey.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Bits per sample.
    pub(super) bits: u32,
    pub(super) planes: Vec<Plane>,
    pub(super) is_full_range: bool,
    /// The frame's description of its colours, if it was asked for.
    pub(super) described: Option<Described>,
}

impl Frame {
    /// Decodes the frame of `coded`, the uppermost one of several layers. The description of its colours is
    /// read only if `asks`, since the decoder panics at reserved code points.
    pub(super) fn decode(
        coded: &[u8],
        operating_point: u8,
        asks: bool,
        most: u64,
    ) -> Result<Self, ImageError> {
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        settings.set_all_layers(false);
        settings.set_operating_point(operating_point.into());
        settings.set_frame_size_limit(u32::try_from(most).unwrap_or(u32::MAX));
        let mut decoder = Decoder::with_settings(&settings).map_err(refusal)?;
        let mut sent = decoder.send_data(coded.to_vec(), None, None, None);
        // The frame of a picture in several layers is returned at a later call.
        let mut asked = 0;
        loop {
            match (decoder.get_picture(), sent) {
                (Ok(picture), _) => return Self::read(&picture, asks),
                (Err(Error::Again), Err(Error::Again)) => sent = decoder.send_pending_data(),
                (Err(Error::Again), Ok(())) if asked < 2 => asked += 1,
                (Err(Error::Again), Ok(())) => return Err(ImageError::Truncated { format: FORMAT }),
                (Err(Error::Again), Err(error)) | (Err(error), _) => return Err(refusal(error)),
            }
        }
    }

    fn read(picture: &Picture, asks: bool) -> Result<Self, ImageError> {
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let bits = picture.bit_depth() as u32;
        let halved = |side: usize| side.div_ceil(2);
        let colours = match picture.pixel_layout() {
            PixelLayout::I400 => None,
            PixelLayout::I420 => Some((halved(width), halved(height))),
            PixelLayout::I422 => Some((halved(width), height)),
            PixelLayout::I444 => Some((width, height)),
        };
        let mut planes = vec![plane(picture, PlanarImageComponent::Y, width, height, bits)?];
        if let Some((width, height)) = colours {
            for component in [PlanarImageComponent::U, PlanarImageComponent::V] {
                planes.push(plane(picture, component, width, height, bits)?);
            }
        }
        let is_full_range = picture.color_range() == YUVRange::Full;
        let described = asks.then(|| Described {
            primaries: picture.color_primaries() as u16,
            transfer: picture.transfer_characteristic() as u16,
            matrix: picture.matrix_coefficients() as u16,
            is_full_range,
        });
        Ok(Self { width, height, bits, planes, is_full_range, described })
    }

    pub(super) fn is_grey(&self) -> bool {
        self.planes.len() == 1
    }
}

fn plane(
    picture: &Picture,
    component: PlanarImageComponent,
    width: usize,
    height: usize,
    bits: u32,
) -> Result<Plane, ImageError> {
    let plane = picture.plane(component);
    let bytes = &plane[..];
    let stride = picture.stride(component) as usize;
    let short = || corrupt("a plane without all of its rows");
    let mut samples = Vec::with_capacity(width * height);
    for y in 0..height {
        let row = bytes.get(y * stride..).ok_or_else(short)?;
        if bits == 8 {
            samples.extend(row.get(..width).ok_or_else(short)?.iter().map(|sample| u16::from(*sample)));
        } else {
            let pairs = row.get(..2 * width).ok_or_else(short)?.as_chunks().0;
            samples.extend(pairs.iter().map(|pair| u16::from_ne_bytes(*pair)));
        }
    }
    Ok(Plane { width, height, samples })
}

fn refusal(error: Error) -> ImageError {
    match error {
        Error::UnsupportedBitstream => unsupported("a rare kind of AV1"),
        error => corrupt(format!("AV1: {error}")),
    }
}
