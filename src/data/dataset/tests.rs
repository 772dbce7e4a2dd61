//! Samples of a small, hand-made set.

use std::fs;

use image::{Rgb, Rgba};

use super::*;
use crate::data::features::write_ramp;
use crate::data::order::shuffled;
use crate::mask::BinaryMask;
use crate::pixels::{Preprocess, prepare};

const SIDE: usize = 20;

/// Photo 0 has every object labelled, and a crowd; photo 1 has only its cats (category 17) labelled.
const ANNOTATIONS: &str = r#"{
  "images": [{"id": 1, "file_name": "images/a.png", "width": 40, "height": 20},
             {"id": 2, "file_name": "b.png", "width": 30, "height": 60, "exhaustive": false,
              "labelled_category_ids": [17]}],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 17, "segmentation": [[10, 4, 30, 4, 30, 16, 10, 16]]},
    {"id": 2, "image_id": 1, "category_id": 3, "segmentation": [[32, 0, 40, 0, 40, 20, 32, 20]]},
    {"id": 3, "image_id": 1, "category_id": 17, "iscrowd": 1,
     "segmentation": {"size": [20, 40], "counts": [0, 160, 640]}},
    {"id": 4, "image_id": 2, "category_id": 17, "segmentation": [[3, 6, 24, 6, 24, 30, 3, 30]]}],
  "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"},
                 {"id": 17, "name": "cat", "supercategory": "animal"}]}"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let busy = |x: u32, y: u32| Rgb([(x * 6) as u8, (y * 4) as u8, (x * y) as u8]);
    image::RgbImage::from_fn(40, 20, busy).save(path("a.png")).unwrap();
    image::RgbImage::from_fn(30, 60, busy).save(path("b.png")).unwrap();
    fs::write(path("train.json"), ANNOTATIONS).unwrap();
    let round = |x: u32, y: u32| {
        let inside = (x as i32 - 15).pow(2) + (y as i32 - 10).pow(2) < 80;
        Rgba([200, 10, 10, if inside { 255 } else { 0 }])
    };
    image::RgbaImage::from_fn(30, 20, round).save(path("stamp.png")).unwrap();
    fs::write(path("cutouts.json"), r#"[{"file": "stamp.png", "category": "anchor"}]"#).unwrap();
    dir
}

fn open_with(dir: &Path, damaged: Damaged) -> Result<SegmentationSet, DataError> {
    SegmentationSet::open(&dir.join("train.json"), dir, LabelSpace::Supercategory, Some(dir), damaged)
}

fn open(dir: &Path) -> Result<SegmentationSet, DataError> {
    open_with(dir, Damaged::Stop)
}

type Harm = fn(&Path) -> std::io::Result<()>;

/// Options whose canvas is large enough that small objects are kept.
fn training() -> AugmentOptions {
    AugmentOptions { image_size: 64, ..AugmentOptions::default() }
}

#[test]
fn without_augmentation_a_photo_looks_as_in_inference() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    for (index, name) in ["a.png", "b.png"].into_iter().enumerate() {
        let sample = set.sample(index, &AugmentOptions::none(SIDE), 0, 0).unwrap();
        let photo = RgbImage::decode(&fs::read(dir.path().join(name)).unwrap()).unwrap();
        let (pixels, _) = prepare(&photo, &Preprocess::square(SIDE));
        assert_eq!(sample.pixels, pixels, "{name}");
    }
}

#[test]
fn masks_labels_and_crowds_land_on_the_canvas() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    assert_eq!(set.labels(), ["vehicle", "animal"]);
    let sample = set.sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap();
    assert_eq!(sample.labels, [Some(1), Some(0)]);
    assert_eq!(
        sample.masks[0],
        BinaryMask::from_fn(SIDE, SIDE, |x, y| (5..15).contains(&x) && (2..8).contains(&y))
    );
    assert_eq!(sample.masks[1].bbox(), [16, 0, 4, 10]);
    assert_eq!(sample.ignore, BinaryMask::from_fn(SIDE, SIDE, |x, y| x < 4 && y < 10));
}

