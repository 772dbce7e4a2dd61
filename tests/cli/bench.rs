//! A folder with photos and weights to run commands in.

use std::fs;
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::Device;
use image::{Rgb, RgbImage};
use mae_seg::model::{MaskSegmenter, SegmenterConfig, VitConfig};
use mae_seg::weights::{Architecture, Layout, ModelConfig, StoredAs, collect, write_safetensors};
use serde_json::{Value, json};

/// A folder with weights of a small untrained segmenter and whatever a test puts beside them.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.path("weights")).unwrap();
        bench.write_config(6);
        let model = MaskSegmenter::new(&config(6), &Device::flex());
        let tensors = collect(&model, Layout::Eomt).unwrap();
        let bytes = write_safetensors(&tensors, StoredAs::F32, "model.safetensors").unwrap();
        fs::write(bench.path("weights/model.safetensors"), bytes).unwrap();
        bench
    }

    /// The same with a query for each patch: fresh ones draw a disc around themselves.
    pub(crate) fn dense() -> Self {
        let bench = Self::new();
        bench.write_config(0);
        let tensors = collect(&MaskSegmenter::new(&config(0), &Device::flex()), Layout::Eomt).unwrap();
        let bytes = write_safetensors(&tensors, StoredAs::F32, "model.safetensors").unwrap();
        fs::write(bench.path("weights/model.safetensors"), bytes).unwrap();
        bench
    }

    pub(crate) fn write_config(&self, num_queries: usize) {
        let config = ModelConfig {
            architecture: Architecture::Segmenter(config(num_queries)),
            labels: vec!["person".to_owned(), "animal".to_owned()],
        };
        fs::write(self.path("weights/config.json"), config.to_json().unwrap()).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn photo(&self, name: &str, width: u32, height: u32) -> PathBuf {
        let path = self.path(name);
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 9) as u8, (y * 5) as u8, (x ^ y) as u8]))
            .save(&path)
            .unwrap();
        path
    }

    /// One photo with a cat, as `a.png` and `a.json`.
    pub(crate) fn annotated(&self) {
        self.photo("a.png", 48, 40);
        let annotations = json!({
            "images": [{"id": 7, "file_name": "a.png", "width": 48, "height": 40}],
            "annotations": [{"id": 1, "image_id": 7, "category_id": 17, "iscrowd": 0, "area": 480.0,
                "bbox": [0, 0, 24, 20], "segmentation": [[0, 0, 24, 0, 24, 20, 0, 20]]}],
            "categories": [{"id": 1, "name": "person", "supercategory": "person"},
                {"id": 17, "name": "cat", "supercategory": "animal"}],
        });
        serde_json::to_writer(BufWriter::new(File::create(self.path("a.json")).unwrap()), &annotations)
            .unwrap();
    }

    /// Runs the binary inside the folder.
    pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Command::new(env!("CARGO_BIN_EXE_mae-seg"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    pub(crate) fn predict(&self, photo: &str) -> Output {
        let arguments = ["predict", photo, "--weights", "weights", "--device", "cpu", "--json"];
        self.run(arguments.into_iter().chain(["--score-thresh", "0"]))
    }

    pub(crate) fn found(&self, photo: &str) -> Vec<Value> {
        let output = self.predict(photo);
        assert!(output.status.success(), "{photo}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What is said about a photo or weights that cannot be used, after checking how it is said.
    pub(crate) fn complaint(&self, photo: &str) -> String {
        let output = self.predict(photo);
        let complaint = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
        assert!(complaint.starts_with("error: "), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(output.stdout.is_empty());
        complaint
    }
}

pub(crate) fn config(num_queries: usize) -> SegmenterConfig {
    SegmenterConfig::new(VitConfig::plain(64, 16, 16, 2, 2), num_queries, 2, 1)
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Fine-tuning of `a.json` into `out`, one step.
pub(crate) fn fine_tuned<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let data = ["finetune", "--train", "a.json", "--images", ".", "--out", out];
    let small =
        ["--image-size", "32", "--device", "cpu", "--batch-size", "1", "--queries", "2", "--points", "16"];
    data.into_iter().chain(small).chain(["--steps", "1"]).chain(more.iter().copied()).collect()
}
