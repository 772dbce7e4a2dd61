//! Several processes against one: the same photos in every step, and thus the same losses. `cargo test
//! --features mpi --test cli distributed`; needs `mpirun`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mae-seg");

/// Writes eight photos, each with a light rectangle that is an object.
fn photos(folder: &Path) {
    fs::create_dir(folder).unwrap();
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for id in 0..8_u32 {
        let (left, top, width, height) = (4 + 3 * id, 30 - 2 * id, 20 + id, 16 + 2 * id);
        let inside = |x: u32, y: u32| (left..left + width).contains(&x) && (top..top + height).contains(&y);
        let colour = |x, y| {
            if inside(x, y) {
                Rgb([240, 220, 30 * id as u8])
            } else {
                Rgb([(3 * x) as u8, (2 * y) as u8, 90])
            }
        };
        let name = format!("{id}.png");
        RgbImage::from_fn(64, 64, colour).save(folder.join(&name)).unwrap();
        images.push(json!({"id": id + 1, "file_name": name, "width": 64, "height": 64}));
        let (right, bottom) = (left + width, top + height);
        let outline = [left, top, right, top, right, bottom, left, bottom];
        annotations.push(json!({"id": id + 1, "image_id": id + 1, "category_id": 1, "iscrowd": 0,
            "segmentation": [outline], "bbox": [left, top, width, height], "area": width * height}));
    }
    let categories = json!([{"id": 1, "name": "box", "supercategory": "thing"}]);
    let file = json!({"images": images, "annotations": annotations, "categories": categories});
    fs::write(folder.join("train.json"), file.to_string()).unwrap();
}

fn mpirun(processes: usize, arguments: &[&str], folder: &Path) -> Output {
    Command::new("mpirun")
        .args(["--oversubscribe", "-np", &processes.to_string(), PROGRAM])
        .args(arguments)
        .envs([
            ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
            ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"),
            ("OMP_NUM_THREADS", "1"),
        ])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn losses(run: &Path) -> Vec<(f64, f64)> {
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let step = |line: &str| {
        let step: Value = serde_json::from_str(line).unwrap();
        (step["loss"].as_f64().unwrap(), step["gradient_norm"].as_f64().unwrap())
    };
    lines.lines().map(step).collect()
}

fn same_with_two_processes(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    for (processes, out) in [(1, "one"), (2, "two")] {
        let output = mpirun(processes, &[arguments, &["--out", out]].concat(), folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let (one, two) = (losses(&folder.path().join("one")), losses(&folder.path().join("two")));
    assert_eq!(one.len(), two.len());
    assert!(one.len() >= 4, "{one:?}");
    for (step, (one, two)) in one.iter().zip(&two).enumerate() {
        let apart = |one: f64, two: f64| (one - two).abs() / one.abs();
        assert!(apart(one.0, two.0) <= 1e-5, "loss of step {step}: {one:?} {two:?}");
        assert!(apart(one.1, two.1) <= 1e-4, "gradients of step {step}: {one:?} {two:?}");
    }
}

#[test]
fn two_processes_pretrain_as_one_with_all_the_photos() {
    let small = ["--image-size", "32", "--patch-size", "16", "--decoder-dim", "32", "--decoder-depth", "1"];
    let run =
        ["--data", "photos", "--device", "cpu", "--batch-size", "4", "--epochs", "3", "--warmup-epochs", "1"];
    same_with_two_processes(&[&["pretrain"], &small[..], &run].concat());
}

#[test]
fn two_processes_fine_tune_as_one_with_all_the_photos() {
    let data =
        ["--train", "photos/train.json", "--images", "photos", "--device", "cpu", "--labels", "object"];
    let run = [
        "--image-size",
        "32",
        "--batch-size",
        "4",
        "--steps",
        "4",
        "--warmup-steps",
        "2",
        "--drop-path",
        "0.2",
    ];
    for queries in ["0", "6"] {
        same_with_two_processes(
            &[&["finetune"], &data[..], &run, &["--blocks", "1", "--queries", queries]].concat(),
        );
    }
}

#[test]
fn photos_that_cannot_be_shared_out_stop_all_processes() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    let arguments = ["pretrain", "--data", "photos", "--device", "cpu", "--batch-size", "5", "--out", "run"];
    let output = mpirun(2, &arguments, folder.path());
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("choose a multiple"), "{said}");
}