#[test]
fn a_score_is_how_likely_an_object_is_there() {
    let dir = folder();
    let certain = open(dir.path()).unwrap().fingerprint();
    let scored = ANNOTATIONS.replace(r#""id": 2, "image_id": 1"#, r#""id": 2, "image_id": 1, "score": 0.5"#);
    fs::write(dir.path().join("train.json"), scored).unwrap();
    let set = open(dir.path()).unwrap();
    assert_eq!(set.sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap().confidences, [1.0, 0.5]);
    assert_ne!(set.fingerprint(), certain);
}

#[test]
fn a_teachers_features_lie_under_the_patches() {
    let dir = folder();
    let path = dir.path().join("features.safetensors");
    let taught = |photos: &[&str]| {
        write_ramp(&path, photos);
        open(dir.path()).unwrap().taught_by(TeacherFeatures::open(&path).unwrap(), SIDE / 2)
    };
    let error = taught(&["a.png"]).unwrap_err().to_string();
    assert!(error.contains("b.png"), "{error}");
    let set = taught(&["a.png", "b.png"]).unwrap();
    let sample = set.sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap();
    assert_eq!(sample.features, [0.5, 0.5, 2.5, 0.5, 0.5, 1.0, 2.5, 1.0], "edges go on");
    assert_eq!(sample.photo, BinaryMask::from_fn(SIDE, SIDE, |_, y| y < SIDE / 2));
    let untaught = open(dir.path()).unwrap().sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap();
    assert_eq!(SegmentationSample { features: Vec::new(), ..sample }, untaught);
}

#[test]
fn what_is_not_labelled_in_a_partly_labelled_photo_is_ignored() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    let sample = set.sample(1, &AugmentOptions::none(SIDE), 0, 0).unwrap();
    let cat = |x: usize, y: usize| (1..8).contains(&x) && (2..10).contains(&y);
    assert_eq!(sample.masks, [BinaryMask::from_fn(SIDE, SIDE, cat)]);
    assert_eq!(sample.ignore, BinaryMask::from_fn(SIDE, SIDE, |x, y| x < 10 && !cat(x, y)));
}

#[test]
fn augmented_samples_keep_their_promises() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    let (mut unknown, mut mirrored_views) = (0, 0);
    for epoch in 0..100 {
        let sample = set.sample(0, &training(), 9, epoch).unwrap();
        assert_eq!(sample.labels.len(), sample.masks.len());
        assert!(sample.labels.iter().flatten().all(|&label| label < set.labels().len()));
        unknown += sample.labels.iter().filter(|label| label.is_none()).count();
        mirrored_views += usize::from(sample.ignore.bbox()[0] > 32);
        for (x, y) in (0..64 * 64).map(|i| (i % 64, i / 64)) {
            let owners = sample.masks.iter().filter(|mask| mask.get(x, y)).count();
            let claims = owners + usize::from(sample.ignore.get(x, y));
            assert!(claims <= 1, "epoch {epoch}: {claims} claims on ({x}, {y})");
        }
        assert!(sample.masks.iter().all(|mask| mask.area() >= 16), "epoch {epoch}");
        assert!(sample.pixels.iter().all(|value| value.is_finite() && value.abs() < 3.0), "epoch {epoch}");
    }
    assert!(unknown > 50, "cut-outs were pasted {unknown} times");
    assert!((10..90).contains(&mirrored_views), "the crowd was on the right {mirrored_views} times");
}

#[test]
fn a_sample_depends_on_seed_epoch_and_index_only() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    let visits: Vec<_> = (0..).zip(shuffled(40, 0, 0)).map(|(i, index)| (index, 2 + i / 20)).collect();
    let together = set.batch(&visits, &training(), 5).unwrap();
    for (sample, &(index, epoch)) in together.iter().zip(&visits) {
        assert_eq!(*sample, set.sample(index, &training(), 5, epoch).unwrap(), "sample {index}");
    }
    let sample = |index, seed, epoch| set.sample(index, &training(), seed, epoch).unwrap();
    assert_ne!(sample(0, 5, 2), sample(0, 5, 3));
    assert_ne!(sample(0, 5, 2), sample(0, 6, 2));
    assert_ne!(sample(0, 5, 2), sample(2, 5, 2), "the same photo under another index");
}

#[test]
fn problems_name_the_file_at_fault() {
    let cases: [(Harm, &[&str]); 5] = [
        (|dir| fs::remove_file(dir.join("b.png")), &["train.json", "b.png"]),
        (|dir| fs::remove_file(dir.join("cutouts.json")), &["cutouts.json"]),
        (|dir| fs::write(dir.join("cutouts.json"), "{}"), &["cutouts.json", "file"]),
        (|dir| fs::write(dir.join("train.json"), "{}"), &["train.json", "images"]),
        (
            |dir| fs::write(dir.join("train.json"), ANNOTATIONS.replace("[0, 160, 640]", "[0, 160]")),
            &["train.json", "annotation 3"],
        ),
    ];
    for (harm, expected) in cases {
        let dir = folder();
        harm(dir.path()).unwrap();
        let message = open(dir.path()).unwrap_err().to_string();
        assert!(expected.iter().all(|part| message.contains(part)), "{expected:?}: {message}");
    }
}

