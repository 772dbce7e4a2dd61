//! Composes a training sample: a photo drawn on the square canvas, with objects pasted over it.

use std::ops::Range;

use super::crop::mirror;
use super::layer::Layer;
use super::normalise::{Table, table};
use super::view::View;
use crate::image::RgbImage;
use crate::mask::BinaryMask;
use crate::pixels::{Filter, Preprocess, resize};

/// Objects of which less than this share remains visible under pasted ones are ignored.
const MIN_VISIBLE: f64 = 0.2;

/// Minimum alpha of a pasted pixel that belongs to its object.
const INSIDE: u8 = 128;

/// A training sample of the segmenter: one photo on a canvas of S × S pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentationSample {
    /// Normalised pixels, `[3, S, S]`; black where the canvas is empty.
    pub pixels: Vec<f32>,
    /// The label of each object; `None` for an object of unknown class.
    pub labels: Vec<Option<usize>>,
    /// The confidence that each object exists, above 0 and up to 1.
    pub confidences: Vec<f32>,
    /// The S × S mask of each object.
    pub masks: Vec<BinaryMask>,
    /// Pixels that may belong to unlabelled objects, S × S; never part of a mask.
    pub ignore: BinaryMask,
    /// Pixels that show the photo, neither beside it nor under pasted objects, S × S.
    pub photo: BinaryMask,
    /// The teacher's features of the photo under each patch, `[L, D]`; empty without a teacher.
    pub features: Vec<f32>,
    /// Photos that were replaced by the next one and objects that were not pasted, each in a sentence that
    /// names its file.
    pub skipped: Vec<String>,
}

/// An object on the canvas, with one byte per pixel.
#[derive(Debug)]
struct Placed {
    label: Option<usize>,
    confidence: f32,
    inside: Vec<u8>,
    area: usize,
}

#[derive(Debug)]
pub(super) struct Canvas {
    side: usize,
    /// Minimum number of pixels of an object that is not ignored.
    least_area: usize,
    /// Left and top, width and height of the photo; the canvas is empty around it, as in inference.
    photo: [[usize; 2]; 2],
    table: Box<Table>,
    pixels: Vec<f32>,
    placed: Vec<Placed>,
    ignore: Vec<u8>,
    pasted: Vec<u8>,
}

impl Canvas {
    /// Creates an empty canvas; `preprocess` defines how bytes are normalised.
    pub(super) fn new(side: usize, least_area: usize, preprocess: &Preprocess) -> Self {
        let plane = side * side;
        let table = Box::new(table(preprocess));
        let pixels = table.iter().flat_map(|bytes| std::iter::repeat_n(bytes[0], plane)).collect();
        let [ignore, pasted] = [(); 2].map(|()| vec![0; plane]);
        Self { side, least_area, photo: [[0; 2]; 2], table, pixels, placed: Vec::new(), ignore, pasted }
    }

    /// Draws the photo's window, with colours changed by `recolour`.
    pub(super) fn draw(&mut self, photo: &RgbImage, view: &View, recolour: impl FnOnce(&mut [u8])) {
        let [width, _] = view.size;
        let mut rgb = resize(photo, view.window, view.size, Filter::Bilinear);
        if view.mirrored {
            mirror(&mut rgb, width);
        }
        recolour(&mut rgb);
        let [left, top] = view.at;
        self.photo = [view.at, view.size];
        for (y, row) in rgb.chunks_exact(width * 3).enumerate() {
            for (channel, table) in self.table.iter().enumerate() {
                let start = (channel * self.side + top + y) * self.side + left;
                for (value, pixel) in self.pixels[start..start + width].iter_mut().zip(row.chunks_exact(3)) {
                    *value = table[usize::from(pixel[channel])];
                }
            }
        }
    }

