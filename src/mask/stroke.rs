//! Brush strokes as mattes.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{BinaryMask, HALF, Matte, SoftPixel};

/// A line drawn with a round brush.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    /// The vertices of the line, `[x, y]` in pixels of the photo; the centre of its first pixel is at `[0.5,
    /// 0.5]`.
    pub points: Vec<[f64; 2]>,
    /// Radius of the brush, in pixels of the photo.
    pub radius: f64,
    /// The share of the radius, from outside, over which the brush fades: 0 is a hard brush, 1 fades from its
    /// centre on.
    pub softness: f64,
}

/// A segment of the line, from vertex to vertex.
type Line = [[f64; 2]; 2];

impl Stroke {
    /// Returns what the brush covers of a photo of `width` × `height` pixels: a hard brush, the pixels whose
    /// centre is at most the radius away from the line; a soft one, less and less of them towards the radius.
    #[must_use]
    pub fn matte(&self, width: usize, height: usize) -> Matte {
        let mut mask = BinaryMask::empty(width, height);
        self.spans([width, height], |_, y, columns| mask.fill_row(y, columns));
        if self.softness <= 0.0 {
            return mask.into();
        }
        let [left, top, across, down] = mask.bbox();
        let mut alphas = vec![0_u8; across * down];
        self.spans([width, height], |line, y, columns| {
            let row = &mut alphas[(y - top) * across..][..across];
            for x in columns {
                let share = &mut row[x - left];
                if *share < u8::MAX {
                    let distance = distance(line, [x as f64 + 0.5, y as f64 + 0.5]);
                    *share = (*share).max(self.alpha(distance));
                }
            }
        });
        let mut soft = Vec::new();
        for (at, alpha) in alphas.into_iter().enumerate() {
            let [x, y] = [left + at % across, top + at / across];
            mask.set(x, y, alpha >= HALF);
            if !matches!(alpha, 0 | u8::MAX) {
                soft.push(SoftPixel { x: x as u32, y: y as u32, alpha });
            }
        }
        Matte::new(mask, &soft)
    }

    /// Returns the alpha, of 255, that the brush gives a pixel at a distance from its centre: a smooth step,
    /// one half in the middle of the fade.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
    fn alpha(&self, distance: f64) -> u8 {
        let fade = (self.radius * self.softness).max(f64::MIN_POSITIVE);
        let step = ((self.radius - distance) / fade).clamp(0.0, 1.0);
        (step * step * (3.0 - 2.0 * step) * 255.0 + 0.5) as u8
    }

    /// Visits for every segment of the line the pixels whose centre is at most the radius away, row by row.
    fn spans(&self, [width, height]: [usize; 2], mut visit: impl FnMut(Line, usize, Range<usize>)) {
        let single = self.points.first().into_iter().map(|&point| [point, point]);
        let lines = self.points.windows(2).filter_map(|line| line.try_into().ok());
        for line in single.chain(lines) {
            let line: Line = line;
            let [top, bottom] = [f64::min, f64::max].map(|pick| pick(line[0][1], line[1][1]));
            for y in pixels(top - self.radius, bottom + self.radius, height) {
                let covered = across(line, self.radius, y as f64 + 0.5);
                let columns = covered.map_or(0..0, |[left, right]| pixels(left, right, width));
                if !columns.is_empty() {
                    visit(line, y, columns);
                }
            }
        }
    }
}

/// Returns the distance from a point to the line segment.
fn distance([a, b]: Line, [x, y]: [f64; 2]) -> f64 {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let length = (dx * dx + dy * dy).max(f64::MIN_POSITIVE);
    let along = (((x - a[0]) * dx + (y - a[1]) * dy) / length).clamp(0.0, 1.0);
    // `hypot` takes many times as long in a browser.
    ((x - a[0] - along * dx).powi(2) + (y - a[1] - along * dy).powi(2)).sqrt()
}

/// Returns the pixels, of `count`, whose centres lie between `from` and `to`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at the photo's edges")]
fn pixels(from: f64, to: f64, count: usize) -> Range<usize> {
    let first = |place: f64| ((place - 0.5).ceil() as usize).min(count);
    // A centre exactly at the end is covered, too.
    let last = (to - 0.5).floor();
    first(from)..if last < 0.0 { 0 } else { (last as usize).saturating_add(1).min(count) }
}

