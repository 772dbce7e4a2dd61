//! Single objects with transparency, to be pasted into photos.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use rand::{Rng, RngExt};

use crate::image::RgbImage;
use crate::mask::BinaryMask;

/// Minimum and maximum longer side of a pasted object, as a share of the photo's.
const SPAN: (f64, f64) = (0.12, 0.6);

/// Maximum number of times an outline is softened; crisp and soft outlines mix, so that neither reveals a
/// paste.
const MAX_FEATHER: usize = 2;

/// An object cut out of its background, as straight (not premultiplied) RGBA bytes in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rgba: Vec<u8>,
}

impl Layer {
    /// Cuts out the object under `mask`, a mask of the photo's size; `None` for an empty mask.
    pub(super) fn cut(photo: &RgbImage, mask: &BinaryMask) -> Option<Self> {
        let [left, top, width, height] = mask.bbox();
        let mut rgba = Vec::with_capacity(width * height * 4);
        for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
            let at = (y * photo.width() + x) * 3;
            rgba.extend_from_slice(&photo.pixels()[at..at + 3]);
            rgba.push(if mask.get(x, y) { 255 } else { 0 });
        }
        (width > 0).then_some(Self { width, height, rgba })
    }

    pub(super) fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width + x) * 4;
        [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2], self.rgba[at + 3]]
    }

    /// Varies size, orientation (mirrored or not) and softness at random, for a photo whose longer side has
    /// `side` pixels.
    pub(super) fn vary(&self, side: usize, rng: &mut impl Rng) -> Self {
        let span = side as f64 * rng.random_range(SPAN.0.ln()..=SPAN.1.ln()).exp();
        let scale = span / self.width.max(self.height) as f64;
        let scaled = |length: usize| ((length as f64 * scale).round() as usize).max(1);
        let mut varied = self.resized(scaled(self.width), scaled(self.height));
        if rng.random_bool(0.5) {
            varied
                .rgba
                .chunks_exact_mut(varied.width * 4)
                .for_each(|row| row.as_chunks_mut::<4>().0.reverse());
        }
        for _ in 0..rng.random_range(0..=MAX_FEATHER) {
            varied.feather();
        }
        varied
    }

    fn resized(&self, width: usize, height: usize) -> Self {
        let mut target = Image::new(width as u32, height as u32, PixelType::U8x4);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        let source = ImageRef::new(self.width as u32, self.height as u32, &self.rgba, PixelType::U8x4);
        // Fails only for a buffer of the wrong length; then the layer is empty.
        let done = source.map(|source| Resizer::new().resize(&source, &mut target, &options));
        debug_assert!(matches!(done, Ok(Ok(()))), "{}×{}: {done:?}", self.width, self.height);
        Self { width, height, rgba: target.into_vec() }
    }

    /// Softens the outline by a pixel, inwards, since colours outside of it are unknown.
    fn feather(&mut self) {
        let alpha: Vec<u16> = self.rgba.chunks_exact(4).map(|px| u16::from(px[3])).collect();
        let (width, height) = (self.width, self.height);
        let at = |x: usize, y: usize| if x < width && y < height { alpha[y * width + x] } else { 0 };
        for (i, px) in self.rgba.chunks_exact_mut(4).enumerate() {
            let (x, y) = (i % width, i / width);
            let row = |y: usize| at(x.wrapping_sub(1), y) + at(x, y) + at(x + 1, y);
            let mean = (row(y.wrapping_sub(1)) + row(y) + row(y + 1)) / 9;
            px[3] = px[3].min(mean as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_the_object_and_its_box() {
        let pixels = (0..4 * 3 * 3).map(|v| v as u8).collect();
        let photo = RgbImage::new(4, 3, pixels).unwrap();
        let mask = BinaryMask::from_fn(4, 3, |x, y| (x, y) == (1, 1) || (x, y) == (2, 2));
        let layer = Layer::cut(&photo, &mask).unwrap();
        assert_eq!((layer.width, layer.height), (2, 2));
        assert_eq!(layer.pixel(0, 0), [15, 16, 17, 255]);
        assert_eq!(layer.pixel(1, 0)[3], 0);
        assert!(Layer::cut(&photo, &BinaryMask::empty(4, 3)).is_none());
    }

    #[test]
    fn feathering_only_lowers_alpha() {
        let mut layer = Layer { width: 5, height: 5, rgba: [9, 9, 9, 255].repeat(25) };
        layer.feather();
        assert_eq!(layer.pixel(2, 2)[3], 255);
        assert_eq!(layer.pixel(0, 2)[3], 170);
        assert_eq!(layer.pixel(0, 0)[3], 113);
    }

    #[test]
    fn transparent_colours_do_not_bleed_when_resized() {
        let rgba = (0..64).flat_map(|i| if i % 8 < 4 { [0, 255, 0, 0] } else { [200, 0, 0, 255] }).collect();
        let small = Layer { width: 8, height: 8, rgba }.resized(3, 3);
        for [red, green, _, alpha] in (0..9).map(|i| small.pixel(i % 3, i / 3)) {
            assert!(alpha == 0 || (red > 190 && green < 10), "{red} {green} {alpha}");
        }
    }
}