    /// Adds an object of the drawn photo.
    pub(super) fn add(&mut self, label: usize, confidence: f32, inside: Vec<u8>) {
        let area = count(&inside);
        if area > 0 {
            self.placed.push(Placed { label: Some(label), confidence, inside, area });
        }
    }

    /// Marks pixels (1 = marked) that may belong to unlabelled objects.
    pub(super) fn ignore(&mut self, region: &[u8]) {
        self.ignore.iter_mut().zip(region).for_each(|(ignored, marked)| *ignored |= marked);
    }

    /// Marks the whole photo as possibly containing unlabelled objects.
    pub(super) fn ignore_photo(&mut self) {
        let [[left, top], [width, height]] = self.photo;
        for y in top..top + height {
            self.ignore[y * self.side + left..][..width].fill(1);
        }
    }

    /// Returns left and top, width and height of the drawn photo.
    pub(super) fn photo(&self) -> [[usize; 2]; 2] {
        self.photo
    }

    /// Pastes a layer with its upper left corner at `at`; it hides what it covers and is cut off at the
    /// photo's border.
    pub(super) fn paste(&mut self, layer: &Layer, at: [isize; 2], label: Option<usize>) {
        let mut inside = vec![0; self.side * self.side];
        let [start, size] = self.photo;
        let columns = overlap((at[0], layer.width), start[0]..start[0] + size[0]);
        let rows = overlap((at[1], layer.height), start[1]..start[1] + size[1]);
        let plane = self.side * self.side;
        for (y, to_y) in rows {
            for &(x, to_x) in &columns {
                let [red, green, blue, alpha] = layer.pixel(x, y);
                if alpha == 0 {
                    continue;
                }
                let (to, weight) = (to_y * self.side + to_x, f32::from(alpha) / 255.0);
                for (channel, byte) in [red, green, blue].into_iter().enumerate() {
                    let value = &mut self.pixels[channel * plane + to];
                    *value += (self.table[channel][usize::from(byte)] - *value) * weight;
                }
                inside[to] = u8::from(alpha >= INSIDE);
            }
        }
        for covered in self.placed.iter_mut().map(|p| &mut p.inside).chain([&mut self.ignore]) {
            covered.iter_mut().zip(&inside).for_each(|(below, above)| *below &= 1 - above);
        }
        self.pasted.iter_mut().zip(&inside).for_each(|(pasted, above)| *pasted |= above);
        let area = count(&inside);
        self.placed.push(Placed { label, confidence: 1.0, inside, area });
    }

    /// Finishes the sample; objects with too few visible pixels are ignored.
    pub(super) fn finish(mut self) -> SegmentationSample {
        let enough = |placed: &Placed| {
            let left = count(&placed.inside);
            left >= self.least_area.max(1) && left as f64 >= MIN_VISIBLE * placed.area as f64
        };
        let (kept, dropped): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.placed).into_iter().partition(enough);
        dropped.iter().for_each(|placed| self.ignore(&placed.inside));
        for placed in &kept {
            self.ignore.iter_mut().zip(&placed.inside).for_each(|(ignored, inside)| *ignored &= 1 - inside);
        }
        let ([[left, top], [width, height]], side) = (self.photo, self.side);
        let in_photo = |x, y| (left..left + width).contains(&x) && (top..top + height).contains(&y);
        let mask = |bytes: &[u8]| BinaryMask::from_fn(side, side, |x, y| bytes[y * side + x] != 0);
        SegmentationSample {
            labels: kept.iter().map(|placed| placed.label).collect(),
            confidences: kept.iter().map(|placed| placed.confidence).collect(),
            masks: kept.iter().map(|placed| mask(&placed.inside)).collect(),
            ignore: mask(&self.ignore),
            photo: BinaryMask::from_fn(side, side, |x, y| in_photo(x, y) && self.pasted[y * side + x] == 0),
            features: Vec::new(),
            pixels: self.pixels,
            skipped: Vec::new(),
        }
    }
}