#[test]
fn photos_unfit_from_the_start_are_left_out_and_named() {
    let cases: [(Harm, [&str; 2]); 3] = [
        (|dir| fs::remove_file(dir.join("b.png")), ["b.png", "train.json"]),
        (
            |dir| {
                fs::write(
                    dir.join("train.json"),
                    ANNOTATIONS.replace(r#""category_id": 3"#, r##""category_id": "#3""##),
                )
            },
            ["a.png", "annotation 2"],
        ),
        (
            |dir| fs::write(dir.join("train.json"), ANNOTATIONS.replace("[0, 160, 640]", "[0, 160]")),
            ["a.png", "annotation 3"],
        ),
    ];
    for (harm, expected) in cases {
        let dir = folder();
        harm(dir.path()).unwrap();
        let set = open_with(dir.path(), Damaged::Skip).unwrap();
        assert_eq!((set.len(), set.cut().len()), (1, 1));
        assert!(expected.iter().all(|part| set.cut()[0].contains(part)), "{expected:?}: {:?}", set.cut());
    }
    let dir = folder();
    fs::remove_file(dir.path().join("a.png")).unwrap();
    fs::remove_file(dir.path().join("b.png")).unwrap();
    let message = open_with(dir.path(), Damaged::Skip).unwrap_err().to_string();
    assert!(message.contains("none of the 2 photos") && message.contains("a.png"), "{message}");
}

#[test]
fn objects_without_a_pixel_are_told() {
    let dir = folder();
    let flat = ANNOTATIONS.replace("32, 0, 40, 0, 40, 20, 32, 20", "32, 5, 40, 5, 32, 5");
    fs::write(dir.path().join("train.json"), flat).unwrap();
    let set = open(dir.path()).unwrap();
    assert_eq!(set.len(), 2);
    assert!(set.cut()[0].contains("annotation 2") && set.cut()[0].contains("a.png"), "{:?}", set.cut());
    assert_eq!(set.sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap().labels, [Some(1)]);
}

#[test]
fn crowds_and_categories_that_only_group_are_counted() {
    let dir = folder();
    let set = open(dir.path()).unwrap();
    assert_eq!((set.num_objects(), set.left_out().count(Reason::Crowd)), (3, 1));
    assert!(set.left_out().told().contains("annotation 3 (annotations[2])"), "{}", set.left_out().told());
    let crowds = ANNOTATIONS.replace("\"category_id\"", "\"iscrowd\": 1, \"category_id\"");
    let crowds = crowds.replace("17, \"iscrowd\": 1,", "17,");
    fs::write(dir.path().join("train.json"), crowds).unwrap();
    let error = open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("4 objects marked as crowds"), "{error}");

    let grouped =
        ANNOTATIONS.replace("\"animal\"", "\"things\"").replace("\"vehicle\"", "\"things\"").replace(
            "\"categories\": [",
            "\"categories\": [{\"id\": 0, \"name\": \"things\", \"supercategory\": \"none\"}, ",
        );
    fs::write(dir.path().join("train.json"), grouped).unwrap();
    let path = dir.path().join("train.json");
    let open = |space| SegmentationSet::open(&path, dir.path(), space, None, Damaged::Stop).unwrap();
    assert_eq!(open(LabelSpace::Category).labels(), ["car", "cat"]);
    let merged = open(LabelSpace::Supercategory);
    assert_eq!((merged.labels(), merged.num_categories()), (&["things".to_owned()][..], 2));
    assert_eq!(merged.left_out().count(Reason::RootCategory), 1);
}

#[test]
fn outlines_in_shares_of_the_photo_and_objects_without_one_are_refused() {
    let outline = "[[10, 4, 30, 4, 30, 16, 10, 16]]";
    for (other, told) in
        [("[[0.25, 0.2, 0.75, 0.2, 0.75, 0.8]]", "fractions of the photo"), ("[]", "no outline")]
    {
        let dir = folder();
        fs::write(dir.path().join("train.json"), ANNOTATIONS.replace(outline, other)).unwrap();
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("annotation 1 (annotations[0])") && error.contains(told), "{error}");
        let set = open_with(dir.path(), Damaged::Skip).unwrap();
        assert_eq!((set.len(), set.left_out().count(Reason::Unusable)), (1, 1));
    }
}

#[test]
fn a_size_that_is_not_told_is_the_photos() {
    let dir = folder();
    let told = open(dir.path()).unwrap();
    let untold = ANNOTATIONS
        .replace("\"width\": 40, \"height\": 20", "\"width\": -1")
        .replace("\"width\": 30", "\"width\": 30.0");
    fs::write(dir.path().join("train.json"), untold).unwrap();
    let set = open(dir.path()).unwrap();
    assert_eq!(set.fingerprint(), told.fingerprint());
    assert_eq!(set.left_out().count(Reason::NoSize), 1);
    fs::write(dir.path().join("a.png"), "no photo").unwrap();
    let error = open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("a.png"), "{error}");
}

