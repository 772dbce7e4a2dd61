//! Random resized crops, the only augmentation of masked-autoencoder pretraining.

use rand::{Rng, RngExt};

use super::jitter::Jitter;
use crate::image::RgbImage;
use crate::pixels::{Filter, Window, resize};

/// Number of draws before the central fallback, as in torchvision's `RandomResizedCrop`.
const ATTEMPTS: usize = 10;

/// How a photo becomes a square training crop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropOptions {
    /// Side of the square in pixels.
    pub image_size: usize,
    /// Minimum and maximum share of the photo's area.
    pub scale: (f64, f64),
    /// Minimum and maximum aspect ratio, width / height.
    pub ratio: (f64, f64),
    /// Whether crops are mirrored left-right with probability one half.
    pub flip: bool,
    /// Maximum relative change of brightness, contrast and saturation, 0 to 1.
    pub colour: f32,
    /// The interpolation filter.
    pub filter: Filter,
}

impl Default for CropOptions {
    /// Returns the published pretraining recipe: 224 px, a fifth to the whole of the photo, mirrored half of
    /// the time.
    fn default() -> Self {
        Self {
            image_size: 224,
            scale: (0.2, 1.0),
            ratio: (3.0 / 4.0, 4.0 / 3.0),
            flip: true,
            colour: 0.0,
            filter: Filter::Bicubic,
        }
    }
}

/// A square training crop and its position in the photo.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Crop {
    /// RGB bytes in rows.
    pub(super) rgb: Vec<u8>,
    /// Left, top, width and height as shares of the photo.
    pub(super) window: [f64; 4],
    /// Whether left and right are swapped.
    pub(super) mirrored: bool,
}

impl Crop {
    /// Maps a point of the crop to the photo, both in shares of their sides.
    pub(super) fn in_photo(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, width, height] = self.window;
        [left + width * if self.mirrored { 1.0 - x } else { x }, top + height * y]
    }
}

impl CropOptions {
    /// Draws a window inside a `width` × `height` photo.
    fn window(&self, width: usize, height: usize, rng: &mut impl Rng) -> Window {
        let (w, h) = (width as f64, height as f64);
        for _ in 0..ATTEMPTS {
            let area = w * h * rng.random_range(self.scale.0..=self.scale.1);
            let ratio = rng.random_range(self.ratio.0.ln()..=self.ratio.1.ln()).exp();
            let (crop_w, crop_h) = ((area * ratio).sqrt().round(), (area / ratio).sqrt().round());
            if (1.0..=w).contains(&crop_w) && (1.0..=h).contains(&crop_h) {
                let left = rng.random_range(0.0..=w - crop_w).floor();
                let top = rng.random_range(0.0..=h - crop_h).floor();
                return Window { left, top, width: crop_w, height: crop_h };
            }
        }
        let ratio = (w / h).clamp(self.ratio.0, self.ratio.1);
        let (crop_w, crop_h) =
            if w / h > ratio { ((h * ratio).round(), h) } else { (w, (w / ratio).round()) };
        let (crop_w, crop_h) = (crop_w.clamp(1.0, w), crop_h.clamp(1.0, h));
        Window {
            left: ((w - crop_w) / 2.0).floor(),
            top: ((h - crop_h) / 2.0).floor(),
            width: crop_w,
            height: crop_h,
        }
    }

    /// Takes a random crop of `image_size` × `image_size` pixels.
    pub(super) fn apply(&self, photo: &RgbImage, rng: &mut impl Rng) -> Crop {
        let window = self.window(photo.width(), photo.height(), rng);
        let mut rgb = resize(photo, window, [self.image_size; 2], self.filter);
        let mirrored = self.flip && rng.random_bool(0.5);
        if mirrored {
            mirror(&mut rgb, self.image_size);
        }
        if self.colour > 0.0 {
            Jitter::random(self.colour.min(1.0), rng).apply::<3>(&mut rgb);
        }
        let (width, height) = (photo.width() as f64, photo.height() as f64);
        let window = [window.left / width, window.top / height, window.width / width, window.height / height];
        Crop { rgb, window, mirrored }
    }
}

/// Mirrors rows of `width` RGB pixels left-right.
pub(super) fn mirror(pixels: &mut [u8], width: usize) {
    for row in pixels.chunks_exact_mut(width * 3) {
        let (rgb, _) = row.as_chunks_mut::<3>();
        rgb.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, stream};

    #[test]
    fn windows_stay_inside_the_photo_and_near_the_asked_area() {
        let options = CropOptions::default();
        for index in 0..500 {
            let mut rng = stream(Purpose::Augment, 0, 0, index);
            let (width, height) = (rng.random_range(1..400), rng.random_range(1..400));
            let Window { left, top, width: w, height: h } = options.window(width, height, &mut rng);
            assert!(left >= 0.0 && left + w <= width as f64, "{left} + {w} in {width}");
            assert!(top >= 0.0 && top + h <= height as f64, "{top} + {h} in {height}");
            if (100..400).contains(&width) && (100..200).contains(&height) && width < 2 * height {
                let share = w * h / (width * height) as f64;
                assert!((0.19..=1.0).contains(&share), "share {share}");
                assert!((0.73..=1.36).contains(&(w / h)), "ratio {}", w / h);
            }
        }
    }

    #[test]
    fn a_constant_photo_stays_constant() {
        let photo = RgbImage::new(50, 40, [10, 20, 30].repeat(2000)).unwrap();
        let crop = CropOptions { image_size: 16, ..CropOptions::default() }
            .apply(&photo, &mut stream(Purpose::Augment, 1, 2, 3));
        assert_eq!(crop.rgb, [10, 20, 30].repeat(256));
    }

    #[test]
    fn pixels_are_mixed_as_asked() {
        let photo = RgbImage::new(64, 64, (0..64 * 64 * 3).map(|v| (v * 37 % 251) as u8).collect()).unwrap();
        let crop = |filter| {
            let options = CropOptions {
                image_size: 16,
                scale: (1.0, 1.0),
                ratio: (1.0, 1.0),
                flip: false,
                filter,
                ..CropOptions::default()
            };
            options.apply(&photo, &mut stream(Purpose::Augment, 1, 2, 3)).rgb
        };
        let whole = Window { left: 0.0, top: 0.0, width: 64.0, height: 64.0 };
        for filter in [Filter::Bicubic, Filter::Bilinear] {
            assert_eq!(crop(filter), resize(&photo, whole, [16; 2], filter));
        }
        assert_ne!(crop(Filter::Bicubic), crop(Filter::Bilinear));
    }

    #[test]
    fn colours_stray_only_where_asked() {
        let photo = RgbImage::new(50, 40, [100, 60, 30].repeat(2000)).unwrap();
        let options = CropOptions { image_size: 8, colour: 0.4, ..CropOptions::default() };
        let crop = |index| options.apply(&photo, &mut stream(Purpose::Augment, 1, 2, index)).rgb;
        assert_ne!(crop(0), [100, 60, 30].repeat(64));
        assert_ne!(crop(0), crop(1), "each crop strays on its own");
    }

    #[test]
    fn mirroring_reverses_pixels_not_channels() {
        let mut row = [1, 2, 3, 4, 5, 6];
        mirror(&mut row, 2);
        assert_eq!(row, [4, 5, 6, 1, 2, 3]);
    }
}
