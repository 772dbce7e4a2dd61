//! The position of a photo on the model's canvas, and the way back for mask logits.

use super::{Preprocess, SizeRule};
use crate::mask::BinaryMask;

/// Maximum side in pixels to which a photo may be resized.
pub(super) const MOST: usize = 4096;

/// The position of a photo on its canvas: resized, in the upper left corner, with padding on the right and at
/// the bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    canvas: [usize; 2],
    content: [usize; 2],
    photo: [usize; 2],
}

impl Letterbox {
    /// Places a photo of `width` × `height` pixels as `transformers` does (`get_size_with_aspect_ratio`).
    #[must_use]
    pub fn of(width: usize, height: usize, preprocess: &Preprocess) -> Self {
        let photo = [width, height].map(|side| side.max(1));
        let (content, least) = match preprocess.size {
            SizeRule::Exact { height, width } => ([width, height], [0; 2]),
            SizeRule::Fit { shortest, longest } => {
                (fit(photo, shortest, longest), [longest.unwrap_or(shortest), shortest])
            }
        };
        let side = |axis: usize| {
            let padded = if preprocess.pad { content[axis].max(least[axis]) } else { content[axis] };
            padded.next_multiple_of(preprocess.multiple_of.max(1))
        };
        Self { canvas: [side(0), side(1)], content, photo }
    }

    /// Fits a photo of `width` × `height` onto a square canvas with side `canvas`.
    #[must_use]
    pub fn fit(width: usize, height: usize, canvas: usize) -> Self {
        Self::of(width, height, &Preprocess::square(canvas))
    }

    /// Returns the letterbox of the same photo at another size: it covers the same part of the canvas.
    #[must_use]
    pub fn with_photo(&self, photo: [usize; 2]) -> Self {
        Self { photo: photo.map(|side| side.max(1)), ..*self }
    }

    /// Returns width and height of the canvas.
    #[must_use]
    pub fn canvas(&self) -> [usize; 2] {
        self.canvas
    }

    /// Returns width and height of the photo on the canvas.
    #[must_use]
    pub fn content(&self) -> [usize; 2] {
        self.content
    }

    /// Returns width and height of the photo itself.
    #[must_use]
    pub fn photo(&self) -> [usize; 2] {
        self.photo
    }

    /// Maps a point of the photo to a canvas divided into `grid` = columns, rows; both are measured from the
    /// upper left corner, in pixels and in cells.
    #[must_use]
    pub fn on_grid(&self, place: [f32; 2], grid: [usize; 2]) -> [f32; 2] {
        [0, 1].map(|axis| {
            let on_canvas = place[axis] * self.content[axis] as f32 / self.photo[axis] as f32;
            on_canvas * grid[axis] as f32 / self.canvas[axis] as f32
        })
    }

    /// Returns the four cells around the centre of the photo's pixel (`x`, `y`) on a canvas divided into
    /// `grid` = columns, rows, by row-major index, and their bilinear weights. Cells beyond the photo have
    /// weight 0.
    #[must_use]
    pub fn cells_around(&self, [x, y]: [usize; 2], grid: [usize; 2]) -> [(usize, f32); 4] {
        let place = self.on_grid([x as f32 + 0.5, y as f32 + 0.5], grid);
        let [across, down] = [0, 1].map(|axis| {
            let cells = (self.content[axis] * grid[axis]).div_ceil(self.canvas[axis]);
            Tap::at(place[axis] - 0.5, cells.max(1) - 1)
        });
        let [above, below] = down.shares().map(|(row, share)| {
            across.shares().map(|(column, of_row)| (row * grid[0] + column, share * of_row))
        });
        [above[0], above[1], below[0], below[1]]
    }

    /// Maps mask logits of the whole canvas, row-major `[grid_h, grid_w]`, to the photo's pixels. `None` for
    /// a buffer of another length.
    #[must_use]
    pub fn logits_in_photo(&self, logits: &[f32], grid_w: usize, grid_h: usize) -> Option<PhotoLogits> {
        if logits.is_empty() || logits.len() != grid_w * grid_h {
            return None;
        }
        let [columns, rows] =
            [(0, grid_w), (1, grid_h)].map(|(axis, grid)| taps(self.content[axis], grid, self.canvas[axis]));
        let wide: Vec<f32> =
            logits.chunks_exact(grid_w).flat_map(|row| columns.iter().map(|tap| tap.mix(row))).collect();
        let width = columns.len();
        let content: Vec<f32> = rows
            .iter()
            .flat_map(|tap| {
                let [upper, lower] = [tap.low, tap.high].map(|row| &wide[row * width..][..width]);
                upper.iter().zip(lower).map(|(a, b)| a + (b - a) * tap.weight)
            })
            .collect();
        let [x, y] = [0, 1].map(|axis| taps(self.photo[axis], self.content[axis], self.photo[axis]));
        Some(PhotoLogits { content, width, x, y })
    }
}

/// Returns width and height of a resized photo with its proportions kept. The order of operations is that of
/// the reference: the longer side can come out one pixel short.
fn fit([width, height]: [usize; 2], shortest: usize, longest: Option<usize>) -> [usize; 2] {
    let longest = longest.unwrap_or(MOST).max(1);
    let (short, long) = (width.min(height), width.max(height));
    let (short_f, long_f) = (short as f64, long as f64);
    let (mut side, mut exact) = (shortest, shortest as f64);
    if long_f / short_f * exact > longest as f64 {
        exact = longest as f64 * short_f / long_f;
        side = (exact.round_ties_even() as usize).max(1);
    }
    let other = if short == side { long } else { ((exact * long_f / short_f) as usize).max(1) };
    // A photo hundreds of times as long as wide: the reference leaves it longer than the canvas.
    let other = other.min(longest.max(side));
    if width <= height { [side, other] } else { [other, side] }
}

