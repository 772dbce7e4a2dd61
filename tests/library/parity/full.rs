//! The published architectures at full size, with random parameters: `make parity-full`.
#![expect(clippy::print_stdout, reason = "how far off is what one runs it for")]

use std::path::PathBuf;
use std::time::Instant;

use burn::tensor::Device;
use mae_seg::engine::{Answer, Logits, SegmentOptions, Selection, find};
use mae_seg::model::{MaskSegmenter, MaskedAutoencoder, PatchMask};
use mae_seg::pixels::Letterbox;
use mae_seg::weights::{Architecture, apply};
use serde_json::Value;

use super::recording::{Recording, assert_near, checkpoint_in, values};

/// Computation is in f32 here and in f64 in the reference.
const TOLERANCE: f64 = 1e-3;

/// Returns the path of a checkpoint that `make parity-full` created.
fn full(name: &str) -> PathBuf {
    PathBuf::from(std::env::var("PARITY_FULL").unwrap()).join(name)
}

fn report(what: &str, actual: &[f32], expected: &[f32], since: Instant) {
    let worst = actual.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!(
        "{what}: {} numbers, off by at most {worst:.1e}, {:.1} s",
        actual.len(),
        since.elapsed().as_secs_f32()
    );
    assert_near(actual, expected, TOLERANCE, what);
}

#[test]
#[ignore = "needs the checkpoints of make parity-full"]
fn mae_of_a_vit_base_from_both_publishers() {
    let device = Device::flex();
    let recording = Recording::at(&full("mae_base"));
    let files = [("mae_base", None), ("mae_original", Some("mae_pretrain_vit_base_full.pth"))];
    for (folder, file) in files {
        let since = Instant::now();
        let found = checkpoint_in(full(folder), file);
        let Architecture::Mae(config) = found.config.architecture else {
            panic!("{folder} is no autoencoder")
        };
        let model = apply(MaskedAutoencoder::new(&config, &device), found.layout, found.tensors).unwrap();
        let mask = PatchMask::from_noise(&[recording.floats("noise")], config.num_visible());
        assert_eq!(values(mask.hidden(&device)), recording.floats("mask"), "{folder}");
        let output = model.forward(recording.tensor("pixel_values", &device), &mask);
        report(folder, &values(output.prediction), &recording.floats("logits"), since);
    }
}

#[test]
#[ignore = "needs the checkpoints of make parity-full"]
fn eomt_of_a_vit_small_at_640_finds_the_same_instances() {
    let (device, since) = (Device::flex(), Instant::now());
    let recording = Recording::at(&full("eomt_small"));
    let notes: Value = serde_json::from_slice(&std::fs::read(full("eomt_small_io.json")).unwrap()).unwrap();
    let folder = checkpoint_in(full("eomt_small"), None);
    let Architecture::Segmenter(config) = folder.config.architecture else { panic!("it is no segmenter") };
    let model = apply(MaskSegmenter::new(&config, &device), folder.layout, folder.tensors).unwrap();
    let output = model.forward(recording.tensor("pixel_values", &device));
    let [_, _, rows, columns] = output.mask_logits.dims();
    let (class_logits, mask_logits) = (values(output.class_logits), values(output.mask_logits));
    report("class logits", &class_logits, &recording.floats("class_logits"), since);
    report("mask logits", &mask_logits, &recording.floats("mask_logits"), since);

    let [width, height] = [0, 1].map(|axis| notes["photo"][axis].as_u64().unwrap() as usize);
    let letterbox = Letterbox::fit(width, height, config.encoder.image_size);
    let logits = Logits {
        class_logits,
        queries: (0..mask_logits.len() / (rows * columns)).collect(),
        mask_logits,
        grid: [rows, columns],
    };
    let answer = Answer {
        logits: &logits,
        num_classes: config.num_classes,
        num_things: config.num_classes,
        letterbox,
        dense: false,
        guide: None,
    };
    let options = SegmentOptions { score_thresh: 0.5, ..SegmentOptions::reference(Selection::Painted) };
    let found = find(&answer, &options);
    let expected = notes["segments"].as_array().unwrap();
    let map = recording.indices("map");
    assert_eq!(found.len(), expected.len());
    let mut differing = 0;
    for (found, segment) in found.iter().zip(expected) {
        assert_eq!(found.category as u64, segment["label_id"].as_u64().unwrap(), "{segment}");
        assert!((f64::from(found.score) - segment["score"].as_f64().unwrap()).abs() < TOLERANCE, "{segment}");
        let id = segment["id"].as_u64().unwrap() as usize + 1;
        differing +=
            (0..map.len()).filter(|i| found.mask.get(i % width, i / width) != (map[*i] == id)).count();
    }
    println!("{} instances, {differing} of {} pixels differ", found.len(), map.len());
    assert_eq!(differing, 0);
}
