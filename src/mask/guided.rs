//! Refines the edges of masks to those of the photo, by guided filters.

use super::{BinaryMask, HALF, Matte, SoftPixel};
use crate::image::RgbImage;
use crate::mask::Cells;

/// The windows of a guided filter, in which the alpha of a pixel is linear in its colour.
struct Windows {
    /// The radius as a fraction: the photo's longer side divided by this.
    per_side: usize,
    /// Regularisation: colour variances, for colours from 0 to 1, far below this tell nothing.
    flat: f32,
    /// Number of grid cells per radius: coefficients are as smooth as windows are wide, so a coarser grid
    /// suffices.
    cells: usize,
}

/// Windows as wide as a mask may be beside the photo's edge.
const WIDE: Windows = Windows { per_side: 60, flat: 1e-3, cells: 4 };
/// Windows as wide as hair and blur.
const NARROW: Windows = Windows { per_side: 200, flat: 1e-4, cells: 4 };
/// Wide windows on a coarser grid, which take less time.
const QUICK: Windows = Windows { cells: 2, ..WIDE };

type Colour = [f32; 3];

impl BinaryMask {
    /// Returns the mask with its edge moved to that of the photo, which has the same size: soft where the
    /// object mixes with the background, as hair and fur do.
    ///
    /// Uses guided filters (He et al., "Guided image filtering", ECCV 2010) with the photo's colours as guide
    /// and coefficients on a coarser grid (He and Sun, "Fast guided filter", 2015): one with wide windows
    /// moves the edge, one with narrow windows makes it soft.
    #[must_use]
    pub fn refined(&self, photo: &RgbImage) -> Matte {
        let mut moved = Self::empty(self.width, self.height);
        self.filtered(photo, &WIDE, |x, y, alpha| moved.set(x, y, alpha >= HALF));
        let (mut mask, mut soft) = (Self::empty(self.width, self.height), Vec::new());
        moved.filtered(photo, &NARROW, |x, y, alpha| {
            mask.set(x, y, alpha >= HALF);
            if alpha < u8::MAX {
                soft.push(SoftPixel { x: x as u32, y: y as u32, alpha });
            }
        });
        Matte::new(mask, &soft)
    }

    /// Returns how far inside each pixel is, in row-major order, from −0.5 to 0.5, with the edge moved to
    /// that of the photo, which has the same size: like [`refined`](Self::refined) with the wide windows
    /// only.
    #[must_use]
    pub fn followed(&self, photo: &RgbImage) -> Vec<f32> {
        let mut shares = vec![-0.5; self.width * self.height];
        self.filtered(photo, &QUICK, |x, y, alpha| {
            shares[y * self.width + x] = f32::from(alpha) / 255.0 - 0.5;
        });
        shares
    }

    /// Visits in row-major order every pixel to which the filter gives an alpha (of 255) above 0.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    fn filtered(&self, photo: &RgbImage, windows: &Windows, mut visit: impl FnMut(usize, usize, u8)) {
        let reach = (photo.width().max(photo.height()) / windows.per_side).max(2);
        let side = (reach / windows.cells).max(1);
        let colour = |x: usize, y: usize| {
            let at = (y * photo.width() + x) * 3;
            [0, 1, 2].map(|channel| f32::from(photo.pixels()[at + channel]) / 255.0)
        };
        let [left, top, width, height] = self.bbox();
        let [x0, y0] = [left, top].map(|from| from.saturating_sub(3 * reach));
        let x1 = (left + width + 3 * reach).min(photo.width());
        let y1 = (top + height + 3 * reach).min(photo.height());
        if width == 0 {
            return;
        }
        let cells = Cells::means_of([x0, y0, x1 - x0, y1 - y0], side, |x, y| {
            let [r, g, b] = colour(x, y);
            [r, g, b, if self.get(x, y) { 1.0 } else { 0.0 }]
        });
        let line = |means: &[f32; 13]| line(means, windows.flat);
        let lines = cells.map(products).around(reach / side).map(line).around(reach / side);
        // Where everything in the windows lies on one side of the mask's edge, the pixel does too.
        let sides = cells.map(|[_, _, _, share]| [*share]).around(2 * (reach / side) + 1);
        for (x, y) in (y0..y1).flat_map(|y| (x0..x1).map(move |x| (x, y))) {
            let share = match sides.cell(x, y) {
                [share] if *share <= 0.0 || *share >= 1.0 => *share,
                _ => {
                    let ([r, g, b, rest], own) = (lines.at(x, y), colour(x, y));
                    (dot([r, g, b], own) + rest).clamp(0.0, 1.0)
                }
            };
            let alpha = (share * 255.0 + 0.5) as u8;
            if alpha > 0 {
                visit(x, y, alpha);
            }
        }
    }
}

