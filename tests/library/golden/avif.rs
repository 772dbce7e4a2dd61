//! Files of `tests/fixtures/avif`, compared with libavif's results.

use std::fs;
use std::path::PathBuf;

use mae_seg::image::{ImageError, RgbImage};

fn folder() -> PathBuf {
    super::root().join("tests/fixtures/avif")
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn refusal(bytes: &[u8]) -> String {
    RgbImage::decode(bytes).unwrap_err().to_string()
}

#[test]
fn pictures_have_the_pixels_of_libavif() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".expected.png") else { continue };
        let (photo, notes) = RgbImage::decode_with_notes(&file(name)).unwrap();
        let expected = RgbImage::decode(&file(&format!("{name}.expected.png"))).unwrap();
        assert_eq!((photo.width(), photo.height()), (expected.width(), expected.height()), "{name}");
        assert_eq!(notes, [], "{name}");
        let steps =
            photo.pixels().iter().zip(expected.pixels()).map(|(found, wanted)| found.abs_diff(*wanted));
        let worst = steps.max().unwrap();
        if worst > 2 {
            wrong.push(format!("{name}: {worst}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "of 255 off: {wrong:?}");
    assert!(compared >= 30, "{compared} pictures");
}

#[test]
fn what_cannot_be_drawn_rightly_is_refused_by_name() {
    for (name, reason) in
        [("tiles_and_alpha.avif", "tiles with transparency"), ("hdr.avif", "HDR brightness, PQ or HLG")]
    {
        assert_eq!(
            refusal(&file(name)),
            format!("this kind of AVIF is not supported ({reason}): export it as JPEG or PNG")
        );
    }
    // Twice its width, of which one and a half pixels would be cut off.
    let mut cropped = file("cropped.avif");
    let width = cropped.windows(4).position(|name| name == b"clap").unwrap() + 4;
    cropped[width..width + 8].copy_from_slice(&[0, 0, 0, 43, 0, 0, 0, 2]);
    assert!(refusal(&cropped).contains("a crop that is not of whole pixels within the picture"));
}

#[test]
fn a_file_that_ends_early_is_called_so() {
    for name in ["420.avif", "alpha.avif", "tiles.avif"] {
        let whole = file(name);
        for end in [150, whole.len() / 2, whole.len() * 9 / 10, whole.len() - 1] {
            let error = RgbImage::decode(&whole[..end]).unwrap_err();
            assert_eq!(error, ImageError::Truncated { format: "AVIF" }, "{name} cut at {end}");
        }
    }
}

#[test]
fn sizes_are_refused_before_pixels_are_made() {
    let mut tiles = file("tiles.avif");
    let layout = tiles.windows(8).position(|bytes| bytes == [0, 0, 1, 1, 0, 102, 0, 90]).unwrap();
    tiles[layout + 4..layout + 8].fill(0xFF);
    assert!(matches!(
        RgbImage::decode(&tiles),
        Err(ImageError::TooLarge { width: 65_535, height: 65_535, .. })
    ));
    tiles[layout + 4..layout + 8].copy_from_slice(&[0, 130, 0, 90]);
    assert!(refusal(&tiles).contains("its tiles do not cover it"));
    tiles[layout + 2] = 2;
    assert!(refusal(&tiles).contains("3 rows of 2 tiles, but 4 tiles"));
}

#[test]
fn no_prefix_or_flipped_byte_panics() {
    let fails = |bytes: &[u8]| matches!(RgbImage::decode(bytes), Err(ImageError::DecoderFailed { .. }));
    for name in ["alpha.avif", "deep_420.avif", "described_twice.avif", "tiles.avif"] {
        let whole = file(name);
        for at in (0..whole.len()).step_by(17) {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x55;
            assert!(!fails(&flipped), "{name} at {at}");
            assert!(RgbImage::decode(&whole[..at]).is_err(), "{name} cut at {at}");
        }
    }
}
