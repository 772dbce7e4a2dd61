//! Training that is killed, or whose disk is full, and resumed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const PHOTOS: u32 = 6;

/// Writes photos for pretraining.
fn photos() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("photos")).unwrap();
    for photo in 0..PHOTOS {
        let pixel = |x: u32, y: u32| Rgb([(x * 7 + photo * 40) as u8, (y * 5) as u8, (x * y + photo) as u8]);
        RgbImage::from_fn(40, 40, pixel).save(folder.path().join(format!("photos/{photo}.png"))).unwrap();
    }
    folder
}

/// Returns a pretraining command with output folder `out` that saves after each of its 12 steps.
fn pretraining(folder: &Path, out: &str, limit: &str) -> Command {
    pretraining_for(folder, out, limit, "--epochs 4 --save-every 1 --panel-every 5")
}

/// Returns a pretraining command of three steps an epoch.
fn pretraining_for(folder: &Path, out: &str, limit: &str, length: &str) -> Command {
    let line = format!(
        "trap '' XFSZ; {limit} exec \"$0\" pretrain --data photos --out {out} --image-size 32 --decoder-dim 32 \
         --decoder-depth 1 --batch-size 2 {length} --warmup-epochs 1 --average 0.9 --device cpu"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_mae-seg")]).current_dir(folder);
    // Simulates a machine without a GPU: no driver is found, and only the program itself chooses the device.
    let drivers =
        ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES", "LIBGL_DRIVERS_PATH"];
    command.envs(drivers.map(|variable| (variable, "/none"))).env_remove("BURN_DEVICE");
    // Without this, a build with MPI keeps shared memory in files, which the limit would cut short.
    command.env("PMIX_MCA_gds", "hash");
    command
}

/// Returns the loss of every step, as logged last.
fn losses(run: &Path) -> BTreeMap<u64, String> {
    let lines = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    // The last line of a run that goes on may be incomplete.
    let lines = lines
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["step"].as_u64().unwrap(), line["loss"].to_string())).collect()
}

#[test]
fn killed_at_any_moment_a_run_ends_as_if_it_had_not_been() {
    let folder = photos();
    let path = |name: &str| folder.path().join(name);
    assert!(pretraining(folder.path(), "whole", "").output().unwrap().status.success());

    let mut random = ChaCha8Rng::seed_from_u64(3);
    for kill in 0..8 {
        let mut quiet = pretraining(folder.path(), "killed", "");
        let mut child = quiet.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(random.random_range(100..1500)));
        child.kill().unwrap();
        child.wait().unwrap();
        if kill == 4 && path("killed/checkpoint").exists() {
            // As if it had been killed while the new checkpoint replaced the old one.
            fs::write(path("killed/checkpoint/on-its-way"), "").unwrap();
            fs::rename(path("killed/checkpoint"), path("killed/checkpoint.old")).unwrap();
        }
    }
    let output = pretraining(folder.path(), "killed", "").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    assert_eq!(losses(&path("killed")).len(), 12);
    assert_eq!(losses(&path("killed")), losses(&path("whole")));
    for file in ["model.safetensors", "unaveraged.safetensors"] {
        let [killed, whole] =
            ["killed", "whole"].map(|run| fs::read(path(run).join("checkpoint").join(file)).unwrap());
        assert!(killed == whole, "{file} differs");
    }
    assert!(!path("killed/checkpoint.old").exists() && !path("killed/checkpoint.new").exists());
}

#[test]
fn nobody_has_to_listen() {
    let folder = photos();
    let mut child = pretraining(folder.path(), "run", "").stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_full_disk_is_named_and_costs_nothing_that_was_saved() {
    let folder = photos();
    let path = |name: &str| folder.path().join(name);
    // No file may grow beyond one or two megabytes, which weights do.
    let full = || {
        let output = pretraining(folder.path(), "run", "ulimit -f 2048;").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        // MPI has files of its own under the limit, and may complain about them after us.
        let named = |line: &str| line.starts_with("error: `run/checkpoint.new/model.safetensors`: ");
        assert!(complaint.lines().any(named), "{complaint}");
    };
    full();
    assert!(!path("run/checkpoint").exists());

    let mut child = pretraining(folder.path(), "run", "").stderr(Stdio::null()).spawn().unwrap();
    while !path("run/checkpoint").exists() {
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let saved = || fs::read(path("run/checkpoint/progress.json")).unwrap();
    let before = saved();
    if losses(&path("run")).len() < 12 {
        full();
    }
    assert_eq!(saved(), before);
    assert!(pretraining(folder.path(), "run", "").output().unwrap().status.success());
    assert_eq!(losses(&path("run")).len(), 12);
}

#[test]
fn a_signal_ends_a_run_with_a_checkpoint_from_which_it_goes_on() {
    let folder = photos();
    let run =
        |out| pretraining_for(folder.path(), out, "", "--epochs 30 --save-every 1000 --panel-every 1000");
    assert!(run("whole").output().unwrap().status.success());

    let stopped = folder.path().join("stopped");
    for (signal, least) in [("INT", 1), ("TERM", 20)] {
        let child = run("stopped").stderr(Stdio::piped()).spawn().unwrap();
        while !stopped.join("metrics.jsonl").exists() || losses(&stopped).len() < least {
            sleep(Duration::from_millis(5));
        }
        assert!(
            Command::new("kill")
                .args([format!("-{signal}"), child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let output = child.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{words}");
        let done = losses(&stopped).len();
        assert!(words.contains(&format!("stopped after step {done}; its checkpoint is saved")), "{words}");
    }
    assert!(run("stopped").output().unwrap().status.success());
    assert_eq!(losses(&stopped).len(), 90);
    assert_eq!(losses(&stopped), losses(&folder.path().join("whole")));
}
