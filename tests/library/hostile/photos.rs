//! Photos of every format, truncated at every byte and changed at random places.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat};
use mae_seg::image::{ImageError, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FORMATS: [ImageFormat; 6] = [
    ImageFormat::Bmp,
    ImageFormat::Gif,
    ImageFormat::Jpeg,
    ImageFormat::Png,
    ImageFormat::Tiff,
    ImageFormat::WebP,
];

/// Returns a photo of 40 × 24 pixels in each format, and an animation.
fn files() -> Vec<(String, Vec<u8>)> {
    let pixel = |x: u32, y: u32| image::Rgb([(6 * x) as u8, (10 * y) as u8, (x * y) as u8]);
    let photo = DynamicImage::from(image::RgbImage::from_fn(40, 24, pixel));
    let mut files: Vec<_> = FORMATS
        .map(|format| {
            let mut bytes = Cursor::new(Vec::new());
            photo.write_to(&mut bytes, format).unwrap();
            (format!("{format:?}"), bytes.into_inner())
        })
        .into();
    let mut animation = Vec::new();
    let frames = [photo.to_rgba8(), photo.fliph().to_rgba8()].map(Frame::new);
    GifEncoder::new(&mut animation).encode_frames(frames).unwrap();
    files.push(("animation".to_owned(), animation));
    files
}

/// Asserts that a refusal is one sentence about the file and not the panic of a decoder.
pub(super) fn assert_told(error: &ImageError, case: &str) {
    assert!(!matches!(error, ImageError::DecoderFailed { .. }), "{case}: {error}");
    let text = error.to_string();
    assert!(!text.contains('\n') && text.len() < 300, "{case}: {text}");
}

#[test]
fn a_photo_that_was_cut_is_whole_or_refused() {
    for (name, whole) in files() {
        let photo = RgbImage::decode(&whole).unwrap();
        for cut in 0..whole.len() {
            let case = format!("{name} cut at {cut} of {}", whole.len());
            match RgbImage::decode(&whole[..cut]) {
                Ok(decoded) => assert!(decoded == photo, "{case}: other pixels"),
                Err(error) => assert_told(&error, &case),
            }
        }
    }
}

#[test]
fn changed_photos_never_end_in_a_panic() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for (name, whole) in files() {
        for round in 0..400 {
            let mut changed = whole.clone();
            for _ in 0..random.random_range(1..4) {
                // Half of the changes hit the headers.
                let end = if random.random() { 60 } else { whole.len() };
                changed[random.random_range(0..end)] = random.random();
            }
            if let Err(error) = RgbImage::decode(&changed) {
                assert_told(&error, &format!("{name}, round {round}"));
            }
        }
    }
}
