//! An object without its surroundings.

use image::{Rgba, RgbaImage};
use serde::{Deserialize, Serialize};

use super::foreground::{Cleaned, cleaned};
use crate::image::RgbImage;
use crate::mask::BinaryMask;

/// How much of the photo's frame a cut-out keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Frame {
    /// The box around the object.
    #[default]
    Tight,
    /// All of it, so that the object stays in its place.
    Full,
}

/// What a mask of the photo's size covers, opaque, the rest transparent and without colour. Along the edge the background's share
/// is taken out of the colours.
#[must_use]
pub fn cut_out(photo: &RgbImage, mask: &BinaryMask, frame: Frame) -> RgbaImage {
    let inside = mask.bbox();
    let [left, top, width, height] = match frame {
        Frame::Tight => inside,
        Frame::Full => [0, 0, photo.width(), photo.height()],
    };
    let mut picture = RgbaImage::new(width as u32, height as u32);
    let mut put = |x: usize, y: usize, [r, g, b]: [u8; 3]| {
        picture.put_pixel((x - left) as u32, (y - top) as u32, Rgba([r, g, b, 255]));
    };
    let rows = photo.pixels().as_chunks::<3>().0.chunks_exact(photo.width());
    for (y, row) in rows.enumerate().skip(inside[1]).take(inside[3]) {
        for x in (inside[0]..inside[0] + inside[2]).filter(|x| mask.get(*x, y)) {
            put(x, y, row[x]);
        }
    }
    for Cleaned { x, y, colour } in cleaned(photo, mask) {
        put(x, y, colour);
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_out_is_the_object_and_nothing_else() {
        let photo = RgbImage::new(4, 3, (0..36).collect()).unwrap();
        let mask = BinaryMask::from_fn(4, 3, |x, y| (x, y) == (1, 1) || (x, y) == (2, 2));
        let tight = cut_out(&photo, &mask, Frame::Tight);
        assert_eq!(tight.dimensions(), (2, 2));
        assert_eq!(tight.get_pixel(0, 0), &Rgba([15, 16, 17, 255]));
        assert_eq!(tight.get_pixel(1, 0), &Rgba([0; 4]), "nothing of the background is kept");
        let full = cut_out(&photo, &mask, Frame::Full);
        assert_eq!(full.dimensions(), (4, 3));
        for (x, y, pixel) in full.enumerate_pixels() {
            assert_eq!(pixel.0[3], if mask.get(x as usize, y as usize) { 255 } else { 0 });
        }
    }
}
