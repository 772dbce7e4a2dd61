//! The same photo gives the same logits natively and in the browser. This is the native half;
//! `e2e/gpu.test.mjs` compares the browser with the same file. `UPDATE_GOLDEN=1 cargo test --test library golden`
//! rewrites it.

#[cfg(feature = "avif")]
mod avif;

use std::{env, fs, path::PathBuf};

use burn::tensor::Device;
use mae_seg::engine::{Engine, Logits};
use mae_seg::image::RgbImage;
use mae_seg::sources::Disk;
use serde::{Deserialize, Serialize};

const PHOTO: &str = "photographer.jpg";
/// Strides at which values are kept: enough to notice any difference, little to store.
const STRIDE: Stride = Stride { class_logits: 1, mask_logits: 7 };
const TOLERANCE: f32 = 1e-4;

#[derive(Serialize, Deserialize)]
struct Golden {
    photo: String,
    stride: Stride,
    class_logits: Vec<f32>,
    mask_logits: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct Stride {
    class_logits: usize,
    mask_logits: usize,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn logits() -> Logits {
    let photo = RgbImage::decode(&fs::read(root().join("www/samples").join(PHOTO)).unwrap()).unwrap();
    pollster::block_on(async {
        let folder = Disk::folder(root().join("tests/fixtures/eomt_tiny")).unwrap();
        let engine = Engine::load(&folder, &Device::flex()).await.unwrap();
        engine.logits(&photo).await.unwrap()
    })
}

fn thinned(values: &[f32], stride: usize) -> Vec<f32> {
    values.iter().copied().step_by(stride).collect()
}

#[test]
fn the_golden_photo_gives_the_golden_numbers() {
    let logits = logits();
    let class_logits = thinned(&logits.class_logits, STRIDE.class_logits);
    let mask_logits = thinned(&logits.mask_logits, STRIDE.mask_logits);
    let path = root().join("tests/fixtures/golden_logits.json");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        let golden = Golden { photo: PHOTO.to_owned(), stride: STRIDE, class_logits, mask_logits };
        fs::write(path, serde_json::to_string(&golden).unwrap()).unwrap();
        return;
    }
    let golden: Golden = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for (actual, expected) in [(class_logits, golden.class_logits), (mask_logits, golden.mask_logits)] {
        assert_eq!(actual.len(), expected.len());
        let worst = actual.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= TOLERANCE, "largest difference {worst}");
    }
}

#[test]
fn photos_have_the_pixels_of_libjpeg_turbo_and_littlecms() {
    let folder = root().join("tests/fixtures/photos");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    let expected = files.iter().filter_map(|file| file.to_str()?.strip_suffix(".expected.png"));
    let mut compared = 0;
    for name in expected {
        let photo = RgbImage::decode(&fs::read(folder.join(name)).unwrap()).unwrap();
        let expected = image::open(folder.join(format!("{name}.expected.png"))).unwrap().into_rgb8();
        assert_eq!(
            [photo.width() as u32, photo.height() as u32],
            [expected.width(), expected.height()],
            "{name}"
        );
        let steps =
            photo.pixels().iter().zip(expected.as_raw()).map(|(found, expected)| found.abs_diff(*expected));
        let converted =
            ["adobe_rgb", "display_p3", "grey_gamma", "press"].iter().any(|kind| name.starts_with(kind));
        let (worst, allowed) = (steps.max().unwrap(), if converted { 2 } else { 0 });
        assert!(worst <= allowed, "{name}: {worst} of 255 off, {allowed} allowed");
        compared += 1;
    }
    assert!(compared >= 20, "{compared} photos");
    let refusal =
        |name: &str| RgbImage::decode(&fs::read(folder.join(name)).unwrap()).unwrap_err().to_string();
    assert!(refusal("predicted_bands.tif").contains("5 samples per pixel, of which 3 are colours"));
    #[cfg(not(feature = "avif"))]
    assert!(refusal("small.avif").contains("an AVIF picture (builds with `--features avif` read those)"));
}
