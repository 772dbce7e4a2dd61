//! Replaces the background of objects.

use image::imageops::fast_blur;
use image::{Rgb, Rgba, RgbaImage};

use super::foreground::{Cleaned, cleaned};
use super::soft::own_colours;
use crate::image::RgbImage;
use crate::mask::{BinaryMask, Matte, SoftPixel};
use crate::pixels::{Filter, Window, resize};

/// The new background.
#[derive(Debug, Clone, Copy)]
pub enum Background<'a> {
    /// The photo's own, blurred, without any colour of the objects.
    Blurred,
    /// One colour.
    Colour([u8; 3]),
    /// Another photo, scaled to fill the frame and cut off on both sides.
    Photo(&'a RgbImage),
}

/// Replaces everything that a mask of the photo's size does not cover, and blends along its soft edge. Along
/// the edge, the old background's share is removed from the colours.
#[must_use]
pub fn replace_background(photo: &RgbImage, matte: &Matte, background: Background<'_>) -> image::RgbImage {
    let mask = matte.mask();
    let (width, height) = (photo.width(), photo.height());
    let mut picture = match background {
        Background::Blurred => blurred(photo, &matte.visible()),
        Background::Colour(colour) => image::RgbImage::from_pixel(width as u32, height as u32, Rgb(colour)),
        Background::Photo(other) => {
            let pixels = resize(other, filling(other, [width, height]), [width, height], Filter::Bicubic);
            let pixels = pixels.as_chunks::<3>().0;
            image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
                Rgb(pixels[y as usize * width + x as usize])
            })
        }
    };
    // Computed before the objects are drawn over the background.
    let behind = |pixel: &SoftPixel| picture.get_pixel(pixel.x, pixel.y).0;
    let mixed = own_colours(photo, matte).into_iter().map(|(pixel, own)| {
        let (behind, alpha) = (behind(&pixel), u32::from(pixel.alpha));
        let mix = |channel: usize| {
            let sum = u32::from(own[channel]) * alpha + u32::from(behind[channel]) * (255 - alpha);
            ((sum + 127) / 255) as u8
        };
        (pixel, [mix(0), mix(1), mix(2)])
    });
    let mixed: Vec<(SoftPixel, [u8; 3])> = mixed.collect();
    let own = photo.pixels().as_chunks::<3>().0;
    for (at, (x, y, pixel)) in picture.enumerate_pixels_mut().enumerate() {
        if mask.get(x as usize, y as usize) {
            pixel.0 = own[at];
        }
    }
    for Cleaned { x, y, colour } in cleaned(photo, mask) {
        picture.put_pixel(x as u32, y as u32, Rgb(colour));
    }
    mixed.into_iter().for_each(|(pixel, colour)| picture.put_pixel(pixel.x, pixel.y, Rgb(colour)));
    picture
}

/// Returns the central part of a photo that has the proportions of a frame.
fn filling(photo: &RgbImage, [width, height]: [usize; 2]) -> Window {
    let whole = Window::whole(photo);
    let scale = (whole.width / width as f64).min(whole.height / height as f64);
    let [width, height] = [width as f64 * scale, height as f64 * scale];
    Window { left: (whole.width - width) / 2.0, top: (whole.height - height) / 2.0, width, height }
}

/// Blurs the background only: the objects have weight 0, so that none of their colours spreads.
fn blurred(photo: &RgbImage, mask: &BinaryMask) -> image::RgbImage {
    let own = photo.pixels().as_chunks::<3>().0;
    let (width, height) = (photo.width(), photo.height());
    let weighed = RgbaImage::from_fn(width as u32, height as u32, |x, y| {
        let [r, g, b] = own[y as usize * width + x as usize];
        Rgba(if mask.get(x as usize, y as usize) { [0; 4] } else { [r, g, b, 255] })
    });
    let soft = fast_blur(&weighed, (width.max(height) as f32 / 60.0).max(1.0));
    image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
        let Rgba([r, g, b, weight]) = *soft.get_pixel(x, y);
        let weight = u32::from(weight.max(1));
        Rgb([r, g, b].map(|value| (u32::from(value) * 255 / weight).min(255) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Stroke;

    const SIDE: usize = 60;

    /// A red square in the centre of vertical stripes.
    fn scene() -> (RgbImage, BinaryMask) {
        let mask = BinaryMask::from_fn(SIDE, SIDE, |x, y| (20..40).contains(&x) && (20..40).contains(&y));
        let pixels = (0..SIDE * SIDE).flat_map(|at| {
            let stripe = [0, 40 + (at % 2 * 100) as u8, 90];
            if mask.get(at % SIDE, at / SIDE) { [230, 20, 20] } else { stripe }
        });
        (RgbImage::new(SIDE, SIDE, pixels.collect()).unwrap(), mask)
    }

    #[test]
    fn objects_stay_and_the_rest_is_replaced() {
        let (photo, mask) = scene();
        let left_right = (0..90 * 60).flat_map(|at| if at % 90 < 45 { [255, 255, 255] } else { [0, 0, 0] });
        let other = RgbImage::new(90, 60, left_right.collect()).unwrap();
        for background in [Background::Blurred, Background::Colour([9, 8, 7]), Background::Photo(&other)] {
            let picture = replace_background(&photo, &mask.clone().into(), background);
            for (x, y, pixel) in picture.enumerate_pixels() {
                let inside = mask.get(x as usize, y as usize);
                assert_eq!(pixel.0 == [230, 20, 20], inside, "({x}, {y}) {background:?}");
            }
            let [left, right] = [picture.get_pixel(2, 30).0, picture.get_pixel(57, 30).0];
            match background {
                Background::Colour(colour) => assert_eq!([left, right], [colour; 2]),
                Background::Photo(_) => assert_eq!([left, right], [[255; 3], [0; 3]], "the middle of it"),
                Background::Blurred => {
                    let beside = picture.get_pixel(18, 30).0;
                    for [red, green, _] in [left, right, beside] {
                        assert!(red <= 4 && (80..100).contains(&green), "{left:?} {beside:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_soft_edge_shows_some_of_both() {
        let photo = RgbImage::new(60, 60, vec![200; 60 * 60 * 3]).unwrap();
        let matte = Stroke { points: vec![[30.0, 30.0]], radius: 20.0, softness: 0.8 }.matte(60, 60);
        let picture = replace_background(&photo, &matte, Background::Colour([0, 100, 200]));
        for (x, y, pixel) in picture.enumerate_pixels() {
            let alpha = f32::from(matte.alpha(x as usize, y as usize)) / 255.0;
            let expected = [0.0, 100.0, 200.0].map(|behind| 200.0 * alpha + behind * (1.0 - alpha));
            let is_near = |(&seen, expected): (&u8, f32)| (f32::from(seen) - expected).abs() <= 1.01;
            assert!(pixel.0.iter().zip(expected).all(is_near), "{x}, {y} {pixel:?}");
        }
    }
}
