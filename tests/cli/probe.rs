//! `probe` and `reconstruct`.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use serde_json::Value;

use super::bench::{Bench, fixture, stderr};

#[test]
fn a_probe_judges_encoders_and_drawings() {
    let bench = Bench::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mae_tiny");
    for (class, colour) in [("dark", 20), ("light", 220)] {
        for (set, count) in [("train", 6), ("test", 3)] {
            let place = bench.path(set).join(class);
            fs::create_dir_all(&place).unwrap();
            for number in 0..count {
                let shade = |x: u32, y: u32| Rgb([(colour + (x * y + number) % 20) as u8; 3]);
                RgbImage::from_fn(40, 30, shade).save(place.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let probe = |weights: &str| -> Value {
        let arguments = ["probe", "--weights", weights, "--train", "train", "--test", "test", "--json"];
        let output = bench.run(arguments.into_iter().chain(["--device", "cpu"]));
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let report = probe(folder.to_str().unwrap());
    assert_eq!(report["guess"]["accuracy"], 0.5);
    for judge in ["nearest_neighbours", "linear"] {
        assert_eq!(report[judge]["accuracy"], 1.0, "{judge} tells dark from light: {report}");
    }
    let likeness = &report["reconstruction"];
    assert!(likeness["psnr"].as_f64().unwrap() > 0.0 && likeness["ssim"].as_f64().unwrap() < 1.0, "{report}");
    assert!(probe("weights")["reconstruction"].is_null(), "a segmenter draws nothing");

    let output = bench.run(["probe", "--weights", "weights", "--train", "train", "--test", "weights"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("folder for each class"), "{}", stderr(&output));

    fs::write(bench.path("test/dark/9.png"), "no image").unwrap();
    let line = ["probe", "--weights", "weights", "--train", "train", "--test", "test", "--device", "cpu"];
    let output = bench.run(line);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("9.png"), "{}", stderr(&output));
    let output = bench.run(line.into_iter().chain(["--damaged", "skip"]));
    assert!(output.status.success() && stderr(&output).contains("9.png"), "{}", stderr(&output));
    assert!(String::from_utf8(output.stdout).unwrap().contains("6 for testing (1 skipped)"));
}

#[test]
fn hidden_patches_are_drawn_by_models_that_can_draw() {
    let bench = Bench::new();
    for (name, width) in [("a.png", 80), ("b.png", 70)] {
        bench.photo(name, width, 64);
    }
    let mae = fixture("mae_tiny");
    let line = ["reconstruct", "a.png", "b.png", "--device", "cpu", "--out", "drawn.png", "--weights"];
    let output = bench.run(line.into_iter().chain([mae.to_str().unwrap()]));
    assert!(output.status.success(), "{}", stderr(&output));
    let drawn = image::open(bench.path("drawn.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (3 * 64, 2 * 64), "photo, what is seen, what is drawn");
    let rgb = drawn.to_rgb8();
    let column = |number: u32| image::imageops::crop_imm(&rgb, 64 * number, 0, 64, 128).to_image();
    assert!(column(0) != column(1) && column(0) != column(2), "something is hidden, and drawn");
    fs::remove_file(bench.path("drawn.png")).unwrap();
    let output = bench.run(line.into_iter().chain(["weights"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no decoder to draw with"), "{}", stderr(&output));
    assert!(!bench.path("drawn.png").exists());
}
