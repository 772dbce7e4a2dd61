//! Prompts: the points and boxes with which a person selects an object in a photo.

use serde::{Deserialize, Serialize};

/// A pixel of the photo that belongs to the object, or that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Column.
    pub x: usize,
    /// Row.
    pub y: usize,
    /// Whether the pixel belongs to the object.
    pub positive: bool,
}

/// Points on an object and beside it, and a box around it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// The points, in the order they were given.
    pub points: Vec<Point>,
    /// The box `[x, y, width, height]` in pixels; nothing outside belongs to the object.
    pub bounds: Option<[usize; 4]>,
}

/// Why a prompt does not suit a photo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// A point or a part of the box lies outside the photo.
    #[error("{what} lies outside the photo, which has {width} × {height} pixels")]
    Outside {
        /// The point or the box, in words.
        what: String,
        /// Width of the photo in pixels.
        width: usize,
        /// Height of the photo in pixels.
        height: usize,
    },
    /// The box holds no pixel.
    #[error("the box is empty")]
    EmptyBox,
    /// The prompt only says where the object is not.
    #[error("a point on the object, or a box around it, is needed")]
    NoObject,
}

impl Prompt {
    /// Creates a prompt of a single point on the object.
    #[must_use]
    pub fn point(x: usize, y: usize) -> Self {
        Self { points: vec![Point { x, y, positive: true }], bounds: None }
    }

    /// Returns the prompt for the photo resized from one size to another; both are width and height in
    /// pixels.
    #[must_use]
    pub fn resized(&self, from: [usize; 2], to: [usize; 2]) -> Self {
        let scaled = |pixel: usize, axis: usize| {
            let middle = (2 * pixel as u64 + 1) * to[axis] as u64 / (2 * from[axis].max(1) as u64);
            usize::try_from(middle).unwrap_or(usize::MAX).min(to[axis].saturating_sub(1))
        };
        let point = |&Point { x, y, positive }: &Point| Point { x: scaled(x, 0), y: scaled(y, 1), positive };
        let bounds = self.bounds.map(|[x, y, width, height]| {
            let (left, top) = (scaled(x, 0), scaled(y, 1));
            let [right, bottom] =
                [scaled((x + width).saturating_sub(1), 0), scaled((y + height).saturating_sub(1), 1)];
            [left, top, right + 1 - left, bottom + 1 - top]
        });
        Self { points: self.points.iter().map(point).collect(), bounds }
    }

    /// Returns a point on the object for each positive point, and the centre of the box.
    pub fn anchors(&self) -> impl Iterator<Item = [usize; 2]> {
        let middle = self.bounds.map(|[x, y, width, height]| [x + width / 2, y + height / 2]);
        self.points.iter().filter(|point| point.positive).map(|point| [point.x, point.y]).chain(middle)
    }

    /// Checks that the prompt suits a photo of this width and height.
    ///
    /// # Errors
    /// [`PromptError`]
    pub fn check(&self, [width, height]: [usize; 2]) -> Result<(), PromptError> {
        let outside = |what: String| PromptError::Outside { what, width, height };
        if let Some(point) = self.points.iter().find(|point| point.x >= width || point.y >= height) {
            return Err(outside(format!("the point {}, {}", point.x, point.y)));
        }
        if let Some([x, y, across, down]) = self.bounds {
            if across == 0 || down == 0 {
                return Err(PromptError::EmptyBox);
            }
            if x.saturating_add(across) > width || y.saturating_add(down) > height {
                return Err(outside(format!("a part of the box of {across} × {down} at {x}, {y}")));
            }
        }
        self.anchors().next().map(drop).ok_or(PromptError::NoObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_photo_are_the_same_at_another_size() {
        let prompt = Prompt { bounds: Some([10, 0, 30, 30]), ..Prompt::point(39, 29) };
        let half = Prompt { bounds: Some([5, 0, 15, 15]), ..Prompt::point(19, 14) };
        assert_eq!(prompt.resized([40, 30], [20, 15]), half);
        assert_eq!(prompt.resized([40, 30], [40, 30]), prompt);
        for to in [[1, 1], [3, 2], [400, 301]] {
            assert_eq!(prompt.resized([40, 30], to).check(to), Ok(()), "{to:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |points: &[(usize, usize, bool)], bounds| {
            let points = points.iter().map(|&(x, y, positive)| Point { x, y, positive }).collect();
            Prompt { points, bounds }.check([40, 30]).err().map(|error| error.to_string())
        };
        assert_eq!(refused(&[(39, 29, true), (0, 0, false)], Some([0, 0, 40, 30])), None);
        assert_eq!(refused(&[], Some([39, 29, 1, 1])), None);
        assert!(refused(&[(40, 0, true)], None).unwrap().contains("40, 0"));
        assert!(refused(&[(0, 30, false), (1, 1, true)], None).unwrap().contains("40 × 30"));
        assert!(refused(&[], Some([5, 5, 0, 3])).unwrap().contains("empty"));
        assert!(refused(&[], Some([39, 0, 2, 3])).unwrap().contains("outside"));
        assert!(refused(&[(1, 1, true)], Some([1, 1, usize::MAX, 3])).is_some());
        assert!(refused(&[(1, 1, false)], None).unwrap().contains("needed"));
        assert!(refused(&[], None).is_some());
    }
}