/// Returns the interval in which the row `y` meets the points at most `radius` away from the segment. These
/// form a convex shape, so it suffices to intersect the circles around both ends and the sides of the
/// rectangle between.
fn across([a, b]: Line, radius: f64, y: f64) -> Option<[f64; 2]> {
    let circle = |[x, middle]: [f64; 2]| {
        let half = (radius * radius - (y - middle).powi(2)).sqrt();
        // NaN if the circle is not met.
        [x - half, x + half]
    };
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let length = dx.hypot(dy).max(f64::MIN_POSITIVE);
    let aside = [-dy / length * radius, dx / length * radius];
    let shifted = |[x, y]: [f64; 2], sign: f64| [x + sign * aside[0], y + sign * aside[1]];
    let corners = [shifted(a, 1.0), shifted(b, 1.0), shifted(b, -1.0), shifted(a, -1.0)];
    let sides = (0..4).filter_map(|side| {
        let ([x, from], [to_x, to]) = (corners[side], corners[(side + 1) % 4]);
        let is_met = from != to && (from.min(to)..=from.max(to)).contains(&y);
        is_met.then(|| x + (y - from) / (to - from) * (to_x - x))
    });
    let met = circle(a).into_iter().chain(circle(b)).chain(sides).filter(|x| x.is_finite());
    met.fold(None, |span, x| {
        let [left, right] = span.unwrap_or([x; 2]);
        Some([left.min(x), right.max(x)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the distance of a pixel to the nearest segment of the line.
    fn by_hand(Stroke { points, .. }: &Stroke, x: usize, y: usize) -> f64 {
        let at = [x as f64 + 0.5, y as f64 + 0.5];
        let distances = (0..points.len()).map(|index| {
            let (a, b) = (points[index], points[(index + 1).min(points.len() - 1)]);
            let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
            let along = (at[0] - a[0]) * dx + (at[1] - a[1]) * dy;
            let along = if along > 0.0 { (along / (dx * dx + dy * dy)).min(1.0) } else { 0.0 };
            (at[0] - a[0] - along * dx).hypot(at[1] - a[1] - along * dy)
        });
        distances.fold(f64::INFINITY, f64::min)
    }

    fn strokes(softness: f64) -> Vec<Stroke> {
        let mut seed = 3_u32;
        let mut random = |most: f64| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(seed >> 8) / f64::from(1 << 24) * most
        };
        let level = vec![[10.5, 3.5], [20.5, 3.5], [20.5, 9.5]];
        let mut strokes = vec![Stroke { points: level, radius: 2.0, softness }];
        for radius in [0.6, 1.0, 4.3, 30.0] {
            for count in 1..6 {
                let points = (0..count).map(|_| [random(110.0) - 20.0, random(70.0) - 10.0]).collect();
                strokes.push(Stroke { points, radius, softness });
            }
        }
        strokes
    }

    #[test]
    fn a_hard_stroke_covers_what_is_near_its_line() {
        for stroke in strokes(0.0) {
            let near = BinaryMask::from_fn(80, 50, |x, y| by_hand(&stroke, x, y) <= stroke.radius + 1e-9);
            assert_eq!(stroke.matte(80, 50), near.into(), "{stroke:?}");
        }
    }

    #[test]
    fn a_soft_stroke_fades_towards_its_radius() {
        for stroke in [0.3, 1.0].into_iter().flat_map(strokes) {
            let (matte, radius) = (stroke.matte(80, 50), stroke.radius);
            for (x, y) in (0..50).flat_map(|y| (0..80).map(move |x| (x, y))) {
                let inwards = (radius - by_hand(&stroke, x, y)) / (stroke.softness * radius);
                let alpha = i16::from(matte.alpha(x, y));
                let expected = match inwards.clamp(0.0, 1.0) {
                    step if step < 0.5 => 2.0 * step.powi(2) * (1.5 - step),
                    step => 1.0 - 2.0 * (1.0 - step).powi(2) * (0.5 + step),
                };
                let is_near = (f64::from(alpha) - 255.0 * expected).abs() <= 0.51;
                // A faint pixel far from all that is at least half covered does not count.
                assert!(is_near || (alpha == 0 && expected < 0.5), "{stroke:?} at {x}, {y}: {alpha}");
                assert_eq!(matte.mask().get(x, y), alpha >= 128);
            }
        }
    }

    #[test]
    fn nothing_drawn_covers_nothing() {
        for softness in [0.0, 0.5] {
            let none = Stroke { points: Vec::new(), radius: 3.0, softness };
            assert_eq!(none.matte(9, 9), BinaryMask::empty(9, 9).into());
            let odd = Stroke { points: vec![[f64::NAN, 2.0], [3.0, f64::INFINITY]], radius: 2.0, softness };
            assert!(odd.matte(9, 9).mask().area() <= 81);
        }
    }
}
