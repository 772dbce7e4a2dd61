//! The built binary on real files: what it prints, writes and returns.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::Device;
use image::{ImageFormat, Rgb, RgbImage};
use mae_seg::mask::Rle;
use mae_seg::model::{MaskSegmenter, SegmenterConfig, VitConfig};
use mae_seg::weights::{
    Architecture, Layout, ModelConfig, StoredAs, collect, read_safetensors, write_safetensors,
};
use serde_json::{Value, json};

/// A folder with weights of a small untrained segmenter and whatever a test puts beside them.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
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
    fn dense() -> Self {
        let bench = Self::new();
        bench.write_config(0);
        let tensors = collect(&MaskSegmenter::new(&config(0), &Device::flex()), Layout::Eomt).unwrap();
        let bytes = write_safetensors(&tensors, StoredAs::F32, "model.safetensors").unwrap();
        fs::write(bench.path("weights/model.safetensors"), bytes).unwrap();
        bench
    }

    fn write_config(&self, num_queries: usize) {
        let config = ModelConfig {
            architecture: Architecture::Segmenter(config(num_queries)),
            labels: vec!["person".to_owned(), "animal".to_owned()],
        };
        fs::write(self.path("weights/config.json"), config.to_json().unwrap()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn photo(&self, name: &str, width: u32, height: u32) -> PathBuf {
        let path = self.path(name);
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 9) as u8, (y * 5) as u8, (x ^ y) as u8]))
            .save(&path)
            .unwrap();
        path
    }

    /// One photo with a cat, as `a.png` and `a.json`.
    fn annotated(&self) {
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
    fn run<A: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Command::new(env!("CARGO_BIN_EXE_mae-seg"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    fn predict(&self, photo: &str) -> Output {
        let arguments = ["predict", photo, "--weights", "weights", "--device", "cpu", "--json"];
        self.run(arguments.into_iter().chain(["--score-thresh", "0"]))
    }

    fn found(&self, photo: &str) -> Vec<Value> {
        let output = self.predict(photo);
        assert!(output.status.success(), "{photo}: {}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What is said about a photo or weights that cannot be used, after checking how it is said.
    fn complaint(&self, photo: &str) -> String {
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

fn config(num_queries: usize) -> SegmenterConfig {
    SegmenterConfig::new(VitConfig::plain(64, 16, 16, 2, 2), num_queries, 2, 1)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_shows_examples_and_wrong_usage_returns_2() {
    let bench = Bench::new();
    for arguments in [
        vec!["--help"],
        vec!["predict", "--help"],
        vec!["eval", "--help"],
        vec!["compare", "--help"],
        vec!["probe", "--help"],
        vec!["reconstruct", "--help"],
    ] {
        let output = bench.run(&arguments);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("Examples:"), "{arguments:?}");
    }
    for arguments in [vec![], vec!["predict"], vec!["fly"], vec!["predict", "a.jpg", "--score-thresh", "2"]] {
        assert_eq!(bench.run(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}

/// After a change that is meant, `UPDATE_HELP=1` writes the files anew; read what `git diff` says then.
#[test]
fn help_is_as_in_the_files_of_tests_help() {
    let verbs = [
        "predict",
        "eval",
        "probe",
        "reconstruct",
        "compare",
        "role",
        "pretrain",
        "contrast",
        "finetune",
        "export",
        "import",
        "inspect",
    ];
    let mut calls: Vec<Vec<&str>> = verbs.iter().map(|verb| vec![*verb, "--help"]).collect();
    calls.push(vec!["--help"]);
    for call in calls {
        let mut program = Command::new(env!("CARGO_BIN_EXE_mae-seg"));
        let output = program.args(&call).env("COLUMNS", "100").output().unwrap();
        let name = if call.len() == 1 { "mae-seg" } else { call[0] };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"));
        if std::env::var_os("UPDATE_HELP").is_some() {
            fs::write(&path, &output.stdout).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), written, "{name}: see UPDATE_HELP above");
    }
}

#[test]
fn predict_prints_coco_results_at_the_photos_own_size() {
    let bench = Bench::new();
    bench.photo("photo.png", 90, 61);
    let found = bench.found("photo.png");
    assert!(!found.is_empty());
    for row in &found {
        assert_eq!(row["segmentation"]["size"], json!([61, 90]));
        let rle = Rle::from_coco_string([61, 90], row["segmentation"]["counts"].as_str().unwrap()).unwrap();
        assert_eq!(json!(rle.to_mask().unwrap().bbox()), row["bbox"]);
        assert!((0.0..=1.0).contains(&row["score"].as_f64().unwrap()));
        assert_eq!(row["image_id"], 1);
    }
    assert!(!bench.path("found").exists(), "--json alone writes no files");
}

#[test]
fn predict_writes_an_overlay_and_cutouts() {
    let bench = Bench::new();
    bench.photo("photo.png", 90, 61);
    let arguments = ["predict", "photo.png", "--weights", "weights", "--device", "cpu", "--out", "here"];
    let output = bench.run(arguments.into_iter().chain(["--score-thresh", "0"]));
    assert!(output.status.success(), "{}", stderr(&output));
    let overlay = image::open(bench.path("here/photo.overlay.png")).unwrap();
    assert_eq!((overlay.width(), overlay.height()), (90, 61));
    let cutouts = fs::read_dir(bench.path("here"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("photo.overlay.png"));
    let cutouts: Vec<PathBuf> = cutouts.collect();
    assert!(!cutouts.is_empty());
    assert!(cutouts.iter().all(|path| image::open(path).unwrap().color().has_alpha()));
}

#[test]
fn every_format_is_written_and_holds_what_was_found() {
    let bench = Bench::dense();
    bench.photo("photo.png", 90, 61);
    fs::create_dir(bench.path("more")).unwrap();
    bench.photo("more/photo.png", 60, 90);
    let found = bench.found("photo.png");
    assert!(!found.is_empty());
    let write = |format: &'static str| {
        let arguments = ["predict", "photo.png", "more/photo.png", "--weights", "weights", "--device", "cpu"];
        let rest = ["--score-thresh", "0", "--format", format, "--out", format];
        bench.run(arguments.into_iter().chain(rest))
    };
    for (format, files) in [
        ("coco", &["annotations.json"][..]),
        ("coco-polygons", &["annotations.json"]),
        ("yolo", &["data.yaml", "labels/photo.txt", "labels/photo-2.txt"]),
        ("labelme", &["photo.json", "photo-2.json"]),
        ("cvat", &["annotations.xml"]),
        ("svg", &["photo.svg", "photo-2.svg"]),
        ("masks", &["photo.ids.png", "photo-2.ids.png"]),
    ] {
        for _ in 0..2 {
            let output = write(format);
            assert!(output.status.success(), "{format}: {}", stderr(&output));
            assert_eq!(stderr(&output).contains("photo-2"), ["yolo", "labelme", "svg"].contains(&format));
        }
        for file in files {
            assert!(bench.path(format).join(file).is_file(), "{format}: {file}");
        }
    }
    let coco: Value =
        serde_json::from_slice(&fs::read(bench.path("coco/annotations.json")).unwrap()).unwrap();
    let first =
        coco["annotations"].as_array().unwrap().iter().filter(|annotation| annotation["image_id"] == 1);
    let masks: Vec<&Value> = first.map(|annotation| &annotation["segmentation"]).collect();
    assert_eq!(masks, found.iter().map(|row| &row["segmentation"]).collect::<Vec<_>>());
    let yolo = fs::read_to_string(bench.path("yolo/labels/photo.txt")).unwrap();
    assert_eq!(yolo.lines().count(), found.len());
    fs::write(bench.path("coco/annotations.json"), "mended").unwrap();
    let refused = write("coco");
    assert_eq!((refused.status.code(), stderr(&refused).contains("annotations.json")), (Some(1), true));
    assert_eq!(fs::read(bench.path("coco/annotations.json")).unwrap(), b"mended");
}

#[test]
fn unusual_photos_are_segmented() {
    let bench = Bench::new();
    bench.photo("one.png", 1, 1);
    bench.found("one.png");

    image::ImageBuffer::from_fn(40, 30, |x, _| Rgb([x as u16 * 1000, 0, 65535]))
        .save(bench.path("deep.png"))
        .unwrap();
    bench.found("deep.png");

    let mut animation = image::codecs::gif::GifEncoder::new(File::create(bench.path("moving.gif")).unwrap());
    for shade in [0, 255] {
        let frame = image::RgbaImage::from_pixel(40, 30, image::Rgba([shade, 9, 9, 255]));
        animation.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(animation);
    bench.found("moving.gif");

    fs::copy(fixture("cmyk.jpg"), bench.path("cmyk.jpg")).unwrap();
    bench.found("cmyk.jpg");
}

#[test]
fn printers_inks_become_the_colours_they_print() {
    let photo = mae_seg::image::RgbImage::decode(&fs::read(fixture("cmyk.jpg")).unwrap()).unwrap();
    let pixel = |x: usize, y: usize| photo.pixels()[(y * photo.width() + x) * 3..][..3].to_vec();
    let close = |found: &[u8], expected: [u8; 3]| found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) < 30);
    assert!(close(&pixel(10, 10), [255, 0, 0]), "{:?}", pixel(10, 10));
    assert!(close(&pixel(50, 10), [0, 0, 255]), "{:?}", pixel(50, 10));
}

#[test]
fn bad_photos_are_explained() {
    let bench = Bench::new();
    fs::write(bench.path("empty.jpg"), b"").unwrap();
    assert!(bench.complaint("empty.jpg").contains("empty.jpg: the file is empty"));

    fs::write(bench.path("text.jpg"), "dear diary").unwrap();
    assert!(bench.complaint("text.jpg").contains("use JPEG, PNG"));

    let whole = fs::read(bench.photo("whole.jpg", 200, 150)).unwrap();
    fs::write(bench.path("cut.jpg"), &whole[..whole.len() * 2 / 3]).unwrap();
    assert!(bench.complaint("cut.jpg").contains("cut off"));

    fs::write(bench.path("huge.bmp"), announced_as(12_000, 9_000)).unwrap();
    assert!(bench.complaint("huge.bmp").contains("12000 × 9000 = 108 megapixels; the limit is 64"));

    assert!(bench.complaint("missing.jpg").contains("cannot read missing.jpg"));
}

#[test]
fn one_bad_photo_does_not_spoil_the_others() {
    let bench = Bench::new();
    bench.photo("good.png", 40, 30);
    fs::write(bench.path("bad.png"), "x").unwrap();
    let arguments = ["predict", "bad.png", "good.png", "--weights", "weights", "--device", "cpu", "--json"];
    let output = bench.run(arguments.into_iter().chain(["--score-thresh", "0"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1 of 2 photos"), "{}", stderr(&output));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row["image_id"] == 2));
}

#[test]
fn bad_weights_are_explained() {
    let bench = Bench::new();
    bench.photo("photo.png", 40, 30);
    let shard = bench.path("weights/model.safetensors");
    let whole = fs::read(&shard).unwrap();
    fs::write(&shard, &whole[..whole.len() / 2]).unwrap();
    assert!(bench.complaint("photo.png").contains("model.safetensors"));

    fs::write(&shard, &whole).unwrap();
    bench.write_config(7);
    assert!(bench.complaint("photo.png").contains("shape"));

    fs::remove_file(bench.path("weights/config.json")).unwrap();
    assert!(bench.complaint("photo.png").contains("config.json"));

    fs::remove_dir_all(bench.path("weights")).unwrap();
    assert!(bench.complaint("photo.png").contains("the folder that holds config.json"));
}

#[test]
fn weights_that_would_not_load_are_no_success() {
    let bench = Bench::new();
    assert!(bench.run(["inspect", "weights"]).status.success());
    let weights = bench.path("weights/model.safetensors");
    let sound = fs::read(&weights).unwrap();
    let config = fs::read_to_string(bench.path("weights/config.json")).unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    for (config, weights_file, word) in [
        (config.replace("\"num_queries\": 6", "\"num_queries\": 7"), &sound[..], "query.weight"),
        (config.clone(), pointer, "git lfs pull"),
        (config.clone(), b"<!DOCTYPE html><html></html>", "web page"),
        (config.clone(), b"", "empty"),
        (
            String::from_utf8(pointer.to_vec()).unwrap(),
            &sound,
            "config.json` cannot be understood: it is a pointer",
        ),
    ] {
        fs::write(bench.path("weights/config.json"), config).unwrap();
        fs::write(&weights, weights_file).unwrap();
        let output = bench.run(["inspect", "weights"]);
        assert_eq!(output.status.code(), Some(1), "{word}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    }
}

#[test]
fn fine_tuning_keeps_to_what_the_encoder_was_trained_with() {
    let bench = Bench::new();
    bench.annotated();
    let encoder = fixture("encoders/timm_classifier");
    let line =
        fine_tuned("seg", &["--encoder", encoder.to_str().unwrap(), "--patch-size", "16", "--blocks", "1"]);
    let output = bench.run(line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("left out: head.bias, head.weight"), "{}", stderr(&output));
    let json = |file: &str| -> Value {
        serde_json::from_slice(&fs::read(bench.path("seg/checkpoint").join(file)).unwrap()).unwrap()
    };
    let mean = &json("preprocessor_config.json")["image_mean"];
    let near = |channel: usize, value: f64| (mean[channel].as_f64().unwrap() - value).abs() < 1e-6;
    assert!(near(0, 0.5) && near(1, 0.4) && near(2, 0.3), "{mean}");
    assert_eq!(json("config.json")["patch_size"], 16);
    assert_eq!(json("config.json")["antialias_positions"], true);
}

#[test]
fn eval_measures_and_exports_what_it_measured() {
    let bench = Bench::new();
    bench.annotated();
    let base = ["eval", "--weights", "weights", "--annotations", "a.json", "--images", ".", "--json"];
    let evaluate = |more: &[&str]| {
        let arguments = base.into_iter().chain(["--device", "cpu", "--predictions", "p.json"]);
        let output = bench.run(arguments.chain(more.iter().copied()));
        assert!(output.status.success(), "{}", stderr(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let rows: Vec<Value> = serde_json::from_slice(&fs::read(bench.path("p.json")).unwrap()).unwrap();
        (report, rows)
    };

    let (report, rows) = evaluate(&[]);
    assert_eq!(report["labels"], "supercategory");
    assert!((0.0..=1.0).contains(&report["AP"].as_f64().unwrap()));
    assert!(!rows.is_empty() && rows.iter().all(|row| row["image_id"] == 7 && row.get("bbox").is_none()));
    let list: Vec<Value> =
        serde_json::from_slice(&fs::read(bench.path("p.categories.json")).unwrap()).unwrap();
    assert_eq!(list, [json!({"id": 1, "name": "person"}), json!({"id": 2, "name": "animal"})]);

    let (report, rows) = evaluate(&["--class-agnostic"]);
    assert_eq!(report["labels"], "class-agnostic");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["category_id"] == 1));

    let output = bench.run(base.into_iter().chain(["--device", "cpu", "--predictions", "missing/p.json"]));
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("numbers come before files can fail");
    assert!(report["AP"].is_number());

    fs::write(bench.path("a.json"), "{}").unwrap();
    let output = bench.run(base);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("a.json"), "{}", stderr(&output));
}

#[test]
fn eval_goes_on_without_unusable_photos_where_asked() {
    let bench = Bench::new();
    bench.annotated();
    let mut annotations: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    bench.photo("outlined.png", 48, 40);
    fs::write(bench.path("broken.png"), "no image").unwrap();
    for (id, name) in [(8, "broken.png"), (9, "outlined.png")] {
        let image = json!({"id": id, "file_name": name, "width": 48, "height": 40});
        annotations["images"].as_array_mut().unwrap().push(image);
    }
    let outline = json!({"id": 2, "image_id": 9, "category_id": 17, "iscrowd": 0,
        "segmentation": {"size": [3, 3], "counts": [4, 5]}});
    annotations["annotations"].as_array_mut().unwrap().push(outline);
    fs::write(bench.path("a.json"), annotations.to_string()).unwrap();
    let base = ["eval", "--weights", "weights", "--annotations", "a.json", "--images", ".", "--json"];
    let output = bench.run(base.into_iter().chain(["--device", "cpu"]));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(stderr(&output).contains("broken.png"), "{}", stderr(&output));
    let output = bench.run(base.into_iter().chain(["--device", "cpu", "--damaged", "skip"]));
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["skipped broken.png", "skipped outlined.png: annotation 2 (annotations[1])"] {
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let counts = ["photos", "skipped_photos", "annotated_objects"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [1, 2, 1]);
}

#[test]
fn results_of_other_programs_are_judged_without_weights() {
    let bench = Bench::new();
    bench.annotated();
    let found = json!([
        {"image_id": 7, "category_id": 17, "score": 0.9, "segmentation": [[0, 0, 24, 0, 24, 20, 0, 20]]},
        {"image_id": 7, "category_id": 99, "score": 0.8, "segmentation": [[0, 0, 24, 0, 24, 20, 0, 20]]}]);
    fs::write(bench.path("found.json"), found.to_string()).unwrap();
    let judged = |more: &[&str]| {
        let line = ["eval", "--annotations", "a.json", "--results", "found.json"];
        bench.run(line.into_iter().chain(more.iter().copied()))
    };
    let output = judged(&["--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for perfect in [&report["AP"], &report["boxes"]["AP"], &report["per_category"]["cat"]] {
        assert!(perfect.as_f64().unwrap() > 0.999, "{report}");
    }
    assert_eq!((&report["predictions"], &report["results"]), (&json!(1), &json!("found.json")));
    let told = stderr(&output);
    assert!(
        told.contains("took 1 photo with 1 object; left out 1 result of a category that is not listed"),
        "{told}"
    );
    let output = judged(&["--images", ".", "--report", "report", "--class-agnostic"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(bench.path("report/worst-photos.png").is_file());
    fs::write(bench.path("found.json"), "[{\"image_id\": 8}]").unwrap();
    let output = judged(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("found.json") && stderr(&output).contains("results[0]"),
        "{}",
        stderr(&output)
    );
    assert_eq!(judged(&["--weights", "weights"]).status.code(), Some(2));

    let mut bare: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    let mut image = bare["images"][0].clone();
    image["id"] = json!(8);
    bare["images"].as_array_mut().unwrap().push(image);
    let boxed = json!({"id": 2, "image_id": 8, "category_id": 1, "bbox": [0, 0, 9, 9], "segmentation": []});
    bare["annotations"].as_array_mut().unwrap().push(boxed);
    fs::write(bench.path("a.json"), bare.to_string()).unwrap();
    let mut rows = found;
    rows[1] = json!({"image_id": 8, "category_id": 1, "score": 0.5, "segmentation": [[0, 0, 9, 0, 9, 9]]});
    fs::write(bench.path("found.json"), rows.to_string()).unwrap();
    let output = judged(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("a.json") && stderr(&output).contains("annotation 2 (annotations[1])"),
        "{}",
        stderr(&output)
    );
    let output = judged(&["--damaged", "skip"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("1 result of photos that were left out (image 8)"),
        "{}",
        stderr(&output)
    );
    assert_eq!(bench.run(["eval", "--annotations", "a.json"]).status.code(), Some(2));
}

#[test]
fn names_of_files_do_not_steer_the_terminal() {
    let bench = Bench::new();
    bench.annotated();
    let mut annotations: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    annotations["images"][0]["file_name"] = json!("\u{1b}[2J\u{9b}31mred\n\u{202e}gpj.a");
    annotations["categories"][1]["supercategory"] = json!("\u{1b}[2Jred\ncats");
    fs::write(bench.path("bad.json"), annotations.to_string()).unwrap();
    let output = bench.run(["eval", "--weights", "weights", "--annotations", "bad.json", "--images", "."]);
    assert_eq!((output.status.code(), stderr(&output).lines().count()), (Some(1), 1), "{}", stderr(&output));
    let steers = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert!(!steers(&stderr(&output)) && stderr(&output).contains("\\u001b[2J"), "{}", stderr(&output));
    annotations["images"][0]["file_name"] = json!("a.png");
    fs::write(bench.path("a.json"), annotations.to_string()).unwrap();
    let output = bench.run(fine_tuned("seg", &[]));
    assert!(output.status.success() && !steers(&stderr(&output)), "{}", stderr(&output));
    assert!(stderr(&output).contains("learns 2 labels: person, \\u001b[2Jred\\ncats"), "{}", stderr(&output));
}

#[test]
fn what_is_taken_and_what_is_left_out_is_said_once() {
    let bench = Bench::new();
    fs::create_dir(bench.path("photos")).unwrap();
    bench.photo("photos/a.png", 40, 40);
    fs::write(bench.path("photos/._a.png"), "metadata").unwrap();
    let line = [
        "pretrain",
        "--data",
        "photos",
        "--out",
        "run",
        "--device",
        "cpu",
        "--damaged",
        "stop",
        "--epochs",
        "1",
    ];
    let small = ["--image-size", "32", "--batch-size", "1", "--decoder-dim", "32", "--decoder-depth", "1"];
    let output = bench.run(line.into_iter().chain(small));
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("took 1 photo; left out 1 hidden or companion file (._a.png)\n"), "{told}");

    bench.annotated();
    let mut annotations: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    let crowd = json!({"id": 2, "image_id": 7, "category_id": 1, "iscrowd": 1, "segmentation": {"size": [40, 48], "counts": [1000, 920]}});
    annotations["annotations"].as_array_mut().unwrap().push(crowd);
    fs::write(bench.path("a.json"), annotations.to_string()).unwrap();
    let told = stderr(&bench.run(fine_tuned("seg", &[])));
    let crowd =
        "left out 1 object marked as a crowd (`iscrowd`), which is ignored (annotation 2 (annotations[1]))";
    assert!(told.contains(&format!("took 1 photo with 1 object; {crowd}\n")), "{told}");
    assert!(told.contains("learns 2 labels: person, animal\n"), "{told}");
}

#[test]
fn a_report_is_one_page_that_needs_no_other_file() {
    let bench = Bench::new();
    bench.annotated();
    let arguments = ["eval", "--weights", "weights", "--annotations", "a.json", "--images", "."];
    let output = bench.run(arguments.into_iter().chain(["--device", "cpu", "--report", "report"]));
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("mask precision") && table.contains("box precision"), "{table}");
    assert!(table.contains("animal"), "{table}");
    let page = fs::read_to_string(bench.path("report/report.html")).unwrap();
    assert!(page.contains("<td>animal</td><td>1</td>"), "{page}");
    assert!(!page.contains("http") && !page.contains("<script") && page.matches("<img").count() == 2);
    for (picture, width) in [("precision-recall.png", 960), ("worst-photos.png", 648)] {
        assert_eq!(image::open(bench.path("report").join(picture)).unwrap().width(), width, "{picture}");
    }
    let numbers: Value =
        serde_json::from_slice(&fs::read(bench.path("report/evaluation.json")).unwrap()).unwrap();
    assert_eq!(numbers["photos"][0]["image_id"], 7);
}

#[test]
fn runs_are_compared_in_numbers_and_curves() {
    let bench = Bench::new();
    for (name, rate, losses) in [("a", "0.1", [4.0, 3.0]), ("b", "0.2", [4.0, 2.0])] {
        fs::create_dir(bench.path(name)).unwrap();
        fs::write(bench.path(name).join("run.json"), format!("{{\"rate\": {rate}, \"seed\": 1}}")).unwrap();
        let lines = losses.iter().zip(1..).map(|(loss, step)| {
            let line = json!({"step": step, "steps": 5, "epoch": 0.5, "loss": loss, "learning_rate": 1e-4});
            format!("{line}\n")
        });
        fs::write(bench.path(name).join("metrics.jsonl"), lines.collect::<String>()).unwrap();
    }
    let output = bench.run(["compare", "a", "b", "--out", "side-by-side"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    let row = |name: &str| -> Vec<String> {
        let line = table.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{table}"));
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
    };
    assert_eq!(row("steps"), ["steps", "2 of 5", "2 of 5"]);
    assert_eq!(row("loss"), ["loss", "3.0000", "2.0000"]);
    assert_eq!(row("rate"), ["rate", "0.1", "0.2"]);
    assert!(!table.contains("seed"), "options that agree are not told: {table}");
    let page = fs::read_to_string(bench.path("side-by-side/compare.html")).unwrap();
    assert!(page.contains("<td>2.0000</td>") && page.contains("data:image/png") && !page.contains("http"));
    assert_eq!(image::open(bench.path("side-by-side/loss.png")).unwrap().width(), 960);

    let output = bench.run(["compare", "a", "weights"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("run.json"), "{}", stderr(&output));
}

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
    assert!(String::from_utf8(output.stdout).unwrap().contains("6 to be judged on (1 skipped)"));
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

#[test]
fn each_way_of_selecting_keeps_its_promise() {
    let bench = Bench::new();
    bench.photo("photo.png", 90, 61);
    let found = |rule: &str| -> Vec<Value> {
        let arguments = ["predict", "photo.png", "--weights", "weights", "--device", "cpu", "--json"];
        let output = bench.run(arguments.into_iter().chain(["--score-thresh", "0", "--select", rule]));
        assert!(output.status.success(), "{}", stderr(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let areas = |rows: &[Value]| -> u64 {
        let counts = rows.iter().map(|row| row["segmentation"]["counts"].as_str().unwrap());
        counts.map(|counts| Rle::from_coco_string([61, 90], counts).unwrap().area()).sum()
    };
    for rule in ["instance", "panoptic"] {
        assert!(areas(&found(rule)) <= 61 * 90, "{rule}: a pixel belongs to one object");
    }
    assert!(found("pairs").len() > found("distinct").len(), "a query comes with every class");
}

#[test]
fn what_is_pointed_at_is_found() {
    let bench = Bench::dense();
    bench.photo("photo.png", 128, 96);
    let predict = |more: &[&str]| {
        let arguments = ["predict", "photo.png", "--weights", "weights", "--device", "cpu", "--json"];
        bench.run(arguments.into_iter().chain(more.iter().copied()))
    };
    let mask = |more: &[&str]| {
        let output = predict(more);
        assert!(output.status.success(), "{}", stderr(&output));
        let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(rows.len(), 1);
        let counts = rows[0]["segmentation"]["counts"].as_str().unwrap();
        Rle::from_coco_string([96, 128], counts).unwrap().to_mask().unwrap()
    };
    // A quarter of the photo's longer side in every direction.
    let disc = mask(&["--point", "48,48"]);
    assert!(disc.get(48, 48) && disc.get(48 - 24, 48) && disc.get(48, 48 + 24), "{:?}", disc.bbox());
    assert!(!disc.get(48 + 42, 48) && !disc.get(100, 90));
    let two = mask(&["--point", "30,30", "--point", "100,60", "--point", "80,45,-"]);
    assert!(two.get(30, 30) && two.get(100, 60) && !two.get(80, 45));
    let boxed = mask(&["--box", "20,30,60,50"]);
    assert!(boxed.get(40, 40) && boxed.bbox()[0] >= 20 && boxed.bbox()[3] <= 20, "{:?}", boxed.bbox());

    let output = predict(&["--point", "128,0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("128, 0 lies outside the photo, which has 128 × 96"));
    assert_eq!(predict(&["--point", "5,5,-"]).status.code(), Some(1));
    for wrong in [&["--point", "5"][..], &["--box", "5,5,5,9"], &["--point", "1,1", "--select", "pairs"]] {
        assert_eq!(predict(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn clicks_on_the_objects_are_measured() {
    let bench = Bench::dense();
    bench.annotated();
    let evaluate = |more: &[&str]| {
        let arguments = ["eval", "--weights", "weights", "--annotations", "a.json", "--images", "."];
        let output = bench.run(arguments.into_iter().chain(["--device", "cpu"]).chain(more.iter().copied()));
        assert!(output.status.success(), "{}", stderr(&output));
        output.stdout
    };
    let report: Value = serde_json::from_slice(&evaluate(&["--clicks", "2", "--json"])).unwrap();
    let clicks = report["clicks"].as_array().unwrap();
    assert_eq!([&clicks[0]["clicks"], &clicks[1]["clicks"]], [&json!(1), &json!(2)]);
    for of_count in clicks {
        assert_eq!(of_count["objects"], 1);
        assert!(of_count["mIoU"].as_f64().unwrap() > 0.3, "a disc in a rectangle: {of_count}");
        assert_eq!(of_count["mIoU"], of_count["mIoU_small"]);
        assert!(of_count["mIoU_large"].is_null());
    }
    let text = String::from_utf8(evaluate(&["--clicks", "1"])).unwrap();
    assert!(text.lines().any(|line| line.starts_with("1 click ") && line.contains("mIoU")), "{text}");
    assert!(!String::from_utf8(evaluate(&[])).unwrap().contains("mIoU"));
}

#[test]
fn photos_are_prepared_as_the_weights_say_or_the_refusal_says_why() {
    let bench = Bench::new();
    bench.photo("photo.png", 90, 61);
    let statistics = json!({"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]});
    let write = |keys: Value| {
        let mut file = statistics.clone();
        file.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        fs::write(bench.path("weights/preprocessor_config.json"), file.to_string()).unwrap();
    };
    let sizes = [
        json!({"size": {"shortest_edge": 64, "longest_edge": 64}, "do_pad": true}),
        json!({"size": {"shortest_edge": 40, "longest_edge": 100}, "image_processor_type": "EomtImageProcessor"}),
        json!({"size": {"height": 48, "width": 80}}),
        json!({"size": 30}),
    ];
    for size in sizes {
        write(size.clone());
        let found = bench.found("photo.png");
        assert!(!found.is_empty(), "{size}");
        assert!(found.iter().all(|row| row["segmentation"]["size"] == json!([61, 90])), "{size}");
    }
    let arguments =
        ["predict", "photo.png", "--weights", "weights", "--device", "cpu", "--json", "--image-size"];
    let at = |side: &str| bench.run(arguments.into_iter().chain([side, "--score-thresh", "0"]));
    let (small, large) = (at("32"), at("200"));
    assert!(small.status.success() && large.status.success(), "{}", stderr(&large));
    assert_ne!(small.stdout, large.stdout, "another resolution, other masks");
    assert_eq!(at("5").status.code(), Some(2));
    write(json!({"size": 64, "do_split_image": true}));
    assert!(bench.complaint("photo.png").contains("do_split_image"));
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A bitmap whose header promises another size.
fn announced_as(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut bytes, ImageFormat::Bmp).unwrap();
    let mut bytes = bytes.into_inner();
    bytes[18..22].copy_from_slice(&width.to_le_bytes());
    bytes[22..26].copy_from_slice(&height.to_le_bytes());
    bytes
}

#[test]
fn a_recipe_is_followed_where_the_command_line_says_nothing_else() {
    let bench = Bench::new();
    fs::create_dir(bench.path("photos")).unwrap();
    for name in ["photos/a.png", "photos/b.png"] {
        bench.photo(name, 40, 40);
    }
    let recipe = "[pretrain]\ndata = ['photos']\nimage-size = 32\nbatch-size = 2\nepochs = 9\ndecoder-dim = 32\n\
                  decoder-depth = 1\nmask-sampling = 'block'\naccumulate = 2\nclip-norm = 1.0\n";
    fs::write(bench.path("recipe.toml"), recipe).unwrap();
    let line = ["pretrain", "--recipe", "recipe.toml", "--epochs", "1", "--out", "run", "--device", "cpu"];
    let output = bench.run(line);
    assert!(output.status.success(), "{}", stderr(&output));
    let asked: Value = serde_json::from_slice(&fs::read(bench.path("run/run.json")).unwrap()).unwrap();
    assert_eq!((&asked["epochs"], &asked["mask_sampling"]), (&json!(1), &json!("block")));
    assert_eq!(asked["accumulate"], 2);
    let step = fs::read_to_string(bench.path("run/metrics.jsonl")).unwrap();
    let step: Value = serde_json::from_str(step.trim()).unwrap();
    assert!(step["gradient_norm"].as_f64().unwrap() > 0.0);

    fs::write(bench.path("recipe.toml"), "[pretrain]\nepoch = 9\n").unwrap();
    let output = bench.run(line);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("`epoch`, which is no flag"), "{}", stderr(&output));
}

/// Fine-tuning of `a.json` into `out`, one step.
fn fine_tuned<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let data = ["finetune", "--train", "a.json", "--images", ".", "--out", out];
    let small =
        ["--image-size", "32", "--device", "cpu", "--batch-size", "1", "--queries", "2", "--points", "16"];
    data.into_iter().chain(small).chain(["--steps", "1"]).chain(more.iter().copied()).collect()
}

#[test]
fn a_run_goes_on_from_what_it_began_with() {
    let bench = Bench::new();
    bench.annotated();
    assert!(bench.run(fine_tuned("seg", &[])).status.success());
    assert!(bench.run(fine_tuned("seg", &["--val", "a.json"])).status.success(), "judged from now on");
    let output = bench.run(fine_tuned("seg", &["--val", "a.json", "--validate-every", "7"]));
    assert!(stderr(&output).contains("data.validation"), "{}", stderr(&output));
    for (other, told) in [(["--model", "small"], "tiny from scratch"), (["--encoder", "weights"], "weights")]
    {
        let output = bench.run(fine_tuned("seg", &other));
        assert_eq!(output.status.code(), Some(1));
        assert!(
            stderr(&output).contains("data.encoder") && stderr(&output).contains(told),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn a_whole_model_without_laterals_may_be_frozen_with_views() {
    let bench = Bench::new();
    bench.annotated();
    let frozen = ["--encoder", "weights", "--whole", "--tune", "frozen", "--views", "1"];
    let output = bench.run(fine_tuned("seg", &frozen));
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn numbers_without_a_meaning_are_refused() {
    let bench = Bench::new();
    bench.annotated();
    for wrong in ["NaN", "inf", "-1", "1e99", "1"].map(|weight| format!("--teacher-coefficient={weight}")) {
        let output = bench.run(fine_tuned("seg", &[wrong.as_str()]));
        assert_eq!(output.status.code(), Some(2), "{wrong}: out of its range, or without a teacher");
    }
    for wrong in ["--lr=-1", "--weight-decay=nan", "--colour=9", "--layer-decay=-1", "--anneal-masks=0.5-0.1"]
    {
        assert_eq!(bench.run(fine_tuned("seg", &[wrong])).status.code(), Some(2), "{wrong}");
    }
    for wrong in [
        "--average=1",
        "--clip-norm=0",
        "--drop-path=1",
        "--image-size=0",
        "--teacher-coefficient=nan",
        "--accumulate=3",
    ] {
        assert_eq!(bench.run(fine_tuned("seg", &[wrong])).status.code(), Some(2), "{wrong}");
    }
    for wrong in [
        "--mask-ratio=1.5",
        "--patch-size=0",
        "--image-size=40 --patch-size=16",
        "--decoder-dim=0",
        "--batch-size=7 --accumulate=2",
    ] {
        let line = ["pretrain", "--data", ".", "--out", "seg"].into_iter().chain(wrong.split(' '));
        let output = bench.run(line);
        assert_eq!(output.status.code(), Some(2), "{wrong}: {}", stderr(&output));
    }
    assert!(!bench.path("seg").exists(), "nothing was begun");
    for wrong in ["--min-crop=nan", "--min-crop=2", "--warmup-epochs=nan", "--temperature=0", "--base-lr=-1"]
    {
        let line = ["contrast", "--data", "a.png", "--out", "seg", wrong];
        assert_eq!(bench.run(line).status.code(), Some(2), "{wrong}");
    }
    let alone = ["contrast", "--data", "a.png", "--out", "seg", "--batch-size", "1", "--device", "cpu"];
    let output = bench.run(alone);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("contrast needs --batch-size 2"), "{}", stderr(&output));
}

#[test]
fn a_photo_to_judge_by_that_cannot_be_used_is_left_out_or_stops_the_run() {
    let bench = Bench::new();
    bench.annotated();
    fs::write(bench.path("b.png"), []).unwrap();
    let mut both: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    let mut broken = both["images"][0].clone();
    (broken["id"], broken["file_name"]) = (json!(70_000), json!("b.png"));
    both["images"].as_array_mut().unwrap().push(broken);
    fs::write(bench.path("b.json"), both.to_string()).unwrap();
    let judged = ["--val", "b.json", "--validate-every", "1"];
    let output = bench.run(fine_tuned("seg", &judged));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("b.png"), "{}", stderr(&output));
    assert!(bench.path("seg/best").is_dir());
    let output = bench.run(fine_tuned("strict", &[&judged[..], &["--damaged", "stop"]].concat()));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("b.png"), "{}", stderr(&output));
}

#[test]
fn fine_tuning_starts_from_an_encoder_that_learned_by_contrast() {
    let bench = Bench::new();
    bench.annotated();
    let small = ["--image-size", "32", "--batch-size", "2", "--device", "cpu"];
    let contrast = ["contrast", "--data", "a.png", "a.png", "--out", "contrast", "--epochs", "2"];
    let output = bench.run(contrast.into_iter().chain(small));
    assert!(output.status.success(), "{}", stderr(&output));
    fs::write(bench.path("cut.tar"), [7; 600]).unwrap();
    let damaged = ["contrast", "--data", "a.png", "a.png", "cut.tar", "--out", "damaged", "--epochs", "1"];
    let output = bench.run(damaged.into_iter().chain(small));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cut.tar") && stderr(&output).contains("; 1 skipped"),
        "{}",
        stderr(&output)
    );
    let output = bench.run(damaged.into_iter().chain(small).chain(["--damaged", "stop"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("cut.tar"), "{}", stderr(&output));
    for line in [&["inspect", "contrast"][..], &["export", "contrast", "--out", "encoder"]] {
        let output = bench.run(line.iter().copied());
        assert!(output.status.success(), "what only contrast needs is no surprise: {}", stderr(&output));
        assert!(!stderr(&output).contains("projector"), "{}", stderr(&output));
    }
    let finetune =
        ["finetune", "--train", "a.json", "--images", ".", "--encoder", "contrast", "--out", "seg"];
    let tuned = ["--val", "a.json", "--steps", "1", "--queries", "2", "--points", "16"];
    let output = bench.run(finetune.into_iter().chain(tuned).chain(small));
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(bench.path("seg/best/model.safetensors").is_file());
    let output = bench.run(["export", "seg", "--out", "seg/checkpoint"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("belongs to a training run"), "{}", stderr(&output));
    let output = bench.run(["export", "seg", "--out", "out", "--score-thresh", "0.2"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let manifest: Value =
        serde_json::from_slice(&fs::read(bench.path("out/manifest.json")).unwrap()).unwrap();
    assert!((manifest["threshold"].as_f64().unwrap() - 0.2).abs() < 1e-6, "{manifest}");
    let output = bench.run([
        "contrast",
        "--data",
        "a.png",
        "--out",
        "other",
        "--accumulate",
        "2",
        "--batch-size",
        "2",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--grad-accumulation 1"), "{}", stderr(&output));
}

#[test]
fn the_role_of_pretraining_is_measured_and_told() {
    let bench = Bench::new();
    bench.annotated();
    let study =
        ["role", "--data", "a.png", "--train", "a.json", "--val", "a.json", "--images", ".", "--out", "role"];
    let size =
        ["--image-size", "32", "--decoder-dim", "32", "--decoder-depth", "1", "--queries", "2", "--top", "1"];
    let length =
        ["--epochs", "1", "--pretrain-batch-size", "1", "--steps", "1", "--batch-size", "1", "--seeds", "1"];
    let line = || study.into_iter().chain(size).chain(length).chain(["--device", "cpu"]);
    let mut cells = Vec::new();
    for encoder in ["from scratch", "contrast", "mask tokens", "MAE"] {
        for tuning in ["frozen", "last blocks", "full"] {
            cells.push(json!({"encoder": encoder, "tuning": tuning, "seed": 0, "ap": 0.1, "ap50": 0.25,
                "ar100": 0.5, "pretraining_seconds": 60.0, "finetuning_seconds": 60.0}));
        }
    }
    cells.retain(|cell| cell["encoder"] != "MAE" || cell["tuning"] != "frozen");
    fs::create_dir(bench.path("role")).unwrap();
    let options = json!({"data": ["a.png"], "train": "a.json", "val": "a.json", "images": ".", "model": "Tiny",
        "image_size": 32, "decoder_dim": 32, "decoder_depth": 1, "optimizer": "adamw", "epochs": 1, "pretrain_batch_size": 1,
        "pretrain_lr": 5e-4, "steps": 1, "batch_size": 1, "lr": 3e-4, "queries": 2, "top": 1});
    let results = json!({"options": options, "cells": cells});
    fs::write(bench.path("role/role.json"), results.to_string()).unwrap();
    let output = bench.run(line());
    assert!(output.status.success(), "{}", stderr(&output));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("| contrast | 10.0 | 25.0 | 10.0 | 25.0 | 10.0 | 25.0 | 1.0 | 1.0 |"), "{told}");
    assert!(told.contains("| MAE | ") && !told.contains("–"), "{told}");
    let results: Value = serde_json::from_slice(&fs::read(bench.path("role/role.json")).unwrap()).unwrap();
    assert_eq!(results["cells"].as_array().unwrap().len(), 12, "what was missing is measured");
    assert!(bench.path("role/MAE-frozen-0/checkpoint").is_dir() && !bench.path("role/contrast-0").exists());
    assert_eq!(image::open(bench.path("role/role.png")).unwrap().width(), 960);
    assert!(!stderr(&bench.run(line())).contains("step 1/1"), "and then not again");
    // Interrupted after training, before judging: the cost is that of the run, not of the last start.
    for run in ["MAE-0", "MAE-frozen-0"] {
        fs::write(bench.path(&format!("role/{run}/seconds")), "90").unwrap();
    }
    let judged = results["cells"].as_array().unwrap()[..11].to_vec();
    let results = json!({"options": options, "cells": judged});
    fs::write(bench.path("role/role.json"), results.to_string()).unwrap();
    assert!(bench.run(line()).status.success());
    let results: Value = serde_json::from_slice(&fs::read(bench.path("role/role.json")).unwrap()).unwrap();
    let cost = ["pretraining_seconds", "finetuning_seconds"].map(|cost| results["cells"][11][cost].as_f64());
    assert_eq!(cost, [Some(90.0); 2]);
    let other = bench.run(line().chain(["--lr", "1e-3"]));
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("other options"), "{}", stderr(&other));
}

#[test]
fn fine_tuning_goes_on_from_a_whole_segmenter() {
    let bench = Bench::new();
    bench.annotated();
    let line = |from: &'static str, out: &'static str, labels: &'static str| {
        let start = ["finetune", "--train", "a.json", "--images", ".", "--encoder", from, "--out", out];
        let how = ["--labels", labels, "--lr", "0", "--steps", "1", "--points", "16", "--batch-size", "1"];
        let whole = ["--whole", "--average", "0", "--image-size", "32", "--device", "cpu"];
        bench.run(start.into_iter().chain(how).chain(whole))
    };
    let output = line("weights", "seg", "object");
    assert!(output.status.success(), "{}", stderr(&output));
    let weights = |path: &str| fs::read(bench.path(path).join("model.safetensors")).unwrap();
    let read = |bytes: &[u8], name: &str| {
        safetensors::SafeTensors::deserialize(bytes).unwrap().tensor(name).unwrap().data().to_vec()
    };
    let (before, after) = (weights("weights"), weights("seg/checkpoint"));
    for name in ["query.weight", "mask_head.fc1.weight", "layernorm.weight"] {
        assert_eq!(read(&before, name), read(&after, name), "{name} is where it was");
    }
    let classes = |bytes: &[u8]| read(bytes, "class_predictor.bias").len() / 4;
    assert_eq!((classes(&before), classes(&after)), (3, 2), "one label in place of two");
    let output = line("seg", "again", "object");
    assert!(output.status.success(), "{}", stderr(&output));
    let name = "class_predictor.weight";
    assert_eq!(read(&weights("again/checkpoint"), name), read(&after, name), "known labels are kept");
    let zoom = ["finetune", "--train", "a.json", "--images", ".", "--out", "none", "--min-zoom", "3"];
    let refusal = stderr(&bench.run(zoom));
    assert!(refusal.contains("--min-scale 3 is above --max-scale 1.75"), "{refusal}");
}

#[test]
fn pretraining_begins_with_the_encoder_it_is_given() {
    let bench = Bench::new();
    fs::create_dir(bench.path("photos")).unwrap();
    bench.photo("photos/a.png", 48, 40);
    let pretrain = |more: &str| {
        let sizes = "pretrain --data photos --device cpu --epochs 1 --batch-size 1 --decoder-dim 16 --decoder-depth 1";
        let output = bench.run(sizes.split(' ').chain(more.split(' ')));
        assert!(output.status.success(), "{}", stderr(&output));
    };
    let weights = |run: &str| -> BTreeMap<String, Vec<f32>> {
        let bytes = fs::read(bench.path(run).join("checkpoint/model.safetensors")).unwrap();
        let tensors = read_safetensors("model.safetensors", &bytes).unwrap();
        tensors.into_iter().map(|(name, tensor)| (name, tensor.values)).collect()
    };
    pretrain("--image-size 32 --out first");
    // So slow that no weight changes by what 32 bits can tell.
    let still = "--base-lr 1e-30 --warmup-epochs 0 --weight-decay 0 --seed 1";
    pretrain(&format!("{still} --image-size 32 --encoder first --out same"));
    pretrain(&format!("{still} --image-size 32 --out fresh"));
    pretrain(&format!("{still} --image-size 64 --encoder first --out larger"));
    // A segmenter's encoder has layer scale, which a masked autoencoder has not.
    pretrain("--image-size 32 --encoder weights --out scaled");
    let [first, same, fresh, larger] = ["first", "same", "fresh", "larger"].map(weights);
    let (blocks, decoder): (Vec<&String>, Vec<&String>) =
        first.keys().filter(|name| name.ends_with("dense.weight")).partition(|name| name.starts_with("vit."));
    assert!(blocks.len() >= 24 && !decoder.is_empty(), "{:?}", first.keys());
    for name in blocks {
        assert!(
            first[name] == same[name] && first[name] == larger[name] && first[name] != fresh[name],
            "{name}"
        );
    }
    assert!(decoder.iter().all(|name| first[*name] != same[*name]));
}