/// Returns the products for least squares: colour and alpha of a cell, the colour times alpha, and the colour
/// times itself (red with all, then green, then blue).
fn products(&[r, g, b, share]: &[f32; 4]) -> [f32; 13] {
    [r, g, b, share, r * share, g * share, b * share, r * r, r * g, r * b, g * g, g * b, b * b]
}

/// Fits the alpha as a linear function of the colour by least squares; returns the coefficient of each
/// channel, and the constant.
fn line(&[r, g, b, share, rs, gs, bs, rr, rg, rb, gg, gb, bb]: &[f32; 13], flat: f32) -> [f32; 4] {
    let mean = [r, g, b];
    let covariance = [rs - r * share, gs - g * share, bs - b * share];
    let [rg, rb, gb] = [rg - r * g, rb - r * b, gb - g * b];
    let rows = [[rr - r * r + flat, rg, rb], [rg, gg - g * g + flat, gb], [rb, gb, bb - b * b + flat]];
    // Cramer's rule; the matrix is symmetric, and far enough from singular.
    let cofactors = [cross(rows[1], rows[2]), cross(rows[2], rows[0]), cross(rows[0], rows[1])];
    let determinant = dot(rows[0], cofactors[0]);
    let [r, g, b] = cofactors.map(|cofactor| dot(cofactor, covariance) / determinant);
    [r, g, b, share - dot([r, g, b], mean)]
}

