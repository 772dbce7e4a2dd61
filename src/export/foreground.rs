//! Foreground colours along hard edges, without the background's share.

use crate::image::RgbImage;
use crate::mask::BinaryMask;

/// Minimum number of pixels on either side of the border that may be mixed.
const REACH: usize = 4;
/// Maximum number of these pixels, in large photos.
const FAR: usize = 6;
/// Pixels with a larger share of the object than this are left as they are.
const CLEAN: f32 = 0.99;
/// Squared colour difference below which object and background cannot be told apart.
const ALIKE: f32 = 24.0 * 24.0;

type Colour = [f32; 3];

/// A pixel of the object, and its colour without the background's share.
pub(super) struct Cleaned {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) colour: [u8; 3],
}

/// Returns the pixels along the border of a mask, of the photo's size, that also show some background.
///
/// Works from the border inwards, as far as pixels are mixed: the colours of object and background are those
/// of the deepest pixels nearby, alpha is the position of the pixel between the two, and its colour is
/// estimated as in Forte, "Approximate fast foreground colour estimation" (ICIP 2021): F + α (I − α F − (1 −
/// α) B).
pub(super) fn cleaned(photo: &RgbImage, mask: &BinaryMask) -> Vec<Cleaned> {
    let reach = (photo.width().max(photo.height()) / 400).clamp(REACH, FAR);
    let neighbourhood = Neighbourhood::new(photo, mask, reach);
    let mut mixed = BinaryMask::empty(mask.width(), mask.height());
    let mut pixels = Vec::new();
    for depth in 1..=reach {
        let mut found = Vec::new();
        neighbourhood.at_depth(depth, |x, y| {
            let around = |x: usize, y: usize| {
                (0..9).any(|i| mixed.get((x + i % 3).wrapping_sub(1), (y + i / 3).wrapping_sub(1)))
            };
            if (depth == 1 || around(x, y))
                && let Some(colour) = neighbourhood.own_colour(x, y)
            {
                found.push(Cleaned { x, y, colour });
            }
        });
        if found.is_empty() {
            break;
        }
        found.iter().for_each(|Cleaned { x, y, .. }| mixed.set(*x, *y, true));
        pixels.append(&mut found);
    }
    pixels
}

/// The depth of the pixels around an object.
struct Neighbourhood<'a> {
    photo: &'a RgbImage,
    reach: usize,
    /// The known area: left, top, width, height.
    area: [usize; 4],
    /// Distance to the nearest pixel of the other side, negative outside, at most `reach` + 1.
    depths: Vec<i8>,
}

impl<'a> Neighbourhood<'a> {
    fn new(photo: &'a RgbImage, mask: &BinaryMask, reach: usize) -> Self {
        let [left, top, width, height] = mask.bbox();
        let margin = 2 * (reach + 2);
        let [x0, y0] = [left, top].map(|from| from.saturating_sub(margin));
        let x1 = (left + width + margin).min(photo.width());
        let y1 = (top + height + margin).min(photo.height());
        let (width, height) = (x1 - x0, y1 - y0);
        let most = (reach + 1) as i8;
        let sides = (y0..y1).flat_map(|y| (x0..x1).map(move |x| if mask.get(x, y) { most } else { -most }));
        let mut depths: Vec<i8> = sides.collect();
        // Computes the chessboard distance in two passes; each looks back at the neighbours it has passed.
        // The photo's border does not count as a border.
        let back = [(-1, -1), (0, -1), (1, -1), (-1, 0)];
        for forwards in [true, false] {
            for step in 0..width * height {
                let at = if forwards { step } else { width * height - 1 - step };
                let (x, y) = (at % width, at / width);
                let sign = if forwards { 1 } else { -1 };
                let passed = back.iter().filter_map(|(dx, dy)| {
                    let x = x.checked_add_signed(sign * dx).filter(|x| *x < width)?;
                    let y = y.checked_add_signed(sign * dy).filter(|y| *y < height)?;
                    Some(depths[y * width + x])
                });
                let mine = depths[at];
                let steps = passed.map(|other| if (other > 0) == (mine > 0) { other.abs() + 1 } else { 1 });
                let least = steps.min().map_or(most, |steps| steps.min(most)).min(mine.abs());
                depths[at] = least * mine.signum();
            }
        }
        Self { photo, reach, area: [x0, y0, width, height], depths }
    }

    /// Visits the pixels of the object at a depth, in the photo's coordinates.
    fn at_depth(&self, depth: usize, mut visit: impl FnMut(usize, usize)) {
        let [left, top, width, _] = self.area;
        for (at, _) in self.depths.iter().enumerate().filter(|(_, other)| **other == depth as i8) {
            visit(left + at % width, top + at / width);
        }
    }

    /// Returns the colour without the background's share; `None` if there is no such share, or no way to
    /// tell.
    fn own_colour(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let object = self.deepest(x, y, 1)?;
        let background = self.deepest(x, y, -1)?;
        let seen = self.colour(x, y);
        let difference = minus(object, background);
        let contrast = dot(difference, difference);
        if contrast < ALIKE {
            return None;
        }
        let share = (dot(minus(seen, background), difference) / contrast).clamp(0.0, 1.0);
        let own = |channel: usize| {
            let mixed = share * object[channel] + (1.0 - share) * background[channel];
            (object[channel] + share * (seen[channel] - mixed)).round().clamp(0.0, 255.0) as u8
        };
        (share < CLEAN).then(|| [own(0), own(1), own(2)])
    }