/// A point between two neighbouring samples.
#[derive(Debug)]
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

impl Tap {
    /// Returns the point `at` of samples numbered from 0 to `last`.
    fn at(at: f32, last: usize) -> Self {
        let at = at.max(0.0);
        let low = (at as usize).min(last);
        Self { low, high: (low + 1).min(last), weight: (at - low as f32).clamp(0.0, 1.0) }
    }

    /// Returns both samples and their weights.
    fn shares(&self) -> [(usize, f32); 2] {
        [(self.low, 1.0 - self.weight), (self.high, self.weight)]
    }

    fn mix(&self, samples: &[f32]) -> f32 {
        samples[self.low] + (samples[self.high] - samples[self.low]) * self.weight
    }
}

/// Returns, for the first `count` of `whole` points along an axis with `samples` samples, the two samples
/// between which each lies (pixel centres at .5, `align_corners` false).
fn taps(count: usize, samples: usize, whole: usize) -> Vec<Tap> {
    let scale = samples as f32 / whole as f32;
    let last = samples - 1;
    (0..count).map(|point| Tap::at((point as f32 + 0.5) * scale - 0.5, last)).collect()
}

/// Mask logits on the photo's pixels, computed row by row: bilinear from the grid to the canvas, cropped to
/// the photo, and bilinear again to the photo's size, as the reference does.
#[derive(Debug)]
pub struct PhotoLogits {
    /// Logits of the photo on the canvas, `[content height, content width]`.
    content: Vec<f32>,
    width: usize,
    x: Vec<Tap>,
    y: Vec<Tap>,
}

impl PhotoLogits {
    /// Replaces the logits of the photo on the canvas, `[content height, content width]`, by the result of
    /// `redraw`, which gets them with their width.
    #[must_use]
    pub fn redrawn(self, redraw: impl FnOnce(&[f32], usize) -> Vec<f32>) -> Self {
        let content = redraw(&self.content, self.width);
        debug_assert_eq!(content.len(), self.content.len(), "one for each");
        Self { content, ..self }
    }

    /// Returns the logits of photo row `y`, one per column; `y` must be below the photo's height.
    pub fn row(&self, y: usize) -> impl Iterator<Item = f32> {
        let row = self.content_row(y);
        self.x.iter().map(move |tap| tap.mix(&row))
    }

    /// Returns the pixels with a logit above 0. Between two samples above 0 all pixels are, so only pixels at
    /// the edge are interpolated.
    #[must_use]
    pub fn mask(&self) -> BinaryMask {
        let mut mask = BinaryMask::empty(self.x.len(), self.y.len());
        let last = self.width - 1;
        // The pixels between a sample and the next begin here and end where the next ones begin.
        let starts: Vec<usize> =
            (0..=self.width).map(|sample| self.x.partition_point(|tap| tap.low < sample)).collect();
        for y in 0..self.y.len() {
            let row = self.content_row(y);
            let positive = |sample: usize| [sample, (sample + 1).min(last)].map(|sample| row[sample] > 0.0);
            let mut sample = 0;
            while sample < self.width {
                let from = sample;
                while sample < self.width && positive(sample) == [true; 2] {
                    sample += 1;
                }
                mask.fill_row(y, starts[from]..starts[sample]);
                if sample < self.width && positive(sample) != [false; 2] {
                    let edge = (starts[sample]..starts[sample + 1]).filter(|&x| self.x[x].mix(&row) > 0.0);
                    edge.for_each(|x| mask.set(x, y, true));
                }
                sample += 1;
            }
        }
        mask
    }

    /// Returns the mean sigmoid over the pixels inside; 0 for none. Photos above two megapixels are sampled
    /// evenly.
    #[must_use]
    pub fn quality(&self) -> f32 {
        let step = (self.x.len() * self.y.len() / 2_000_000).isqrt().max(1);
        let (mut sum, mut count) = (0.0, 0.0);
        for y in (0..self.y.len()).step_by(step) {
            self.inside(y, step, |_, logit| {
                sum += 1.0 / (1.0 + f64::from((-logit).exp()));
                count += 1.0;
            });
        }
        (sum / (count + 1e-6)) as f32
    }

    /// Calls `found` for every `step`-th pixel of a row whose logit is above 0.
    fn inside(&self, y: usize, step: usize, mut found: impl FnMut(usize, f32)) {
        let row = self.content_row(y);
        let (Some(first), Some(last)) =
            (row.iter().position(|logit| *logit > 0.0), row.iter().rposition(|logit| *logit > 0.0))
        else {
            return;
        };
        // No pixel beyond the neighbours of the outermost positive samples can be inside.
        let from = self.x.partition_point(|tap| tap.high < first);
        let to = self.x.partition_point(|tap| tap.low <= last);
        for x in (from.next_multiple_of(step)..to).step_by(step) {
            let logit = self.x[x].mix(&row);
            if logit > 0.0 {
                found(x, logit);
            }
        }
    }

    fn content_row(&self, y: usize) -> Vec<f32> {
        let tap = &self.y[y];
        let [upper, lower] = [tap.low, tap.high].map(|row| &self.content[row * self.width..][..self.width]);
        upper.iter().zip(lower).map(|(a, b)| a + (b - a) * tap.weight).collect()
    }
}