fn dot(a: Colour, b: Colour) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cross([a, b, c]: Colour, [x, y, z]: Colour) -> Colour {
    [b * z - c * y, c * x - a * z, a * y - b * x]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 240;

    /// A disc, darker towards its rim and with an edge as wide as `blur`, on a patterned background.
    fn scene(blur: f32) -> (RgbImage, impl Fn(usize, usize) -> f32) {
        let share = move |x: usize, y: usize| {
            let radius = (x as f32 - 120.3).hypot(y as f32 - 117.8);
            ((70.4 - radius) / blur + 0.5).clamp(0.0, 1.0)
        };
        let mut pixels = Vec::new();
        for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let (object, background) =
                ([200.0 - 0.3 * x as f32, 60.0, 40.0], [60.0, 130.0 + (y % 7) as f32, 170.0]);
            let alpha = share(x, y);
            pixels.extend(
                [0, 1, 2].map(|c: usize| (alpha * object[c] + (1.0 - alpha) * background[c]).round() as u8),
            );
        }
        (RgbImage::new(SIDE, SIDE, pixels).unwrap(), share)
    }

    #[test]
    fn the_edge_moves_to_that_of_the_photo() {
        let (photo, share) = scene(1.0);
        let truth = BinaryMask::from_fn(SIDE, SIDE, |x, y| share(x, y) >= 0.5);
        // A polygon of twelve corners, which is too large in some places and too small in others.
        let rough = BinaryMask::from_fn(SIDE, SIDE, |x, y| {
            let (across, down) = (x as f32 - 120.0, y as f32 - 118.0);
            let wave = (down.atan2(across) * 12.0).sin();
            across.hypot(down) <= 70.0 + 3.0 * wave
        });
        let (before, after) = (rough.iou(&truth), rough.refined(&photo).mask().iou(&truth));
        assert!(before < 0.97 && after > 0.99, "{before} {after}");
        let followed = rough.followed(&photo);
        let followed = BinaryMask::from_fn(SIDE, SIDE, |x, y| followed[y * SIDE + x] > 0.0);
        assert!(followed.iou(&truth) > 0.98, "{}", followed.iou(&truth));
    }

    #[test]
    fn where_object_and_background_mix_the_edge_is_soft() {
        let (photo, share) = scene(3.0);
        let hard = BinaryMask::from_fn(SIDE, SIDE, |x, y| share(x, y) >= 0.5);
        let matte = hard.refined(&photo);
        let off = |alpha: u8, x: usize, y: usize| (f32::from(alpha) / 255.0 - share(x, y)).abs();
        let (mut before, mut after, mut mixed) = (0.0, 0.0, 0.0);
        for (x, y) in (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y))) {
            let is_mixed = share(x, y) > 0.0 && share(x, y) < 1.0;
            assert!(off(matte.alpha(x, y), x, y) < if is_mixed { 0.3 } else { 0.2 }, "{x}, {y}");
            if is_mixed {
                before += off(if hard.get(x, y) { 255 } else { 0 }, x, y);
                after += off(matte.alpha(x, y), x, y);
                mixed += 1.0;
            }
        }
        assert!(before / mixed > 0.2 && after / mixed < 0.08, "{} {}", before / mixed, after / mixed);
    }

    #[test]
    fn a_large_photo_is_refined_at_its_own_resolution() {
        let step = |x: usize, y: usize| x + y % 2 >= 701;
        let pixels =
            (0..40).flat_map(|y| (0..1600).flat_map(move |x| if step(x, y) { [250; 3] } else { [20; 3] }));
        let photo = RgbImage::new(1600, 40, pixels.collect()).unwrap();
        let rough = BinaryMask::from_fn(1600, 40, |x, _| (706..1400).contains(&x));
        let refined = rough.refined(&photo);
        for (x, y) in (0..40).flat_map(|y| (650..750).map(move |x| (x, y))) {
            assert_eq!(refined.mask().get(x, y), step(x, y), "{x}, {y}");
        }
    }

    #[test]
    fn lines_solve_the_regularised_normal_equations() {
        const FLAT: f32 = 0.01;
        let share = |[r, g, b]: Colour| 0.5 * r - 0.25 * g + 0.8 * b * b + 0.1 * r * g;
        let colours: Vec<Colour> =
            (0..60_u32).map(|at| [7, 11, 13].map(|step| (at * step % 61) as f32 / 60.0)).collect();
        let mean = |of: &dyn Fn(Colour) -> f32| colours.iter().map(|&c| of(c)).sum::<f32>() / 60.0;
        let mut means = [0.0; 13];
        for &[r, g, b] in &colours {
            let product = products(&[r, g, b, share([r, g, b])]);
            means.iter_mut().zip(product).for_each(|(mean, value)| *mean += value / 60.0);
        }
        let [r, g, b, rest] = line(&means, FLAT);
        let (slope, middle) = ([r, g, b], [0, 1, 2].map(|channel| mean(&|c| c[channel])));
        let share_mean = mean(&share);
        for channel in 0..3 {
            let off = |c: Colour| c[channel] - middle[channel];
            let covered = mean(&|c| off(c) * (dot(slope, c) - dot(slope, middle))) + FLAT * slope[channel];
            let wanted = mean(&|c| off(c) * (share(c) - share_mean));
            assert!((covered - wanted).abs() < 1e-5, "channel {channel}: {covered}, not {wanted}");
        }
        assert!((rest - (share_mean - dot(slope, middle))).abs() < 1e-5);
    }

    /// Solves three equations by elimination.
    fn solved(mut rows: [[f64; 4]; 3]) -> [f64; 3] {
        for pivot in 0..3 {
            let own = rows[pivot].map(|value| value / rows[pivot][pivot]);
            rows.iter_mut().for_each(|row| *row = std::array::from_fn(|at| row[at] - row[pivot] * own[at]));
            rows[pivot] = own;
        }
        rows.map(|row| row[3])
    }

    #[test]
    fn alphas_are_those_of_a_filter_that_looks_at_every_window() {
        let (width, height, radius) = (41_usize, 30_usize, 2_usize);
        let noise = |at: usize| (at * 7919 + at * at * 31) % 97;
        let pixels = (0..width * height * 3).map(|at| (2 * noise(at) + at / 3 % width) as u8).collect();
        let photo = RgbImage::new(width, height, pixels).unwrap();
        let mask = BinaryMask::from_fn(width, height, |x, y| {
            (14..25).contains(&x) && (9..20).contains(&y) && noise(x + 3 * y) > 20
        });
        let mut alphas = vec![0; width * height];
        mask.filtered(&photo, &NARROW, |x, y, alpha| alphas[y * width + x] = alpha);

        // What is more than three radii away from the mask is not looked at.
        let (columns, rows) = (8..31, 3..26);
        let near = |x: usize, y: usize, radius: usize| {
            let rows = rows.start.max(y.saturating_sub(radius))..rows.end.min(y + radius + 1);
            let columns = columns.start.max(x.saturating_sub(radius))..columns.end.min(x + radius + 1);
            rows.flat_map(move |y| columns.clone().map(move |x| (x, y))).collect::<Vec<_>>()
        };
        let colour = |x: usize, y: usize| {
            [0, 1, 2].map(|channel| f64::from(photo.pixels()[(y * width + x) * 3 + channel]) / 255.0)
        };
        let share = |x: usize, y: usize| f64::from(u8::from(mask.get(x, y)));
        let fit = |(x, y): (usize, usize)| {
            let window = near(x, y, radius);
            let mean = |of: &dyn Fn(usize, usize) -> f64| {
                window.iter().map(|&(x, y)| of(x, y)).sum::<f64>() / window.len() as f64
            };
            let (middle, inside) = ([0, 1, 2].map(|c| mean(&|x, y| colour(x, y)[c])), mean(&share));
            let off = |x: usize, y: usize, channel: usize| colour(x, y)[channel] - middle[channel];
            let slope = solved([0, 1, 2].map(|a| {
                let covariance = |b| mean(&|x, y| off(x, y, a) * off(x, y, b));
                let mut row =
                    [covariance(0), covariance(1), covariance(2), mean(&|x, y| off(x, y, a) * share(x, y))];
                row[a] += f64::from(NARROW.flat);
                row
            }));
            [slope[0], slope[1], slope[2], inside - (0..3).map(|c| slope[c] * middle[c]).sum::<f64>()]
        };
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let sides: Vec<f64> = near(x, y, 2 * radius + 1).iter().map(|&(x, y)| share(x, y)).collect();
            let is_far = !columns.contains(&x) || !rows.contains(&y) || sides.iter().all(|&side| side == 0.0);
            let expected = if is_far {
                0.0
            } else if sides.iter().all(|&side| side == 1.0) {
                1.0
            } else {
                let fits: Vec<_> = near(x, y, radius).into_iter().map(fit).collect();
                let mean = |at: usize| fits.iter().map(|fit| fit[at]).sum::<f64>() / fits.len() as f64;
                let [r, g, b] = colour(x, y);
                (mean(0) * r + mean(1) * g + mean(2) * b + mean(3)).clamp(0.0, 1.0)
            };
            let off = f64::from(alphas[y * width + x]) - 255.0 * expected;
            assert!(off.abs() <= 1.0, "{x}, {y}: {} instead of {}", alphas[y * width + x], 255.0 * expected);
        }
    }

    #[test]
    fn where_the_photo_tells_nothing_the_edge_stays() {
        let photo = RgbImage::new(200, 100, vec![90; 200 * 100 * 3]).unwrap();
        let mask = BinaryMask::from_fn(200, 100, |x, _| x < 100);
        assert_eq!(mask.refined(&photo).mask(), &mask);
        let empty = BinaryMask::empty(200, 100);
        assert_eq!(empty.refined(&photo), empty.into());
    }
}
