//! Converts luma and chroma to red, green and blue.

use super::described::Described;
use super::frame::{Frame, Plane};
use super::{UNSPECIFIED, corrupt, unsupported};
use crate::image::ImageError;
use crate::image::raster::{Channels, Raster};

/// The meaning of a frame's samples.
#[derive(Debug)]
pub(super) struct Coding {
    /// Whether the samples are green, blue and red themselves.
    is_identity: bool,
    /// Weights of red and blue in the luma.
    red: f32,
    blue: f32,
    brightness: Range,
    colour: Range,
}

/// The sample value of zero, and the number of steps from zero to one.
#[derive(Debug, Clone, Copy)]
struct Range {
    zero: f32,
    one: f32,
}

impl Range {
    fn brightness(bits: u32, is_full: bool) -> Self {
        let unit = (1_u32 << (bits - 8)) as f32;
        if is_full {
            Self { zero: 0.0, one: 256.0 * unit - 1.0 }
        } else {
            Self { zero: 16.0 * unit, one: 219.0 * unit }
        }
    }

    fn colour(bits: u32, is_full: bool) -> Self {
        let unit = (1_u32 << (bits - 8)) as f32;
        Self { zero: 128.0 * unit, one: if is_full { 256.0 * unit - 1.0 } else { 224.0 * unit } }
    }

    fn share(self, sample: f32) -> f32 {
        (sample - self.zero) / self.one
    }
}

impl Coding {
    pub(super) fn new(frame: &Frame, described: &Described) -> Result<Self, ImageError> {
        const IDENTITY: u16 = 0;
        let (red, blue) = match described.matrix {
            1 => (0.2126, 0.0722),
            4 => (0.30, 0.11),
            IDENTITY | UNSPECIFIED | 5 | 6 => (0.299, 0.114),
            7 => (0.212, 0.087),
            9 => (0.2627, 0.0593),
            _ if frame.is_grey() => (0.299, 0.114),
            matrix => return Err(unsupported(&format!("matrix coefficients {matrix}"))),
        };
        let is_identity = described.matrix == IDENTITY && !frame.is_grey();
        if is_identity && frame.planes[1].samples.len() != frame.planes[0].samples.len() {
            return Err(corrupt("red, green and blue of several sizes"));
        }
        let brightness = Range::brightness(frame.bits, described.is_full_range);
        Ok(Self {
            is_identity,
            red,
            blue,
            brightness,
            colour: Range::colour(frame.bits, described.is_full_range),
        })
    }

    fn rgb(&self, y: f32, u: f32, v: f32) -> [f32; 3] {
        let y = self.brightness.share(y);
        if self.is_identity {
            return [self.brightness.share(v), y, self.brightness.share(u)];
        }
        let (u, v) = (self.colour.share(u), self.colour.share(v));
        let red = y + 2.0 * (1.0 - self.red) * v;
        let blue = y + 2.0 * (1.0 - self.blue) * u;
        let green = (y - self.red * red - self.blue * blue) / (1.0 - self.red - self.blue);
        [red, green, blue]
    }
}

/// Converts a frame to bytes: `[height, width, 3]`, or `[height, width]` for a grey one.
pub(super) fn pixels(frame: &Frame, coding: &Coding) -> Vec<u8> {
    let [y, u, v] = &frame.planes[..] else { return bytes(&frame.planes[0], coding.brightness) };
    let mut pixels = Vec::with_capacity(3 * frame.width * frame.height);
    let (mut blues, mut reds) = (vec![0.0; frame.width], vec![0.0; frame.width]);
    for (row, samples) in y.samples.chunks_exact(frame.width).enumerate() {
        widen(u, frame, row, &mut blues);
        widen(v, frame, row, &mut reds);
        for (sample, (u, v)) in samples.iter().zip(blues.iter().zip(&reds)) {
            pixels.extend(coding.rgb(f32::from(*sample), *u, *v).map(byte));
        }
    }
    pixels
}

/// Interpolates one row of a chroma plane to the width of the frame; samples lie in the centre of the pixels
/// that they cover.
fn widen(plane: &Plane, frame: &Frame, row: usize, wide: &mut [f32]) {
    let (near, far) = neighbours(row, plane.height, frame.height);
    let line = |y: usize| &plane.samples[y * plane.width..][..plane.width];
    let (near, far) = (line(near), line(far));
    let at = |x: usize| 0.75 * f32::from(near[x]) + 0.25 * f32::from(far[x]);
    for (x, value) in wide.iter_mut().enumerate() {
        let (near, far) = neighbours(x, plane.width, frame.width);
        *value = 0.75 * at(near) + 0.25 * at(far);
    }
}

/// Returns the samples on both sides of a pixel, the nearer one first; twice the same if every pixel has its
/// own.
fn neighbours(pixel: usize, samples: usize, pixels: usize) -> (usize, usize) {
    if samples == pixels {
        return (pixel, pixel);
    }
    let near = pixel / 2;
    (near, if pixel.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(samples - 1) })
}

fn bytes(plane: &Plane, range: Range) -> Vec<u8> {
    plane.samples.iter().map(|sample| byte(range.share(f32::from(*sample)))).collect()
}

fn byte(share: f32) -> u8 {
    (share * 255.0).round() as u8
}

/// Adds the alpha channel, which is coded as a separate frame.
pub(super) fn add_alpha(
    raster: &mut Raster,
    alpha: &Frame,
    is_premultiplied: bool,
) -> Result<(), ImageError> {
    if (alpha.width, alpha.height) != (raster.width as usize, raster.height as usize) {
        return Err(corrupt("colours and transparency of several sizes"));
    }
    let shares = bytes(&alpha.planes[0], Range::brightness(alpha.bits, alpha.is_full_range));
    let count = raster.channels.count();
    let pixels = raster.bytes.chunks_exact(count).zip(&shares);
    raster.bytes = pixels
        .flat_map(|(pixel, alpha)| {
            let colour = move |value: u8| if is_premultiplied { divided(value, *alpha) } else { value };
            pixel.iter().map(move |value| colour(*value)).chain([*alpha])
        })
        .collect();
    raster.channels =
        if raster.channels == Channels::Grey { Channels::GreyAlpha } else { Channels::RgbAlpha };
    Ok(())
}

fn divided(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    (value * 255 + alpha / 2).checked_div(alpha).unwrap_or(0).min(255) as u8
}
