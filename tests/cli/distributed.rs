//! Several processes against one: the same photos in every step, and thus the same losses. `cargo test
//! --features mpi --test cli distributed`; needs `mpirun`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

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

/// Returns `mpirun` with the arguments, those of the program after [`PROGRAM`].
fn mpi(arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("mpirun");
    let variables = ["OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "OMP_NUM_THREADS"];
    command.args(arguments).envs(variables.map(|variable| (variable, "1"))).current_dir(folder);
    command
}

fn mpirun(processes: usize, arguments: &[&str], folder: &Path) -> Output {
    let processes = processes.to_string();
    let start = ["--oversubscribe", "-np", &processes, PROGRAM];
    mpi(&[&start[..], arguments].concat(), folder).output().unwrap()
}

fn losses(run: &Path) -> Vec<(f64, f64)> {
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    // The last line of a run that was killed may be incomplete.
    let lines = lines.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let step = |line: &str| {
        let step: Value = serde_json::from_str(line).unwrap();
        (step["loss"].as_f64().unwrap(), step["gradient_norm"].as_f64().unwrap())
    };
    lines.map(step).collect()
}

fn same_with_two_processes(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    for (processes, out) in [(1, "one"), (2, "two")] {
        let output = mpirun(processes, &[arguments, &["--out", out]].concat(), folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_same(folder.path());
}

/// Asserts that runs `one` and `two` have the same losses.
fn assert_same(folder: &Path) {
    let (one, two) = (losses(&folder.join("one")), losses(&folder.join("two")));
    assert_eq!(one.len(), two.len());
    assert!(one.len() >= 4, "{one:?}");
    for (step, (one, two)) in one.iter().zip(&two).enumerate() {
        let apart = |one: f64, two: f64| (one - two).abs() / one.abs();
        assert!(apart(one.0, two.0) <= 1e-5, "loss of step {step}: {one:?} {two:?}");
        assert!(apart(one.1, two.1) <= 1e-4, "gradients of step {step}: {one:?} {two:?}");
    }
}

/// The least that can be pretrained, four photos a step.
const PRETRAIN: [&str; 15] = [
    "pretrain",
    "--image-size",
    "32",
    "--patch-size",
    "16",
    "--decoder-dim",
    "32",
    "--decoder-depth",
    "1",
    "--data",
    "photos",
    "--device",
    "cpu",
    "--batch-size",
    "4",
];

#[test]
fn two_processes_pretrain_as_one_with_all_the_photos() {
    same_with_two_processes(&[&PRETRAIN[..], &["--epochs", "3", "--warmup-epochs", "1"]].concat());
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

#[test]
fn a_process_with_other_options_stops_all() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    let run = |rate| {
        [&["-np", "1", PROGRAM][..], &PRETRAIN, &["--base-lr", rate, "--epochs", "8", "--out", "run"]]
            .concat()
    };
    let started = Instant::now();
    let both = [&["--oversubscribe"][..], &run("1e-3"), &[":"], &run("2e-3")].concat();
    let output = mpi(&both, folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && started.elapsed() < Duration::from_secs(60), "{said}");
    assert!(said.contains("base_learning_rate"), "{said}");
}

#[test]
fn when_one_of_four_is_killed_the_rest_stop_and_fewer_go_on() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    let out = folder.path().join("two");
    let run = |out| {
        [&PRETRAIN[..], &["--epochs", "8", "--warmup-epochs", "1", "--save-every", "1", "--out", out]]
            .concat()
    };
    assert!(mpirun(1, &run("one"), folder.path()).status.success());

    let start = ["--oversubscribe", "-np", "4", PROGRAM];
    let mut four = mpi(&[&start[..], &run(out.to_str().unwrap())].concat(), folder.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !out.join("checkpoint").exists() {
        assert!(four.try_wait().unwrap().is_none(), "the run ended before its first checkpoint");
        sleep(Duration::from_millis(20));
    }
    // The newest process with this output folder: not mpirun, which started it.
    let line = format!("pretrain .*{}", out.display());
    assert!(Command::new("pkill").args(["-KILL", "-n", "-f", &line]).status().unwrap().success());
    let killed = Instant::now();
    assert!(!four.wait().unwrap().success() && killed.elapsed() < Duration::from_secs(60));
    assert!(losses(&out).len() < 16);

    let output = mpirun(2, &run(out.to_str().unwrap()), folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(folder.path());
}

/// Two network namespaces with a cable between them: machines with addresses and names of their own.
struct Machines;

impl Machines {
    fn start(folder: &Path) -> Self {
        let machines = Self;
        machines.sh("ip link add mae-a type veth peer name mae-b");
        for (name, address) in [("mae-a", "10.77.0.1/24"), ("mae-b", "10.77.0.2/24")] {
            machines.sh(&format!("ip netns add {name} && ip link set {name} netns {name}"));
            machines
                .sh(&format!("ip -n {name} addr add {address} dev {name} && ip -n {name} link set lo up"));
            machines.sh(&format!("ip -n {name} link set {name} up"));
        }
        let login = "#!/bin/sh\nshift\nexec ip netns exec mae-b unshare --uts sh -c \"hostname mae-b; $*\"\n";
        fs::write(folder.join("login"), login).unwrap();
        machines.sh(&format!("chmod +x {}", folder.join("login").display()));
        machines
    }

    fn sh(&self, line: &str) {
        assert!(Command::new("sh").args(["-c", line]).status().unwrap().success(), "{line}");
    }
}

impl Drop for Machines {
    fn drop(&mut self) {
        ["mae-a", "mae-b"].iter().for_each(|name| self.sh(&format!("ip netns del {name}")));
    }
}

#[test]
#[ignore = "needs root, for network namespaces"]
fn two_machines_pretrain_as_one() {
    let folder = tempfile::tempdir().unwrap();
    photos(&folder.path().join("photos"));
    let run = |out| [&PRETRAIN[..], &["--epochs", "3", "--warmup-epochs", "1", "--out", out]].concat();
    assert!(mpirun(1, &run("one"), folder.path()).status.success());

    let _machines = Machines::start(folder.path());
    let login = folder.path().join("login");
    let wires =
        "--mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24";
    let start =
        ["--host", "10.77.0.1:1,10.77.0.2:1", "-np", "2", "--mca", "plm_rsh_agent", login.to_str().unwrap()];
    let wires: Vec<_> = wires.split_whitespace().collect();
    let arguments = [&start[..], &wires, &[PROGRAM], &run("two")].concat();
    let mpirun = mpi(&arguments, folder.path());
    let mut first = Command::new("ip");
    first.args(["netns", "exec", "mae-a", "mpirun"]).args(mpirun.get_args()).current_dir(folder.path());
    first.envs(mpirun.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = first.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_same(folder.path());
}
