//! What a round brush covers.

use serde::{Deserialize, Serialize};

use super::BinaryMask;

/// A line drawn with a round brush.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stroke {
    /// The corners of the line, `[x, y]` in pixels of the photo; the middle of its first pixel is at `[0.5, 0.5]`.
    pub points: Vec<[f64; 2]>,
    /// Half the width of the brush, in pixels of the photo.
    pub radius: f64,
}

impl Stroke {
    /// The pixels whose middle is at most the radius away from the line, in a photo of `width` × `height`.
    #[must_use]
    pub fn mask(&self, width: usize, height: usize) -> BinaryMask {
        let mut mask = BinaryMask::empty(width, height);
        let single = self.points.first().into_iter().map(|&point| [point, point]);
        let lines = self.points.windows(2).filter_map(|line| line.try_into().ok());
        for line in single.chain(lines) {
            let [top, bottom] = [f64::min, f64::max].map(|pick| pick(line[0][1], line[1][1]));
            for y in pixels(top - self.radius, bottom + self.radius, height) {
                if let Some([left, right]) = across(line, self.radius, y as f64 + 0.5) {
                    mask.fill_row(y, pixels(left, right, width));
                }
            }
        }
        mask
    }
}

/// The pixels, of `count`, whose middles lie between `from` and `to`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates at the photo's edges")]
fn pixels(from: f64, to: f64, count: usize) -> std::ops::Range<usize> {
    let first = |place: f64| ((place - 0.5).ceil() as usize).min(count);
    // What lies exactly at the end is covered, too.
    let last = (to - 0.5).floor();
    first(from)..if last < 0.0 { 0 } else { (last as usize).saturating_add(1).min(count) }
}

/// Between which columns the height `y` crosses the points at most `radius` away from the line. These form a convex shape, so it
/// is enough to cut the circles around both ends and the sides of the rectangle between.
fn across([a, b]: [[f64; 2]; 2], radius: f64, y: f64) -> Option<[f64; 2]> {
    let circle = |[x, middle]: [f64; 2]| {
        let half = (radius * radius - (y - middle).powi(2)).sqrt();
        // No number, where the circle is not met.
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

    /// By the distance of every pixel to every line.
    fn by_hand(Stroke { points, radius }: &Stroke, width: usize, height: usize) -> BinaryMask {
        BinaryMask::from_fn(width, height, |x, y| {
            let at = [x as f64 + 0.5, y as f64 + 0.5];
            (0..points.len()).any(|index| {
                let (a, b) = (points[index], points[(index + 1).min(points.len() - 1)]);
                let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
                let along = (at[0] - a[0]) * dx + (at[1] - a[1]) * dy;
                let along = if along > 0.0 { (along / (dx * dx + dy * dy)).min(1.0) } else { 0.0 };
                (at[0] - a[0] - along * dx).hypot(at[1] - a[1] - along * dy) <= radius + 1e-9
            })
        })
    }

    #[test]
    fn a_stroke_covers_what_is_near_its_line() {
        let mut seed = 3_u32;
        let mut random = |most: f64| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(seed >> 8) / f64::from(1 << 24) * most
        };
        for radius in [0.6, 1.0, 4.3, 30.0] {
            for count in 1..6 {
                let points = (0..count).map(|_| [random(110.0) - 20.0, random(70.0) - 10.0]).collect();
                let stroke = Stroke { points, radius };
                assert_eq!(stroke.mask(80, 50), by_hand(&stroke, 80, 50), "{stroke:?}");
            }
        }
        let level = Stroke { points: vec![[10.5, 3.5], [20.5, 3.5], [20.5, 9.5]], radius: 2.0 };
        assert_eq!(level.mask(30, 15), by_hand(&level, 30, 15));
    }

    #[test]
    fn nothing_drawn_covers_nothing() {
        assert_eq!(Stroke { points: Vec::new(), radius: 3.0 }.mask(9, 9).area(), 0);
        let odd = Stroke { points: vec![[f64::NAN, 2.0], [3.0, f64::INFINITY]], radius: 2.0 };
        assert!(odd.mask(9, 9).area() <= 81);
    }
}
