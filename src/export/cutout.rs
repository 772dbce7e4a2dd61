//! Cuts objects out of photos.

use image::{Rgba, RgbaImage};
use serde::{Deserialize, Serialize};

use super::foreground::{Cleaned, cleaned};
use super::soft::own_colours;
use crate::image::RgbImage;
use crate::mask::Matte;

/// The frame of a cut-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Frame {
    /// The box around the object.
    #[default]
    Tight,
    /// The photo's, so that the object stays in its place.
    Full,
}

/// Returns what a mask of the photo's size covers, with the rest transparent and colourless; soft pixels get
/// their alpha. Along the edge, the background's share is removed from the colours.
#[must_use]
pub fn cut_out(photo: &RgbImage, matte: &Matte, frame: Frame) -> RgbaImage {
    let mask = matte.mask();
    let [left, top, width, height] = match frame {
        Frame::Tight => matte.visible().bbox(),
        Frame::Full => [0, 0, photo.width(), photo.height()],
    };
    let mut picture = RgbaImage::new(width as u32, height as u32);
    let mut put = |x: usize, y: usize, [r, g, b]: [u8; 3], alpha: u8| {
        picture.put_pixel((x - left) as u32, (y - top) as u32, Rgba([r, g, b, alpha]));
    };
    let inside = mask.bbox();
    let rows = photo.pixels().as_chunks::<3>().0.chunks_exact(photo.width());
    for (y, row) in rows.enumerate().skip(inside[1]).take(inside[3]) {
        for x in (inside[0]..inside[0] + inside[2]).filter(|x| mask.get(*x, y)) {
            put(x, y, row[x], u8::MAX);
        }
    }
    for Cleaned { x, y, colour } in cleaned(photo, mask) {
        put(x, y, colour, u8::MAX);
    }
    for (pixel, colour) in own_colours(photo, matte) {
        put(pixel.x as usize, pixel.y as usize, colour, pixel.alpha);
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::{BinaryMask, Stroke};

    #[test]
    fn a_cut_out_is_the_object_and_nothing_else() {
        let photo = RgbImage::new(4, 3, (0..36).collect()).unwrap();
        let mask = BinaryMask::from_fn(4, 3, |x, y| (x, y) == (1, 1) || (x, y) == (2, 2));
        let matte = mask.clone().into();
        let tight = cut_out(&photo, &matte, Frame::Tight);
        assert_eq!(tight.dimensions(), (2, 2));
        assert_eq!(tight.get_pixel(0, 0), &Rgba([15, 16, 17, 255]));
        assert_eq!(tight.get_pixel(1, 0), &Rgba([0; 4]), "nothing of the background is kept");
        let full = cut_out(&photo, &matte, Frame::Full);
        assert_eq!(full.dimensions(), (4, 3));
        for (x, y, pixel) in full.enumerate_pixels() {
            assert_eq!(pixel.0[3], if mask.get(x as usize, y as usize) { 255 } else { 0 });
        }
    }
    #[test]
    fn a_soft_edge_is_as_opaque_as_the_brush_was() {
        let photo = RgbImage::new(60, 50, vec![120; 60 * 50 * 3]).unwrap();
        let matte = Stroke { points: vec![[30.5, 25.5]], radius: 12.0, softness: 0.5 }.matte(60, 50);
        let full = cut_out(&photo, &matte, Frame::Full);
        for (x, y, pixel) in full.enumerate_pixels() {
            let distance = (f64::from(x) - 30.0).hypot(f64::from(y) - 25.0);
            let step = ((12.0 - distance) / 6.0).clamp(0.0, 1.0);
            let profile = 255.0 * step * step * (3.0 - 2.0 * step);
            assert!((f64::from(pixel.0[3]) - profile).abs() <= 0.51, "{x}, {y}: {pixel:?}");
        }
        let tight = cut_out(&photo, &matte, Frame::Tight);
        assert_eq!(tight.dimensions(), (23, 23), "with the faintest pixels of the edge");
        assert_eq!(tight.get_pixel(11, 11).0, [120, 120, 120, 255]);
    }
}
