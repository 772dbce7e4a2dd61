//! Antialiased resizing of 8-bit pixels.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::image::RgbImage;

/// The interpolation filter for resizing; antialiased, with Pillow's kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Nearest neighbour.
    Nearest,
    /// Lanczos with three lobes.
    Lanczos,
    /// Bilinear.
    Bilinear,
    /// Bicubic with a = −½.
    Bicubic,
    /// The mean of the covered pixels.
    Box,
    /// Linear with a Hamming window, sharper than bilinear.
    Hamming,
}

impl Filter {
    fn algorithm(self) -> ResizeAlg {
        match self {
            Self::Nearest => ResizeAlg::Nearest,
            Self::Lanczos => ResizeAlg::Convolution(FilterType::Lanczos3),
            Self::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
            Self::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
            Self::Box => ResizeAlg::Convolution(FilterType::Box),
            Self::Hamming => ResizeAlg::Convolution(FilterType::Hamming),
        }
    }
}

/// A rectangle of a photo, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Pixels from left to right.
    pub width: f64,
    /// Pixels from top to bottom.
    pub height: f64,
}

impl Window {
    /// Returns the window of a whole photo.
    #[must_use]
    pub fn whole(photo: &RgbImage) -> Self {
        Self { left: 0.0, top: 0.0, width: photo.width() as f64, height: photo.height() as f64 }
    }
}

/// Resamples a window of a photo to `[width, height]`, and returns bytes `[height, width, 3]`; black for a
/// window beyond the photo.
#[must_use]
pub fn resize(photo: &RgbImage, window: Window, [width, height]: [usize; 2], filter: Filter) -> Vec<u8> {
    let Window { left, top, width: window_w, height: window_h } = window;
    if (width, height) == (photo.width(), photo.height()) && window == Window::whole(photo) {
        return photo.pixels().to_vec();
    }
    // As Pillow and torchvision do, resize along the rows first and round to bytes in between; in the other
    // order values differ.
    let reach = (3.0 * (window_h / height as f64).max(1.0)).ceil() + 1.0;
    let first = (top - reach).floor().max(0.0);
    let last = (top + window_h + reach).ceil().min(photo.height() as f64);
    let options = ResizeOptions::new().resize_alg(filter.algorithm());
    let step = |pixels: &[u8], from: [usize; 2], [left, top, w, h]: [f64; 4], to: [usize; 2]| {
        let mut resized = Image::new(to[0] as u32, to[1] as u32, PixelType::U8x3);
        let done = ImageRef::new(from[0] as u32, from[1] as u32, pixels, PixelType::U8x3).map(|source| {
            Resizer::new().resize(&source, &mut resized, &options.clone().crop(left, top, w, h))
        });
        debug_assert!(matches!(done, Ok(Ok(()))), "{window:?} of {from:?}: {done:?}");
        resized.into_vec()
    };
    let rows = (last - first).max(1.0) as usize;
    let around = [left, first, window_w, rows as f64];
    let narrow = step(photo.pixels(), [photo.width(), photo.height()], around, [width, rows]);
    step(&narrow, [width, rows], [0.0, top - first, width as f64, window_h], [width, height])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(width: usize, height: usize, value: impl Fn(usize, usize) -> [u8; 3]) -> RgbImage {
        let pixels = (0..width * height).flat_map(|i| value(i % width, i / width)).collect();
        RgbImage::new(width, height, pixels).unwrap()
    }

    #[test]
    fn halving_averages_as_an_antialiased_filter_does() {
        // Pillow's result of Image.resize((4, 1), BILINEAR) for columns 0, 0, 0, 0, 255, 255, 255, 255.
        let step = photo(8, 2, |x, _| [if x < 4 { 0 } else { 255 }; 3]);
        let resized = resize(&step, Window::whole(&step), [4, 1], Filter::Bilinear);
        assert_eq!(resized.chunks(3).map(|px| px[0]).collect::<Vec<_>>(), [0, 32, 223, 255]);
    }

    #[test]
    fn a_window_equals_that_part_of_the_whole() {
        let noise = photo(60, 80, |x, y| [(x * 37 % 256) as u8, (y * 91 % 256) as u8, (x * y % 256) as u8]);
        let whole = resize(&noise, Window::whole(&noise), [30, 40], Filter::Bicubic);
        let window = Window { left: 20.0, top: 30.0, width: 24.0, height: 16.0 };
        let part = resize(&noise, window, [12, 8], Filter::Bicubic);
        for (y, row) in part.chunks_exact(3 * 12).enumerate() {
            assert_eq!(row, &whole[((15 + y) * 30 + 10) * 3..][..3 * 12], "row {y}");
        }
    }
}
