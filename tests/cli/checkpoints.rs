//! Published files of every kind, read by every command that takes weights.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{Rgb, RgbImage};
use mae_seg::weights::read_safetensors;
use serde_json::{Value, json};
use tempfile::TempDir;

const FILES: [&str; 3] = ["original.pth", "legacy.pth", "views.pth"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn run(place: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mae-seg"));
    command.args(arguments).current_dir(place.path()).output().unwrap()
}

fn done(place: &TempDir, arguments: &[&str]) -> String {
    let output = run(place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_pytorch_file_is_inspected_and_imported() {
    let place = tempfile::tempdir().unwrap();
    let reference = fs::read(fixture("layouts_mae/model.safetensors")).unwrap();
    let reference = read_safetensors("model.safetensors", &reference).unwrap();
    for file in FILES {
        let source = fixture("layouts_mae").join(file);
        let source = source.to_str().unwrap();
        let told = done(&place, &["inspect", source]);
        for words in [
            "all tensors match the model",
            "masked autoencoder",
            "12508 values, F32",
            "licence       not stated",
        ] {
            assert!(told.contains(words), "{told}");
        }

        done(&place, &["import", source, "--out", file, "--dtype", "f32"]);
        let shard = fs::read(place.path().join(file).join("model-00001-of-00001.safetensors")).unwrap();
        for (name, tensor) in read_safetensors(file, &shard).unwrap() {
            let same = name == "vit.embeddings.cls_token" || name.contains("position_embeddings");
            assert!(same || tensor == reference[&name], "{file}: {name}");
        }
    }
}

#[test]
fn what_would_be_missing_is_listed_and_the_licence_travels() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| fs::write(place.path().join(name), content).unwrap();
    fs::copy(fixture("layouts_eomt/model.safetensors"), place.path().join("model.safetensors")).unwrap();
    let config = fs::read_to_string(fixture("layouts_eomt/config.json")).unwrap();
    write("config.json", &config);
    write("README.md", "---\nlicense: mit\n---\n# A model\n");
    assert!(done(&place, &["inspect", "."]).contains("licence       mit"));
    done(&place, &["import", ".", "--out", "ours"]);
    assert!(done(&place, &["inspect", "ours"]).contains("licence       mit"));

    write("config.json", &config.replace("\"num_queries\": 4", "\"num_queries\": 5"));
    let output = run(&place, &["inspect", "."]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("1 tensor(s) with another shape: query.weight"), "{told}");
    assert_eq!(output.status.code(), Some(1), "what cannot be loaded is an error");
}

#[test]
fn a_hub_folder_with_pytorchs_files_alone_works_whole_and_in_shards() {
    let place = tempfile::tempdir().unwrap();
    fs::copy(fixture("layouts_mae/config.json"), place.path().join("config.json")).unwrap();
    fs::copy(fixture("layouts_mae/views.pth"), place.path().join("pytorch_model.bin")).unwrap();
    assert!(done(&place, &["inspect", "."]).contains("all tensors match the model"));

    fs::rename(place.path().join("pytorch_model.bin"), place.path().join("pytorch_model-1.bin")).unwrap();
    let index = json!({"weight_map": {"cls_token": "pytorch_model-1.bin"}}).to_string();
    fs::write(place.path().join("pytorch_model.bin.index.json"), index).unwrap();
    assert!(done(&place, &["inspect", "."]).contains("all tensors match the model"));
}

#[test]
fn an_encoder_from_a_pytorch_file_is_probed_and_fine_tuned() {
    let place = tempfile::tempdir().unwrap();
    for (class, shade) in [("dark", 20), ("light", 220)] {
        for set in ["train", "test"] {
            let folder = place.path().join(set).join(class);
            fs::create_dir_all(&folder).unwrap();
            for number in 0..3 {
                let colour = Rgb([shade + number; 3]);
                RgbImage::from_pixel(40, 30, colour).save(folder.join(format!("{number}.png"))).unwrap();
            }
        }
    }
    let source = fixture("layouts_mae/legacy.pth");
    let source = source.to_str().unwrap();
    let probe =
        ["probe", "--weights", source, "--train", "train", "--test", "test", "--device", "cpu", "--json"];
    let report: Value = serde_json::from_str(&done(&place, &probe)).unwrap();
    assert_eq!(report["nearest_neighbours"]["accuracy"], 1.0, "{report}");

    let annotations = json!({
        "images": [{"id": 1, "file_name": "0.png", "width": 40, "height": 30}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 480.0,
            "bbox": [0, 0, 24, 20], "segmentation": [[0, 0, 24, 0, 24, 20, 0, 20]]}],
        "categories": [{"id": 1, "name": "cat", "supercategory": "animal"}],
    });
    fs::write(place.path().join("train.json"), annotations.to_string()).unwrap();
    let finetune =
        ["finetune", "--train", "train.json", "--images", "train/dark", "--encoder", source, "--out", "run"];
    let small =
        ["--image-size", "32", "--blocks", "1", "--queries", "4", "--steps", "1", "--batch-size", "1"];
    done(&place, &[&finetune[..], &small[..], &["--device", "cpu"]].concat());
    assert!(done(&place, &["inspect", "run"]).contains("segmenter, 4 queries in 1 blocks"));
}

#[test]
fn what_a_manifest_promises_is_kept_by_every_file_and_travels() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let source = fixture("layouts_eomt");
    let export = ["export", source.to_str().unwrap(), "--out", "first", "--score-thresh", "0.25"];
    done(&place, &[&export[..], &["--data", "cats", "--licence", "mit"]].concat());
    done(&place, &["import", "first", "--out", "second", "--dtype", "f32"]);
    done(&place, &["export", "second", "--out", "third"]);
    let manifest = |folder: &str| -> Value {
        serde_json::from_slice(&fs::read(path(folder).join("manifest.json")).unwrap()).unwrap()
    };
    for folder in ["second", "third"] {
        for key in ["threshold", "data", "licence"] {
            assert_eq!(manifest(folder)[key], manifest("first")[key], "{folder}: {key}");
        }
    }
    for file in ["config.json", "preprocessor_config.json", "model.safetensors.index.json"] {
        let file = path("third").join(file);
        let sound = fs::read(&file).unwrap();
        fs::write(&file, [&sound[..], b"\n"].concat()).unwrap();
        let refusal = run(&place, &["inspect", "third"]);
        assert_eq!(refusal.status.code(), Some(1), "{}", file.display());
        assert!(String::from_utf8_lossy(&refusal.stderr).contains("manifest promises"), "{refusal:?}");
        fs::remove_file(&file).unwrap();
        assert_eq!(run(&place, &["inspect", "third"]).status.code(), Some(1), "{}", file.display());
        fs::write(&file, sound).unwrap();
    }
    done(&place, &["inspect", "third"]);
    let shard = path("third/model-00001-of-00001.safetensors");
    fs::write(&shard, &fs::read(&shard).unwrap()[1..]).unwrap();
    assert_eq!(run(&place, &["inspect", "third"]).status.code(), Some(1), "another length");
}

#[test]
fn a_model_saved_again_as_one_file_counts_before_its_former_parts() {
    let place = tempfile::tempdir().unwrap();
    let source = fixture("layouts_eomt");
    for file in ["config.json", "model.safetensors"] {
        fs::copy(source.join(file), place.path().join(file)).unwrap();
    }
    let index = json!({"weight_map": {"query.weight": "model-00001-of-00002.safetensors"}}).to_string();
    fs::write(place.path().join("model.safetensors.index.json"), index).unwrap();
    let output = run(&place, &["inspect", "."]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the parts are gone: {told}");
    assert!(told.contains("holds both model.safetensors and") && told.lines().count() == 1, "{told}");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("all tensors match the model"), "{told}");
}
