//! `eval`, by numbers and by the files it writes.

use std::fs;

use serde_json::{Value, json};

use super::bench::{Bench, stderr};

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
        told.contains("using 1 photo with 1 object; left out 1 result of a category that is not listed"),
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