    /// Returns the mean colour of the deepest pixels nearby on one side, weighted by distance; `None` if no
    /// pixel of the object is deeper than this one.
    fn deepest(&self, x: usize, y: usize, side: i8) -> Option<Colour> {
        let [left, top, width, height] = self.area;
        let (column, row, radius) = (x - left, y - top, self.reach + 3);
        let mut best = if side > 0 { self.depths[row * width + column] } else { 0 };
        let (mut sum, mut total) = ([0.0; 3], 0.0);
        for v in row.saturating_sub(radius)..(row + radius + 1).min(height) {
            for u in column.saturating_sub(radius)..(column + radius + 1).min(width) {
                let depth = self.depths[v * width + u] * side;
                let is_deeper = depth > best;
                if is_deeper {
                    (best, sum, total) = (depth, [0.0; 3], 0.0);
                }
                if is_deeper || (depth == best && total > 0.0) {
                    let distance = (u.abs_diff(column).pow(2) + v.abs_diff(row).pow(2)) as f32;
                    let weight = (1.0 + distance).powi(-2);
                    let colour = self.colour(left + u, top + v);
                    sum = std::array::from_fn(|channel| sum[channel] + weight * colour[channel]);
                    total += weight;
                }
            }
        }
        (total > 0.0).then(|| sum.map(|sum| sum / total))
    }

    fn colour(&self, x: usize, y: usize) -> Colour {
        let at = (y * self.photo.width() + x) * 3;
        std::array::from_fn(|channel| f32::from(self.photo.pixels()[at + channel]))
    }
}

fn minus(a: Colour, b: Colour) -> Colour {
    std::array::from_fn(|channel| a[channel] - b[channel])
}

fn dot(a: Colour, b: Colour) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 120;

    /// Returns a disc of `object` on `background` with an edge as wide as `blur`, and the mask of the pixels
    /// that it covers by half.
    fn disc(
        object: impl Fn(usize, usize) -> [f32; 3],
        background: [f32; 3],
        blur: f32,
    ) -> (RgbImage, BinaryMask) {
        let share = |x: usize, y: usize| {
            let radius = (x as f32 - 60.0).hypot(y as f32 - 57.0);
            ((40.3 - radius) / blur + 0.5).clamp(0.0, 1.0)
        };
        let mut pixels = Vec::new();
        for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let own = object(x, y);
            let mixed =
                |channel: usize| share(x, y) * own[channel] + (1.0 - share(x, y)) * background[channel];
            pixels.extend([mixed(0), mixed(1), mixed(2)].map(|value| value.round() as u8));
        }
        let mask = BinaryMask::from_fn(SIDE, SIDE, |x, y| share(x, y) >= 0.5);
        (RgbImage::new(SIDE, SIDE, pixels).unwrap(), mask)
    }

    /// Returns the largest difference from the object's own colour over its pixels, before and after.
    fn errors(photo: &RgbImage, mask: &BinaryMask, object: impl Fn(usize, usize) -> [f32; 3]) -> [f32; 2] {
        let mut picture = photo.pixels().to_vec();
        let off = |picture: &[u8]| {
            let pixels = picture.chunks_exact(3).enumerate().filter(|(at, _)| mask.get(at % SIDE, at / SIDE));
            let off = pixels.flat_map(|(at, pixel)| {
                let own = object(at % SIDE, at / SIDE);
                [0, 1, 2].map(|channel| (f32::from(pixel[channel]) - own[channel]).abs())
            });
            off.fold(0.0, f32::max)
        };
        let before = off(&picture);
        for Cleaned { x, y, colour } in cleaned(photo, mask) {
            assert!(mask.get(x, y), "only the object's own pixels");
            picture[(y * SIDE + x) * 3..][..3].copy_from_slice(&colour);
        }
        [before, off(&picture)]
    }

    #[test]
    fn edges_get_the_objects_own_colour() {
        let plain = |_, _| [220.0, 60.0, 40.0];
        let shaded = |x: usize, y: usize| [120.0 + x as f32, 60.0 + y as f32 / 2.0, 40.0];
        for (background, blur) in [([20.0, 160.0, 240.0], 1.5), ([10.0, 200.0, 10.0], 3.0), ([255.0; 3], 6.0)]
        {
            let (photo, mask) = disc(plain, background, blur);
            let [before, after] = errors(&photo, &mask, plain);
            assert!(before > 50.0 && after <= 3.0, "{background:?} {blur}: {before} {after}");
            let (photo, mask) = disc(shaded, background, blur);
            let [before, after] = errors(&photo, &mask, shaded);
            assert!(before > 50.0 && after <= 8.0, "{background:?} {blur}: {before} {after}");
        }
    }

    #[test]
    fn crisp_edges_and_thin_lines_stay() {
        let plain = |_, _| [220.0, 60.0, 40.0];
        let (photo, mask) = disc(plain, [20.0, 160.0, 240.0], 0.01);
        assert!(cleaned(&photo, &mask).is_empty());
        let line = BinaryMask::from_fn(SIDE, SIDE, |x, _| x == 3);
        assert!(cleaned(&photo, &line).is_empty(), "nothing tells what the line is made of");
        assert!(cleaned(&photo, &BinaryMask::empty(SIDE, SIDE)).is_empty());
    }
}
