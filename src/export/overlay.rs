//! Draws objects on a photo.

use font8x8::UnicodeFonts;
use image::Rgb;

use super::Object;
use crate::image::RgbImage;
use crate::instance::colour;
use crate::mask::BinaryMask;

/// Side of a character in font pixels.
const GLYPH: usize = 8;

/// Returns the photo with every object tinted, outlined and named; the first one lies on top.
#[must_use]
pub fn overlay(photo: &RgbImage, objects: &[Object<'_>]) -> image::RgbImage {
    let mut picture = picture(photo);
    let scale = (photo.width().max(photo.height()) / 600).max(1);
    for object in objects.iter().rev() {
        tint(&mut picture, object, scale);
    }
    let mut taken = Vec::new();
    for object in objects {
        write(&mut picture, &mut taken, object, scale);
    }
    picture
}

fn picture(photo: &RgbImage) -> image::RgbImage {
    let mut pixels = photo.pixels().chunks_exact(3);
    image::RgbImage::from_fn(photo.width() as u32, photo.height() as u32, |_, _| match pixels.next() {
        Some([r, g, b]) => Rgb([*r, *g, *b]),
        _ => Rgb([0; 3]),
    })
}

fn tint(picture: &mut image::RgbImage, object: &Object<'_>, thickness: usize) {
    let ([left, top, width, height], colour) = (object.mask.bbox(), colour(object.number - 1));
    for y in top..top + height {
        for x in left..left + width {
            if object.mask.get(x, y) {
                let Rgb(pixel) = picture.get_pixel_mut(x as u32, y as u32);
                let edge = on_edge(object.mask, x, y, thickness);
                pixel.iter_mut().zip(colour).for_each(|(pixel, colour)| {
                    *pixel = if edge {
                        colour
                    } else {
                        ((u16::from(*pixel) * 11 + u16::from(colour) * 9) / 20) as u8
                    };
                });
            }
        }
    }
}

/// Returns whether a pixel inside has the outside within `distance` along its row or column.
fn on_edge(mask: &BinaryMask, x: usize, y: usize, distance: usize) -> bool {
    let beyond = |x: Option<usize>, y: Option<usize>| !matches!((x, y), (Some(x), Some(y)) if mask.get(x, y));
    beyond(x.checked_sub(distance), Some(y))
        || beyond(Some(x + distance), Some(y))
        || beyond(Some(x), y.checked_sub(distance))
        || beyond(Some(x), Some(y + distance))
}

/// The area of a label that was drawn: left, top, right, bottom.
type Area = [usize; 4];

/// Draws black text on a coloured label at the object's upper left corner, or below labels that are already
/// there; `scale` is the number of photo pixels per font pixel.
fn write(picture: &mut image::RgbImage, taken: &mut Vec<Area>, object: &Object<'_>, scale: usize) {
    let Object { number, label, score, mask, .. } = object;
    let (text, colour) = (format!("{number} {label} {score:.2}"), colour(number - 1));
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (label_width, label_height) = ((text.chars().count() * GLYPH + 2) * scale, (GLYPH + 2) * scale);
    let [left, top, ..] = mask.bbox();
    let left = left.min(width.saturating_sub(label_width));
    let lowest = height.saturating_sub(label_height);
    let mut top = top.min(lowest);
    let clash = |top: usize, [l, t, r, b]: &Area| {
        left < *r && *l < left + label_width && top < *b && *t < top + label_height
    };
    while let Some(other) = taken.iter().find(|other| clash(top, other)).filter(|other| other[3] <= lowest) {
        top = other[3];
    }
    taken.push([left, top, left + label_width, top + label_height]);
    let glyphs: Vec<[u8; GLYPH]> =
        text.chars().map(|c| font8x8::BASIC_FONTS.get(c).unwrap_or_default()).collect();
    for y in top..(top + label_height).min(height) {
        for x in left..(left + label_width).min(width) {
            let column = ((x - left) / scale).wrapping_sub(1);
            let row = ((y - top) / scale).wrapping_sub(1);
            let line = glyphs.get(column / GLYPH).and_then(|glyph| glyph.get(row));
            let black = line.is_some_and(|line| line >> (column % GLYPH) & 1 == 1);
            picture.put_pixel(x as u32, y as u32, Rgb(if black { [0; 3] } else { colour }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay_of(photo: &RgbImage, masks: &[BinaryMask]) -> image::RgbImage {
        let objects = masks.iter().zip(1..);
        let objects: Vec<_> = objects
            .map(|(mask, number)| Object { number, label: "cat", score: 0.5, mask, soft: &[] })
            .collect();
        overlay(photo, &objects)
    }

    #[test]
    fn the_overlay_leaves_the_outside_alone() {
        let photo = RgbImage::new(300, 200, vec![77; 300 * 200 * 3]).unwrap();
        let mask = BinaryMask::from_fn(300, 200, |x, y| (50..150).contains(&x) && (60..160).contains(&y));
        let picture = overlay_of(&photo, &[mask]);
        assert_eq!(picture.get_pixel(10, 10), &Rgb([77; 3]));
        assert_eq!(picture.get_pixel(149, 120), &Rgb(colour(0)), "outline");
        assert_ne!(picture.get_pixel(100, 120), &Rgb([77; 3]), "tint");
        let ink = picture
            .enumerate_pixels()
            .any(|(x, y, p)| (50..150).contains(&x) && (60..70).contains(&y) && p.0 == [0; 3]);
        assert!(ink, "label");
    }

    #[test]
    fn labels_at_the_same_place_are_stacked() {
        let photo = RgbImage::new(200, 100, vec![77; 200 * 100 * 3]).unwrap();
        let corner = || BinaryMask::from_fn(200, 100, |x, y| x < 3 && y < 3);
        let picture = overlay_of(&photo, &[corner(), corner()]);
        let rows = |index: usize| {
            (0..100)
                .filter(|y| (0..200).any(|x| x > 3 && picture.get_pixel(x, *y).0 == colour(index)))
                .count()
        };
        assert_eq!([rows(0), rows(1)], [GLYPH + 2; 2]);
    }

    #[test]
    fn labels_fit_the_smallest_photo() {
        let photo = RgbImage::new(1, 1, vec![1, 2, 3]).unwrap();
        assert_eq!(overlay_of(&photo, &[BinaryMask::from_fn(1, 1, |_, _| true)]).dimensions(), (1, 1));
    }
}
