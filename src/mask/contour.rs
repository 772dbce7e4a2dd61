//! Contours of a mask along the edges of its pixels.

use super::BinaryMask;

/// A closed line along pixel edges with the inside on its right: clockwise around a component of a mask,
/// counter-clockwise around a hole. It never crosses itself, and touches itself only at corners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contour {
    /// Corners `[x, y]` in pixel edges: `[0, 0]` is the upper left corner of the upper left pixel. The first
    /// edge leads to the right; horizontal and vertical edges alternate.
    pub corners: Vec<[usize; 2]>,
}

impl Contour {
    /// Returns the number of enclosed pixels, negative for a hole.
    #[must_use]
    pub fn signed_area(&self) -> i64 {
        let across = self.corners.iter().zip(self.corners.iter().skip(1)).step_by(2);
        across.map(|(from, to)| (from[0] as i64 - to[0] as i64) * from[1] as i64).sum()
    }

    /// Returns whether the contour surrounds a hole.
    #[must_use]
    pub fn is_hole(&self) -> bool {
        self.signed_area() < 0
    }
}

/// Directions of a contour, in the order of right turns.
const STEPS: [[isize; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

impl BinaryMask {
    /// Returns the contours between inside and outside, in the order of their first pixels. Pixels that touch
    /// only at a corner belong to different components. Filling them by the even-odd rule or the non-zero
    /// rule gives the mask again.
    ///
    /// Crates that follow borders (`imageproc` and others, after Suzuki and Abe) connect the centres of
    /// pixels, from which neither area nor holes can be recovered exactly; hence this implementation.
    #[must_use]
    pub fn contours(&self) -> Vec<Contour> {
        let [left, top, width, height] = self.bbox();
        let mut followed = Self::empty(self.width, self.height);
        let mut contours = Vec::new();
        for y in top..top + height {
            for x in left..left + width {
                let is_upper_edge = self.get(x, y) && (y == 0 || !self.get(x, y - 1));
                if is_upper_edge && !followed.get(x, y) {
                    contours.push(self.follow([x, y], &mut followed));
                }
            }
        }
        contours
    }

    /// Follows the contour that begins with the upper edge of a pixel, and marks the pixels whose upper edges
    /// it takes.
    fn follow(&self, start: [usize; 2], followed: &mut Self) -> Contour {
        let (mut place, mut direction) = (start, 0);
        let mut corners = vec![start];
        loop {
            if direction == 0 {
                followed.set(place[0], place[1], true);
            }
            let [dx, dy] = STEPS[direction];
            place = [place[0].wrapping_add_signed(dx), place[1].wrapping_add_signed(dy)];
            let turned = match self.ahead(place, direction) {
                [_, false] => (direction + 1) % 4,
                [true, true] => (direction + 3) % 4,
                [false, true] => continue,
            };
            direction = turned;
            if (place, direction) == (start, 0) {
                return Contour { corners };
            }
            corners.push(place);
        }
    }

    /// Returns whether the pixels to the left and to the right of the next step are inside.
    fn ahead(&self, [x, y]: [usize; 2], direction: usize) -> [bool; 2] {
        // Beyond the left and upper border the coordinates wrap, and such pixels are outside too.
        let (left, up) = (x.wrapping_sub(1), y.wrapping_sub(1));
        match direction {
            0 => [self.get(x, up), self.get(x, y)],
            1 => [self.get(x, y), self.get(left, y)],
            2 => [self.get(left, y), self.get(left, up)],
            _ => [self.get(left, up), self.get(x, up)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills contours by the even-odd rule along each row, at the centres of the pixels.
    fn filled(contours: &[Contour], width: usize, height: usize) -> BinaryMask {
        let mut mask = BinaryMask::empty(width, height);
        for contour in contours {
            let next = contour.corners.iter().cycle().skip(1);
            for (from, to) in contour.corners.iter().zip(next).filter(|(from, to)| from[0] == to[0]) {
                for y in from[1].min(to[1])..from[1].max(to[1]) {
                    (from[0]..width).for_each(|x| mask.set(x, y, !mask.get(x, y)));
                }
            }
        }
        mask
    }

    #[test]
    fn contours_are_the_mask() {
        let mut state = 5_u32;
        for (width, height, share) in [(1, 1, 1), (9, 7, 2), (30, 20, 3), (20, 30, 1), (66, 40, 7)] {
            let mask = BinaryMask::from_fn(width, height, |_, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                !(state >> 16).is_multiple_of(share + 1)
            });
            let contours = mask.contours();
            assert_eq!(filled(&contours, width, height), mask);
            assert_eq!(contours.iter().map(Contour::signed_area).sum::<i64>(), mask.area() as i64);
            assert!(contours.iter().all(|contour| contour.corners.len() % 2 == 0));
        }
        assert_eq!(BinaryMask::empty(4, 4).contours(), []);
    }

    #[test]
    fn a_ring_has_an_outline_and_a_hole() {
        let ring = BinaryMask::from_fn(5, 4, |x, y| (1..4).contains(&x) && y < 3 && (x, y) != (2, 1));
        let [outer, hole] = ring.contours().try_into().unwrap();
        assert_eq!(outer.corners, [[1, 0], [4, 0], [4, 3], [1, 3]]);
        assert_eq!(hole.corners, [[2, 2], [3, 2], [3, 1], [2, 1]]);
        assert_eq!((outer.signed_area(), hole.signed_area()), (9, -1));
        let diagonal = BinaryMask::from_fn(2, 2, |x, y| x == y);
        assert_eq!(diagonal.contours().len(), 2);
    }
}