#[test]
fn photos_without_an_object_are_left_out_where_asked() {
    let dir = folder();
    fs::write(
        dir.path().join("train.json"),
        ANNOTATIONS
            .replace("\"id\": 4, \"image_id\": 2", "\"id\": 4, \"image_id\": 1")
            .replace("3, 6, 24, 6, 24, 30, 3, 30", "3, 6, 24, 6, 24, 16"),
    )
    .unwrap();
    let set = open(dir.path()).unwrap();
    assert_eq!(set.len(), 2);
    let set = set.with_objects();
    assert_eq!((set.len(), set.left_out().count(Reason::Empty)), (1, 1));
}

#[test]
fn the_next_photo_takes_the_place_of_one_that_cannot_be_used() {
    let cases: [(Harm, &str); 3] = [
        (|dir| fs::remove_file(dir.join("a.png")), "a.png"),
        (|dir| fs::write(dir.join("a.png"), "no photo"), "a.png: this is not a photo"),
        (
            |dir| image::RgbImage::new(39, 20).save(dir.join("a.png")).map_err(std::io::Error::other),
            "a.png has 39×20 pixels, but its annotations were made for 40×20",
        ),
    ];
    let sample = |set: &SegmentationSet, index| set.sample(index, &AugmentOptions::none(SIDE), 0, 0);
    for (harm, expected) in cases {
        let dir = folder();
        let [strict, lenient] = [Damaged::Stop, Damaged::Skip].map(|d| open_with(dir.path(), d).unwrap());
        harm(dir.path()).unwrap();
        let error = sample(&strict, 0).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let (replaced, next) = (sample(&lenient, 0).unwrap(), sample(&lenient, 1).unwrap());
        assert_eq!(replaced.skipped, [error]);
        assert_eq!(SegmentationSample { skipped: Vec::new(), ..replaced }, next);
        fs::remove_file(dir.path().join("b.png")).unwrap();
        let error = sample(&lenient, 0).unwrap_err();
        assert!(matches!(error, DataError::NoReadablePhoto { tried: 2, .. }), "{error}");
    }
}

#[test]
fn objects_that_cannot_be_read_are_not_pasted() {
    let dir = folder();
    let [strict, lenient] = [Damaged::Stop, Damaged::Skip].map(|d| open_with(dir.path(), d).unwrap());
    fs::write(dir.path().join("b.png"), "no photo").unwrap();
    fs::write(dir.path().join("stamp.png"), "no photo").unwrap();
    let sample = |set: &SegmentationSet, epoch| set.sample(0, &training(), 9, epoch);
    let samples: Vec<_> = (0..30).map(|epoch| sample(&lenient, epoch).unwrap()).collect();
    let named = |file: &str| samples.iter().flat_map(|s| &s.skipped).any(|what| what.contains(file));
    assert_eq!(["a.png", "b.png", "stamp.png"].map(named), [false, true, true]);
    assert!(samples.iter().flat_map(|s| &s.labels).all(Option::is_some), "no cut-out is there");
    assert!((0..30).any(|epoch| sample(&strict, epoch).is_err()));
}

#[test]
fn other_pixels_under_the_same_names_make_another_set() {
    let dir = folder();
    let told = || {
        let set = open(dir.path()).unwrap();
        [set.fingerprint(), set.cutouts_fingerprint().unwrap()]
    };
    let before = told();
    assert_eq!(told(), before);
    for (place, name) in ["b.png", "stamp.png"].into_iter().enumerate() {
        let path = dir.path().join(name);
        let sound = fs::read(&path).unwrap();
        let mut other = sound.clone();
        *other.last_mut().unwrap() ^= 1;
        fs::write(&path, other).unwrap();
        let now = told();
        assert_eq!([0, 1].map(|at| now[at] == before[at]), [place != 0, place != 1], "{name}");
        fs::write(&path, sound).unwrap();
    }
}

#[test]
fn features_by_file_name_are_for_photos_with_different_ones() {
    let dir = folder();
    fs::create_dir(dir.path().join("other")).unwrap();
    fs::copy(dir.path().join("b.png"), dir.path().join("other/a.png")).unwrap();
    let text = ANNOTATIONS.replace("\"b.png\"", "\"other/a.png\"");
    fs::write(dir.path().join("train.json"), text).unwrap();
    let path = dir.path().join("features.safetensors");
    write_ramp(&path, &["a.png"]);
    let features = TeacherFeatures::open(&path).unwrap();
    let error = open(dir.path()).unwrap().taught_by(features, 8).unwrap_err().to_string();
    assert!(error.contains("two photos are called a.png"), "{error}");
}
