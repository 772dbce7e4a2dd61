//! What `predict` prints and writes, of photos of every kind.

use std::fs;
use std::fs::File;
use std::path::PathBuf;

use image::{ImageFormat, Rgb, RgbImage};
use mae_seg::mask::Rle;
use serde_json::{Value, json};

use super::bench::{Bench, fixture, stderr};

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
    let complaint = bench.complaint("huge.bmp");
    assert!(complaint.contains("12000 × 9000 = 108 megapixels; the limit is 64"), "{complaint}");
    assert!(complaint.contains("--max-megapixels 108"), "{complaint}");
    let arguments =
        ["predict", "huge.bmp", "--weights", "weights", "--device", "cpu", "--max-megapixels", "108"];
    let output = bench.run(arguments);
    assert!(stderr(&output).contains("huge.bmp: the BMP file is cut off"), "{}", stderr(&output));

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

/// A bitmap whose header promises another size.
fn announced_as(width: i32, height: i32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut bytes, ImageFormat::Bmp).unwrap();
    let mut bytes = bytes.into_inner();
    bytes[18..22].copy_from_slice(&width.to_le_bytes());
    bytes[22..26].copy_from_slice(&height.to_le_bytes());
    bytes
}
