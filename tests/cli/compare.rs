//! `compare`, reports, and the study of pretraining.

use std::fs;

use serde_json::{Value, json};

use super::bench::{Bench, stderr};

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