/// Returns the positions of a span starting at `from` that fall into `range`, as pairs (within the span, in
/// the range).
fn overlap((from, length): (isize, usize), range: Range<usize>) -> Vec<(usize, usize)> {
    let target = |i: usize| from.checked_add_unsigned(i).and_then(|at| usize::try_from(at).ok());
    (0..length).filter_map(|i| Some((i, target(i).filter(|at| range.contains(at))?))).collect()
}

fn count(inside: &[u8]) -> usize {
    inside.iter().map(|&byte| usize::from(byte)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: usize, rgba: [u8; 4]) -> Layer {
        Layer { width: side, height: side, rgba: rgba.repeat(side * side) }
    }

    /// A canvas covered by a photo, with nothing drawn yet.
    fn blank(side: usize) -> Canvas {
        Canvas { photo: [[0; 2], [side; 2]], ..Canvas::new(side, 16, &Preprocess::square(1)) }
    }

    fn full(side: usize) -> Vec<u8> {
        vec![1; side * side]
    }

    #[test]
    fn what_is_pasted_owns_its_pixels() {
        let mut canvas = blank(16);
        canvas.ignore(&full(16));
        canvas.add(3, 0.5, full(16));
        canvas.paste(&square(8, [255, 0, 0, 255]), [-2, 10], None);
        let sample = canvas.finish();
        assert_eq!(sample.labels, [Some(3), None]);
        assert_eq!(sample.confidences, [0.5, 1.0]);
        assert_eq!(sample.masks[1].bbox(), [0, 10, 6, 6]);
        assert_eq!(sample.masks[0].area(), 256 - 36);
        assert_eq!(sample.ignore.area(), 0, "labelled pixels are never ignored");
        assert!((sample.pixels[10 * 16] - (1.0 - 0.485) / 0.229).abs() < 1e-5);
        assert_eq!(sample.pixels[9 * 16], table(&Preprocess::square(1))[0][0], "black");
    }

    #[test]
    fn faint_pixels_colour_but_do_not_own() {
        let mut canvas = blank(8);
        canvas.add(0, 1.0, full(8));
        canvas.paste(&square(8, [255, 255, 255, 51]), [0, 0], Some(1));
        let sample = canvas.finish();
        assert_eq!(sample.labels, [Some(0)], "the faint layer has no pixel of its own");
        assert!((sample.pixels[0] - (0.2 - 0.485) / 0.229).abs() < 1e-5);
    }

    #[test]
    fn objects_nearly_hidden_are_ignored() {
        let mut canvas = blank(16);
        canvas.add(0, 1.0, full(16));
        canvas.paste(&square(15, [0, 0, 0, 255]), [0, 0], Some(1));
        let sample = canvas.finish();
        assert_eq!(sample.labels, [Some(1)]);
        assert_eq!(sample.ignore.area(), 31);
    }

    #[test]
    fn pastes_end_where_the_photo_ends() {
        let mut canvas = Canvas { photo: [[4, 0], [8, 16]], ..Canvas::new(16, 16, &Preprocess::square(1)) };
        canvas.ignore_photo();
        canvas.paste(&square(8, [255, 255, 255, 255]), [0, 12], Some(0));
        let sample = canvas.finish();
        assert_eq!(sample.masks[0].bbox(), [4, 12, 4, 4]);
        assert_eq!(sample.ignore.area(), 8 * 16 - 16);
        assert_eq!(sample.photo.area(), 8 * 16 - 16);
        assert_eq!(sample.pixels[12 * 16 + 3], table(&Preprocess::square(1))[0][0], "black");
    }

    #[test]
    fn tiny_objects_are_ignored() {
        let mut canvas = blank(16);
        let mut dot = vec![0; 256];
        dot[..15].fill(1);
        canvas.add(0, 1.0, dot);
        let sample = canvas.finish();
        assert!(sample.labels.is_empty());
        assert_eq!(sample.ignore.area(), 15);
    }
}
