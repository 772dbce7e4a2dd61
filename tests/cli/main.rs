//! The built binary on real files: what it prints, writes and returns.
#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod checkpoints;
mod compare;
#[cfg(feature = "mpi")]
mod distributed;
mod eval;
#[cfg(unix)]
mod interrupted;
mod predict;
mod probe;
mod train;
mod weights;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use bench::{Bench, fine_tuned, stderr};

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
fn help_is_as_in_the_files_of_help() {
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
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/help/{name}.txt"));
        if std::env::var_os("UPDATE_HELP").is_some() {
            fs::write(&path, &output.stdout).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), written, "{name}: see UPDATE_HELP above");
    }
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
    assert!(stderr(&output).contains("`epoch`, which is not a flag"), "{}", stderr(&output));
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
