//! From photo to model input and back (steps 2 and 6 of 7): the one place that resizes and normalises.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};

use crate::image::RgbImage;
use crate::mask::BinaryMask;

mod config;

pub use config::PreprocessError;

/// How photos become model input; reads and writes Hugging Face's `preprocessor_config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "config::HuggingFace", into = "config::HuggingFace")]
pub struct Preprocess {
    /// Side S of the square canvas, in pixels.
    pub image_size: usize,
    /// Mean per channel of values in 0 to 1.
    pub mean: [f32; 3],
    /// Standard deviation per channel of values in 0 to 1.
    pub std: [f32; 3],
}

impl Default for Preprocess {
    /// 224 pixels, the statistics of ImageNet.
    fn default() -> Self {
        Self { image_size: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    }
}

/// Where a photo lies on its canvas: top left, its longest side as long as the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    canvas: usize,
    content: [usize; 2],
    photo: [usize; 2],
}

impl Letterbox {
    /// Fits a photo of `width` × `height` onto a square canvas with side `canvas`.
    #[must_use]
    pub fn fit(width: usize, height: usize, canvas: usize) -> Self {
        let longest = width.max(height).max(1) as f64;
        let scaled =
            |side: usize| ((side as f64 * canvas as f64 / longest).round_ties_even() as usize).max(1);
        Self { canvas, content: [scaled(width), scaled(height)], photo: [width, height] }
    }

    /// Side S of the canvas.
    #[must_use]
    pub fn canvas(&self) -> usize {
        self.canvas
    }

    /// Width and height the photo takes on the canvas.
    #[must_use]
    pub fn content(&self) -> [usize; 2] {
        self.content
    }

    /// Width and height of the photo itself.
    #[must_use]
    pub fn photo(&self) -> [usize; 2] {
        self.photo
    }

    /// Brings mask logits of the whole canvas, row-major `[grid_h, grid_w]`, to the photo's own size (bilinear, pixel
    /// centres at .5) and keeps what is above 0. A buffer of another length gives an empty mask.
    #[must_use]
    pub fn mask_to_photo(&self, logits: &[f32], grid_w: usize, grid_h: usize) -> BinaryMask {
        let [width, height] = self.photo;
        let mut mask = BinaryMask::empty(width, height);
        if logits.is_empty() || logits.len() != grid_w * grid_h {
            return mask;
        }
        let columns = self.taps(0, grid_w);
        let cells: Vec<&[Tap]> = columns.chunk_by(|a, b| a.low == b.low).collect();
        for (y, tap) in self.taps(1, grid_h).into_iter().enumerate() {
            let upper = &logits[tap.low * grid_w..][..grid_w];
            let lower = &logits[tap.high * grid_w..][..grid_w];
            let row: Vec<f32> = upper.iter().zip(lower).map(|(a, b)| a + (b - a) * tap.weight).collect();
            let mut x = 0;
            for cell in &cells {
                let (left, right) = (row[cell[0].low], row[cell[0].high]);
                let crossing = |tap: &Tap| left + (right - left) * tap.weight > 0.0;
                // Values run straight from left to right: at most one side of the cell is inside.
                let end = x + cell.len();
                if left > 0.0 {
                    mask.fill_row(y, x..x + cell.partition_point(crossing));
                } else if right > 0.0 {
                    mask.fill_row(y, x + cell.partition_point(|tap| !crossing(tap))..end);
                }
                x = end;
            }
        }
        mask
    }

    /// For each photo pixel along an axis (0 = x), the two grid values it lies between.
    fn taps(&self, axis: usize, grid: usize) -> Vec<Tap> {
        let (photo, content) = (self.photo[axis], self.content[axis]);
        let scale = content as f64 / photo as f64 * grid as f64 / self.canvas as f64;
        let last = grid - 1;
        (0..photo)
            .map(|pixel| {
                let at = ((pixel as f64 + 0.5) * scale - 0.5).clamp(0.0, last as f64);
                let low = at as usize;
                Tap { low, high: (low + 1).min(last), weight: (at - low as f64) as f32 }
            })
            .collect()
    }
}

/// A point between two neighbouring samples.
struct Tap {
    low: usize,
    high: usize,
    weight: f32,
}

/// Letterboxes and normalises a photo: `[3, S, S]` values, channels first, zeros right of and below the photo, and the
/// way back.
///
/// Resizing is bilinear with antialiasing on 8-bit values, as in Pillow.
#[must_use]
pub fn prepare(image: &RgbImage, p: &Preprocess) -> (Vec<f32>, Letterbox) {
    let letterbox = Letterbox::fit(image.width(), image.height(), p.image_size);
    let [width, height] = letterbox.content;
    let content = resize(image, width, height);
    let side = p.image_size;
    let mut canvas = vec![0.0; 3 * side * side];
    for channel in 0..3 {
        let normalised: Vec<f32> =
            (0..=255_u8).map(|v| (f32::from(v) / 255.0 - p.mean[channel]) / p.std[channel]).collect();
        for y in 0..height {
            let from = &content[y * width * 3..][..width * 3];
            let to = &mut canvas[(channel * side + y) * side..][..width];
            to.iter_mut()
                .zip(from.chunks_exact(3))
                .for_each(|(to, px)| *to = normalised[usize::from(px[channel])]);
        }
    }
    (canvas, letterbox)
}

