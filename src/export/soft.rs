//! Foreground colours along soft edges, without the background's share.

use crate::image::RgbImage;
use crate::mask::Cells;
use crate::mask::{Matte, SoftPixel};

/// The radius in which object and background are searched: the photo's longer side divided by this.
const REACH: usize = 40;
/// Number of grid cells per radius, since both vary smoothly.
const CELLS: usize = 8;
/// Variance of alpha, from 0 to 1, below which a neighbourhood does not tell object and background apart.
const LEAST: f32 = 1e-3;

/// Returns every soft pixel with its colour without the background's share.
///
/// The larger the alpha of a pixel, the more it has of the object's colour: a line fitted to the pixels
/// nearby by least squares ends at the object's colour F and at the background's B. The pixel's own colour is
/// F + α (I − α F − (1 − α) B) (Forte, "Approximate fast foreground colour estimation", ICIP 2021).
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
pub(super) fn own_colours(photo: &RgbImage, matte: &Matte) -> Vec<(SoftPixel, [u8; 3])> {
    let [columns, rows] = [|pixel: &SoftPixel| pixel.x, |pixel: &SoftPixel| pixel.y].map(|of| {
        let ends = || matte.soft().iter().map(of).map(|at| at as usize);
        ends().min().zip(ends().max())
    });
    let (Some((left, right)), Some((top, bottom))) = (columns, rows) else { return Vec::new() };
    let reach = (photo.width().max(photo.height()) / REACH).max(CELLS);
    let [x0, y0] = [left, top].map(|from| from.saturating_sub(reach));
    let width = (right + 1 + reach).min(photo.width()) - x0;
    let height = (bottom + 1 + reach).min(photo.height()) - y0;
    let at = |x: usize, y: usize| (y - y0) * width + x - x0;
    let inside = (y0..y0 + height).flat_map(|y| (x0..x0 + width).map(move |x| (x, y)));
    let mut shares: Vec<u8> = inside.map(|(x, y)| if matte.mask().get(x, y) { u8::MAX } else { 0 }).collect();
    matte.soft().iter().for_each(|pixel| shares[at(pixel.x as usize, pixel.y as usize)] = pixel.alpha);

    let colour = |x: usize, y: usize| {
        let at = (y * photo.width() + x) * 3;
        [0, 1, 2].map(|channel| f32::from(photo.pixels()[at + channel]))
    };
    let sides = Cells::means_of([x0, y0, width, height], reach / CELLS, |x, y| {
        let (share, [r, g, b]) = (f32::from(shares[at(x, y)]) / 255.0, colour(x, y));
        [share, share * share, r, g, b, share * r, share * g, share * b]
    });
    let sides = sides.around(CELLS);
    let own = |pixel: &SoftPixel| {
        let [x, y] = [pixel.x as usize, pixel.y as usize];
        let ([share, square, r, g, b, share_r, share_g, share_b], seen) = (sides.at(x, y), colour(x, y));
        let (mean, product) = ([r, g, b], [share_r, share_g, share_b]);
        let variance = square - share * share + LEAST;
        let alpha = f32::from(pixel.alpha) / 255.0;
        let own = |channel: usize| {
            let slope = (product[channel] - share * mean[channel]) / variance;
            let object = mean[channel] + slope * (1.0 - share);
            let mixed = mean[channel] + slope * (alpha - share);
            (object + alpha * (seen[channel] - mixed)).round().clamp(0.0, 255.0) as u8
        };
        (*pixel, [own(0), own(1), own(2)])
    };
    matte.soft().iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Stroke;

    #[test]
    fn nothing_of_the_background_stays_in_a_soft_edge() {
        let stroke = Stroke { points: vec![[60.0, 60.0]], radius: 40.0, softness: 0.4 };
        let matte = stroke.matte(120, 120);
        let (object, background) = ([220.0, 60.0, 40.0], [20.0, 160.0, 240.0]);
        let pixels = (0..120 * 120).flat_map(|at| {
            let alpha = f32::from(matte.alpha(at % 120, at / 120)) / 255.0;
            [0, 1, 2].map(|c| (alpha * object[c] + (1.0 - alpha) * background[c]) as u8)
        });
        let photo = RgbImage::new(120, 120, pixels.collect()).unwrap();
        let colours = own_colours(&photo, &matte);
        assert_eq!(colours.len(), matte.soft().len());
        for (pixel, colour) in colours {
            let off = (0..3).map(|c| (f32::from(colour[c]) - object[c]).abs()).fold(0.0, f32::max);
            assert!(off < 12.0, "{pixel:?} {colour:?}");
        }
        assert!(own_colours(&photo, &matte.mask().clone().into()).is_empty());
    }
}
