//! Pixel values compared with Python's image processors, each read from the file that it would write.

use mae_seg::image::RgbImage;
use mae_seg::pixels::{Preprocess, prepare};

use super::recording::Recording;

/// Returns the largest difference to a recorded backend in steps of a byte, and the share of values that
/// differ by half a step.
fn difference(recording: &Recording, name: &str, preprocess: &Preprocess, backend: &str) -> (f64, f64) {
    let shape = recording.shape(&format!("{name}.photo"));
    let bytes = recording.indices(&format!("{name}.photo")).into_iter().map(|byte| byte as u8).collect();
    let photo = RgbImage::new(shape[1], shape[0], bytes).unwrap();
    let (pixels, letterbox) = prepare(&photo, preprocess);
    let [width, height] = letterbox.canvas();
    let expected = recording.floats(&format!("{name}.{backend}"));
    assert_eq!([3, height, width], *recording.shape(&format!("{name}.{backend}")), "{name} {backend}");
    let plane = width * height;
    let step = |channel: usize| f64::from(preprocess.rescale / preprocess.std[channel]);
    let off: Vec<f64> = pixels
        .iter()
        .zip(&expected)
        .enumerate()
        .map(|(i, (a, b))| f64::from((a - b).abs()) / step(i / plane))
        .collect();
    let worst = off.iter().copied().fold(0.0, f64::max);
    let differing = off.iter().filter(|off| **off > 0.5).count();
    (worst, differing as f64 / off.len() as f64)
}

#[test]
fn pixel_values_equal_pillows_to_one_step_of_a_byte() {
    let recording = Recording::of("processors");
    for (name, file) in Recording::notes("processors") {
        let preprocess: Preprocess = serde_json::from_value(file).unwrap();
        let (worst, differing) = difference(&recording, &name, &preprocess, "pil");
        assert!(worst < 1.01, "{name}: off by {worst} steps");
        assert!(differing < 0.07, "{name}: {differing} of the values differ");
    }
}

#[test]
fn pixel_values_equal_torchvisions() {
    let recording = Recording::of("processors");
    let notes = Recording::notes("processors");
    let recorded = recording
        .names_after("")
        .into_iter()
        .filter_map(|name| Some(name.strip_suffix(".torchvision")?.to_owned()));
    let recorded: Vec<String> = recorded.collect();
    assert!(recorded.len() >= 10);
    for name in recorded {
        let preprocess: Preprocess = serde_json::from_value(notes[&name].clone()).unwrap();
        let (worst, _) = difference(&recording, &name, &preprocess, "torchvision");
        assert!(worst < 1e-4, "{name}: off by {worst} steps");
    }
}
