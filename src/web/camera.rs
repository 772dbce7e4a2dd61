//! Which part of the photo fills its frame; pure, tested on the host.
//!
//! Places in the frame are `[across, down]`, from 0 at its left and top to 1 at its right and bottom; without
//! magnification the photo fills the frame exactly.

/// The maximum magnification.
pub const MOST_ZOOM: f64 = 40.0;

/// The magnification of the photo, and the place of its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Camera {
    zoom: f64,
    corner: [f64; 2],
}

impl Default for Camera {
    fn default() -> Self {
        Self { zoom: 1.0, corner: [0.0; 2] }
    }
}

impl Camera {
    /// Returns how many times larger the photo is than in the whole view.
    #[must_use]
    pub const fn zoom(&self) -> f64 {
        self.zoom
    }

    /// Returns whether only a part of the photo is visible.
    #[must_use]
    pub fn is_close(&self) -> bool {
        self.zoom > 1.0
    }

    /// Magnifies `factor` times more around `place`, as far as the photo still fills the frame.
    #[must_use]
    pub fn zoomed(self, factor: f64, place: [f64; 2]) -> Self {
        let zoom = (self.zoom * factor).clamp(1.0, MOST_ZOOM);
        let corner = [0, 1].map(|axis| place[axis] + (self.corner[axis] - place[axis]) * zoom / self.zoom);
        Self { zoom, corner }.inside()
    }

    /// Moves the photo by a share of the frame, as far as it still fills the frame.
    #[must_use]
    pub fn moved(self, [across, down]: [f64; 2]) -> Self {
        Self { corner: [self.corner[0] + across, self.corner[1] + down], ..self }.inside()
    }

    /// Moves the photo just far enough that a place of it, in shares of its sides, becomes visible.
    #[must_use]
    pub fn showing(self, place: [f64; 2]) -> Self {
        let beyond = |axis: usize| {
            let seen = self.corner[axis] + place[axis] * self.zoom;
            seen.clamp(0.0, 1.0) - seen
        };
        self.moved([beyond(0), beyond(1)])
    }

    /// Moves and magnifies the photo as two fingers that went from some places to others.
    #[must_use]
    pub fn pinched(self, from: [[f64; 2]; 2], to: [[f64; 2]; 2]) -> Self {
        let apart = |[a, b]: [[f64; 2]; 2]| (a[0] - b[0]).hypot(a[1] - b[1]).max(1e-3);
        let middle = |[a, b]: [[f64; 2]; 2]| [0, 1].map(|axis| f64::midpoint(a[axis], b[axis]));
        let (before, after) = (middle(from), middle(to));
        self.zoomed(apart(to) / apart(from), before).moved([0, 1].map(|axis| after[axis] - before[axis]))
    }

    /// Returns the CSS transform, with its origin at the upper left.
    #[must_use]
    pub fn transform(&self) -> String {
        let [left, top] = self.corner.map(|place| 100.0 * place);
        format!("translate({left:.4}%, {top:.4}%) scale({:.5})", self.zoom)
    }

    fn inside(self) -> Self {
        Self { corner: self.corner.map(|place| place.clamp(1.0 - self.zoom, 0.0)), ..self }
    }
}

/// Returns the width of a brush in pixels of a photo whose longer side is `side`, for a slider from 0 to 100
/// with fine steps at its beginning.
#[must_use]
pub fn brush_width(slider: f64, side: usize) -> f64 {
    (side as f64 * 0.4 * (slider / 100.0).powi(2)).round().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns where a place of the photo is visible in the frame.
    fn seen(camera: Camera, place: [f64; 2]) -> [f64; 2] {
        [0, 1].map(|axis| camera.corner[axis] + place[axis] * camera.zoom)
    }

    fn is_near(a: [f64; 2], b: [f64; 2]) -> bool {
        (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let close = Camera::default().zoomed(3.0, [0.25, 0.5]);
        assert!(is_near(seen(close, [0.25, 0.5]), [0.25, 0.5]));
        let closer = close.zoomed(2.0, [0.9, 0.1]);
        let under = [0, 1].map(|axis| ([0.9, 0.1][axis] - close.corner[axis]) / close.zoom);
        assert!(is_near(seen(closer, under), [0.9, 0.1]));
        assert_eq!(closer.zoomed(1e-9, [0.3, 0.3]), Camera::default(), "out again");
        assert!((closer.zoomed(1e9, [0.3, 0.3]).zoom() - MOST_ZOOM).abs() < 1e-9);
    }

    #[test]
    fn the_photo_always_fills_the_frame() {
        assert_eq!(Camera::default().moved([0.3, -0.2]), Camera::default());
        for by in [[9.0, 9.0], [-9.0, -9.0], [0.1, -0.3]] {
            let camera = Camera::default().zoomed(4.0, [0.5, 0.5]).moved(by);
            let ([left, top], [right, bottom]) = (seen(camera, [0.0; 2]), seen(camera, [1.0; 2]));
            assert!(left <= 0.0 && top <= 0.0 && right >= 1.0 && bottom >= 1.0, "{camera:?}");
        }
    }

    #[test]
    fn what_is_pointed_at_comes_into_view() {
        let camera = Camera::default().zoomed(4.0, [0.5, 0.5]);
        assert_eq!(camera.showing([0.5, 0.6]), camera, "it is in view already");
        let moved = camera.showing([0.9, 0.6]);
        assert!(is_near(seen(moved, [0.9, 0.5]), [1.0, 0.5]), "at the edge");
    }

    #[test]
    fn fingers_hold_on_to_the_photo() {
        let camera = Camera::default().zoomed(2.0, [0.5, 0.5]);
        let [from, to] = [[[0.4, 0.5], [0.6, 0.5]], [[0.3, 0.55], [0.7, 0.55]]];
        let pinched = camera.pinched(from, to);
        assert!((pinched.zoom() - 4.0).abs() < 1e-9);
        for (before, after) in from.into_iter().zip(to) {
            let held = [0, 1].map(|axis| (before[axis] - camera.corner[axis]) / camera.zoom);
            assert!(is_near(seen(pinched, held), after));
        }
        assert_eq!(pinched.transform(), "translate(-150.0000%, -145.0000%) scale(4.00000)");
    }

    #[test]
    fn brushes_go_from_a_pixel_to_much_of_the_photo() {
        assert!((brush_width(0.0, 4000) - 1.0).abs() < 1e-9);
        assert!((brush_width(50.0, 1000) - 100.0).abs() < 1e-9);
        assert!((brush_width(100.0, 4000) - 1600.0).abs() < 1e-9);
    }
}