/// The photo's bytes at another size, `[height, width, 3]`.
fn resize(image: &RgbImage, width: usize, height: usize) -> Vec<u8> {
    if (width, height) == (image.width(), image.height()) {
        return image.pixels().to_vec();
    }
    let mut resized = Image::new(width as u32, height as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let outcome = ImageRef::new(image.width() as u32, image.height() as u32, image.pixels(), PixelType::U8x3)
        .map(|source| Resizer::new().resize(&source, &mut resized, &options));
    debug_assert!(matches!(outcome, Ok(Ok::<(), ResizeError>(()))), "both sides are RGB8 and not empty");
    resized.into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(width: usize, height: usize, value: impl Fn(usize, usize) -> [u8; 3]) -> RgbImage {
        let pixels = (0..width * height).flat_map(|i| value(i % width, i / width)).collect();
        RgbImage::new(width, height, pixels).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn longest_side_fills_the_canvas() {
        assert_eq!(Letterbox::fit(640, 480, 224).content(), [224, 168]);
        assert_eq!(Letterbox::fit(3, 1000, 224).content(), [1, 224]);
        assert_eq!(Letterbox::fit(1, 1, 224).content(), [224, 224]);
    }

    #[test]
    fn values_are_normalised_and_padding_is_zero() {
        let preprocess = Preprocess { image_size: 8, ..Preprocess::default() };
        let (values, _) = prepare(&photo(16, 8, |_, _| [255, 0, 51]), &preprocess);
        let at = |channel: usize, y: usize, x: usize| values[(channel * 8 + y) * 8 + x];
        assert!((at(0, 3, 7) - (1.0 - 0.485) / 0.229).abs() < 1e-6);
        assert!((at(1, 0, 0) - (0.0 - 0.456) / 0.224).abs() < 1e-6);
        assert!((at(2, 2, 2) - (0.2 - 0.406) / 0.225).abs() < 1e-6);
        assert!(at(0, 4, 0) == 0.0 && at(2, 7, 7) == 0.0);
    }

    #[test]
    fn halving_averages_as_an_antialiased_filter_does() {
        // Pillow: Image.resize((4, 1), BILINEAR) of columns 0, 0, 0, 0, 255, 255, 255, 255.
        let step = photo(8, 2, |x, _| [if x < 4 { 0 } else { 255 }; 3]);
        let resized = resize(&step, 4, 1);
        assert_eq!(resized.chunks(3).map(|px| px[0]).collect::<Vec<_>>(), [0, 32, 223, 255]);
    }

    #[test]
    fn mask_equals_the_plain_formula_at_every_pixel() {
        let mut state = 7_u32;
        for (width, height, canvas, grid) in [(50, 31, 32, 8), (9, 90, 64, 16), (3, 3, 32, 8), (1, 1, 16, 4)]
        {
            let logits: Vec<f32> = (0..grid * grid)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state as f32 / u32::MAX as f32 - 0.5
                })
                .collect();
            let letterbox = Letterbox::fit(width, height, canvas);
            let plain = |pixel: usize, axis: usize| {
                let on_canvas =
                    (pixel as f64 + 0.5) * letterbox.content[axis] as f64 / letterbox.photo[axis] as f64;
                (on_canvas * grid as f64 / canvas as f64 - 0.5).clamp(0.0, grid as f64 - 1.0)
            };
            let value = |x: usize, y: usize| {
                let (u, v) = (plain(x, 0), plain(y, 1));
                let (i, j) = (u as usize, v as usize);
                let at = |i: usize, j: usize| f64::from(logits[j.min(grid - 1) * grid + i.min(grid - 1)]);
                let mix = |a: f64, b: f64, t: f64| a + (b - a) * t;
                let upper = mix(at(i, j), at(i + 1, j), u - i as f64);
                mix(upper, mix(at(i, j + 1), at(i + 1, j + 1), u - i as f64), v - j as f64)
            };
            let mask = letterbox.mask_to_photo(&logits, grid, grid);
            for (x, y) in (0..width * height).map(|i| (i % width, i / width)) {
                let value = value(x, y);
                assert!(value.abs() < 1e-6 || mask.get(x, y) == (value > 0.0), "({x}, {y}): {value}");
            }
        }
    }

    #[test]
    fn odd_logits_give_an_empty_mask() {
        let letterbox = Letterbox::fit(10, 10, 16);
        assert_eq!(letterbox.mask_to_photo(&[1.0; 15], 4, 4).area(), 0);
        assert_eq!(letterbox.mask_to_photo(&[f32::NAN; 16], 4, 4).area(), 0);
        assert_eq!(letterbox.mask_to_photo(&[1.0; 16], 4, 4).area(), 100);
    }
}
