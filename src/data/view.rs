//! Placement of a part of a photo on the square canvas.

use rand::{Rng, RngExt};

use crate::mask::BinaryMask;
use crate::pixels::{Letterbox, Window};

/// Number of draws for a window that shows an object, before a window around one is chosen.
const ATTEMPTS: usize = 8;

/// A window of the photo, drawn into a rectangle of the canvas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View {
    pub(super) window: Window,
    /// Left and top of the rectangle on the canvas.
    pub(super) at: [usize; 2],
    /// Width and height of the rectangle on the canvas.
    pub(super) size: [usize; 2],
    /// Whether it is mirrored left-right within the rectangle.
    pub(super) mirrored: bool,
}

impl View {
    /// Returns the view of the whole photo as [`crate::pixels::prepare`] places it.
    pub(super) fn letterbox(letterbox: &Letterbox) -> Self {
        let [width, height] = letterbox.photo().map(|side| side as f64);
        let window = Window { left: 0.0, top: 0.0, width, height };
        Self { window, at: [0, 0], size: letterbox.content(), mirrored: false }
    }

    /// Draws a random view at `zoom` times the letterboxed size, mirrored half of the time if `flip`.
    ///
    /// Smaller photos lie anywhere on the canvas; from larger ones a window is cut that shows the centre of
    /// at least one of the `objects` (points in the photo), if there are any.
    pub(super) fn random(
        photo: [usize; 2],
        objects: &[[f64; 2]],
        side: usize,
        zoom: f64,
        flip: bool,
        rng: &mut impl Rng,
    ) -> Self {
        let scale = zoom * side as f64 / photo[0].max(photo[1]) as f64;
        let size = photo.map(|p| ((p as f64 * scale).round() as usize).clamp(1, side));
        let span = [0, 1].map(|axis| (size[axis] as f64 / scale).min(photo[axis] as f64));
        let room = [0, 1].map(|axis| photo[axis] as f64 - span[axis]);
        let shows_one =
            |corner: &[f64; 2]| objects.is_empty() || objects.iter().any(|o| inside(*o, *corner, span));
        let drawn = (0..ATTEMPTS).map(|_| room.map(|room| rng.random_range(0.0..=room))).find(shows_one);
        let corner = drawn.unwrap_or_else(|| {
            let aim = objects[rng.random_range(0..objects.len())];
            [0, 1].map(|axis| (aim[axis] - span[axis] / 2.0).clamp(0.0, room[axis]))
        });
        let window = Window { left: corner[0], top: corner[1], width: span[0], height: span[1] };
        let at = size.map(|s| rng.random_range(0..=side - s));
        Self { window, at, size, mirrored: flip && rng.random_bool(0.5) }
    }

    /// Returns the part of a mask that the view shows, on a canvas of `side`² bytes (1 inside), sampled at
    /// pixel centres.
    pub(super) fn show(&self, mask: &BinaryMask, side: usize) -> Vec<u8> {
        let mut canvas = vec![0; side * side];
        let [box_left, box_top, box_width, box_height] = mask.bbox();
        let in_box = |from: usize, start: usize, length: usize| (start..start + length).contains(&from);
        let placed = |axis: usize| self.samples(axis).into_iter().zip(self.at[axis]..);
        let columns: Vec<_> = placed(0).filter(|&(from, _)| in_box(from, box_left, box_width)).collect();
        for (from_y, y) in placed(1).filter(|&(from, _)| in_box(from, box_top, box_height)) {
            let row = &mut canvas[y * side..][..side];
            columns.iter().for_each(|&(from_x, x)| row[x] = u8::from(mask.get(from_x, from_y)));
        }
        canvas
    }

    /// Maps a point of a canvas of `side` pixels to a photo of `photo` pixels, both in shares of their sides;
    /// beside the photo, the result is below 0 or above 1.
    pub(super) fn in_photo(&self, point: [f64; 2], side: usize, photo: [usize; 2]) -> [f64; 2] {
        let within =
            |axis: usize| (point[axis] * side as f64 - self.at[axis] as f64) / self.size[axis] as f64;
        let [x, y] = [within(0), within(1)];
        let x = if self.mirrored { 1.0 - x } else { x };
        let Window { left, top, width, height } = self.window;
        [(left + x * width) / photo[0] as f64, (top + y * height) / photo[1] as f64]
    }

    /// Returns, for each canvas pixel of the rectangle along an axis (0 = x), the photo pixel under its
    /// centre.
    fn samples(&self, axis: usize) -> Vec<usize> {
        let (from, span) =
            [(self.window.left, self.window.width), (self.window.top, self.window.height)][axis];
        let size = self.size[axis];
        let sample = |i: usize| (from + (i as f64 + 0.5) * span / size as f64) as usize;
        let mut samples: Vec<usize> = (0..size).map(sample).collect();
        if axis == 0 && self.mirrored {
            samples.reverse();
        }
        samples
    }
}

fn inside(point: [f64; 2], corner: [f64; 2], span: [f64; 2]) -> bool {
    (0..2).all(|axis| (corner[axis]..=corner[axis] + span[axis]).contains(&point[axis]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn the_letterboxed_view_samples_pixel_centres() {
        let view = View::letterbox(&Letterbox::fit(8, 4, 4));
        assert_eq!((view.at, view.size), ([0, 0], [4, 2]));
        let mask = BinaryMask::from_fn(8, 4, |x, y| x >= 4 && y < 2);
        assert_eq!(view.show(&mask, 4), [0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let mirrored = View { mirrored: true, ..view };
        assert_eq!(mirrored.show(&mask, 4)[..4], [1, 1, 0, 0]);
    }

    #[test]
    fn points_of_the_canvas_are_found_in_the_photo() {
        let window = Window { left: 10.0, top: 0.0, width: 20.0, height: 10.0 };
        let view = View { window, at: [2, 4], size: [4, 2], mirrored: false };
        let of = |view: &View, x, y| view.in_photo([x, y], 8, [40, 20]);
        assert_eq!(of(&view, 0.25, 0.5), [0.25, 0.0], "left and top of the window");
        assert_eq!(of(&view, 0.625, 0.75), [0.625, 0.5]);
        assert_eq!(of(&View { mirrored: true, ..view }, 0.625, 0.75), [0.375, 0.5]);
        assert_eq!(of(&view, 0.0, 0.5), [0.0, 0.0], "beside the window");
    }

    #[test]
    fn random_views_fit_and_show_an_object() {
        for index in 0..500 {
            let mut rng = stream(Purpose::Augment, 0, 0, index);
            let photo = [rng.random_range(1..500), rng.random_range(1..500)];
            let object = photo.map(|side| rng.random_range(0.0..side as f64));
            let zoom = rng.random_range(0.3..4.0);
            let view = View::random(photo, &[object], 64, zoom, true, &mut rng);
            let Window { left, top, width, height } = view.window;
            assert!(left >= 0.0 && left + width <= photo[0] as f64 + 1e-9, "{photo:?} {view:?}");
            assert!(top >= 0.0 && top + height <= photo[1] as f64 + 1e-9, "{photo:?} {view:?}");
            assert!((0..2).all(|a| view.size[a] >= 1 && view.at[a] + view.size[a] <= 64), "{view:?}");
            assert!(
                inside(object, [left - 1e-9, top - 1e-9], [width + 2e-9, height + 2e-9]),
                "{object:?} {view:?}"
            );
        }
    }
}
