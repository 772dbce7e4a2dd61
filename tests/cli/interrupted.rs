//! Training that is killed, whose disk is full or whose photos go, and resumed.
//!
//! `KILLS=50` kills each run fifty times instead of a few; `--include-ignored` adds `role`, and small disks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use image::{Rgb, RgbImage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const PHOTOS: u32 = 6;

/// Writes photos, each with one annotated object.
fn photos() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("photos")).unwrap();
    let (mut images, mut objects) = (Vec::new(), Vec::new());
    for photo in 0..PHOTOS {
        let pixel = |x: u32, y: u32| Rgb([(x * 7 + photo * 40) as u8, (y * 5) as u8, (x * y + photo) as u8]);
        let name = format!("photos/{photo}.png");
        RgbImage::from_fn(40, 40, pixel).save(folder.path().join(&name)).unwrap();
        images.push(json!({"id": photo, "file_name": name, "width": 40, "height": 40}));
        let [near, far] = [2 + photo, 20 + 2 * photo];
        objects.push(json!({"id": photo + 1, "image_id": photo, "category_id": 1, "iscrowd": 0,
            "segmentation": [[near, near, far, near, far, far, near, far]]}));
    }
    let categories = json!([{"id": 1, "name": "box", "supercategory": "thing"}]);
    let annotations = json!({"images": images, "annotations": objects, "categories": categories});
    fs::write(folder.path().join("train.json"), annotations.to_string()).unwrap();
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

/// Returns a fine-tuning command with output folder `out` that saves after each of its 12 steps.
fn fine_tuning(folder: &Path, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mae-seg"));
    let line = "finetune --train train.json --images . --labels object --image-size 32 --blocks 1 --queries 6 \
                --batch-size 2 --steps 12 --warmup-steps 2 --drop-path 0.2 --ema-decay 0.9 --save-every 1 \
                --device cpu --out";
    command.args(line.split_whitespace()).arg(out).current_dir(folder);
    command
}

/// Returns a command that pretrains, fine-tunes and evaluates in every way, in the least possible size.
fn role(folder: &Path, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mae-seg"));
    let line = "role --data photos --train train.json --val train.json --images . --image-size 32 --decoder-dim 32 \
                --decoder-depth 1 --epochs 1 --pretrain-batch-size 2 --steps 2 --batch-size 2 --queries 4 --top 1 --seeds 1 \
                --device cpu --out";
    command.args(line.split_whitespace()).arg(out).current_dir(folder);
    command
}

/// Kills a run at random moments and starts it again each time, until it may end; returns how often it was
/// killed before it ended by itself.
fn kill(command: impl Fn(&str) -> Command, few: u64, mut between: impl FnMut(u64)) -> u64 {
    let begun = Instant::now();
    let output = command("whole").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole = begun.elapsed().as_millis() as u64;

    let kills = std::env::var("KILLS").map_or(few, |kills| kills.parse().unwrap());
    // Together, the kills reach about the end of the run.
    let latest = (whole * 3 / kills.max(4)).max(200);
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut killed = 0;
    for kill in 0..kills {
        let mut child = command("killed").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let moment = Instant::now() + Duration::from_millis(random.random_range(20..latest));
        while Instant::now() < moment && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        between(kill);
    }
    let output = command("killed").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    killed
}

/// Asserts that the steps and weights of an interrupted run are those of the whole one.
fn assert_same_runs(killed: &Path, whole: &Path) {
    assert_eq!(losses(killed).len(), 12);
    assert_eq!(losses(killed), losses(whole));
    for file in ["model.safetensors", "unaveraged.safetensors"] {
        let [killed, whole] = [killed, whole].map(|run| fs::read(run.join("checkpoint").join(file)).unwrap());
        assert!(killed == whole, "{file} differs");
    }
    assert!(!killed.join("checkpoint.old").exists() && !killed.join("checkpoint.new").exists());
}

#[test]
fn pretraining_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let folder = photos();
    let path = |name: &str| folder.path().join(name);
    let killed = kill(
        |out| pretraining(folder.path(), out, ""),
        6,
        |kill| {
            let [there, half_replaced] =
                ["checkpoint", "checkpoint.old"].map(|name| path("killed").join(name).exists());
            if kill == 4 && there && !half_replaced {
                // As if it had been killed while the new checkpoint replaced the old one.
                fs::write(path("killed/checkpoint/on-its-way"), "").unwrap();
                fs::rename(path("killed/checkpoint"), path("killed/checkpoint.old")).unwrap();
            }
        },
    );
    assert!(killed > 0);
    assert_same_runs(&folder.path().join("killed"), &folder.path().join("whole"));
}

#[test]
fn fine_tuning_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let folder = photos();
    assert!(kill(|out| fine_tuning(folder.path(), out), 3, |_| ()) > 0);
    assert_same_runs(&folder.path().join("killed"), &folder.path().join("whole"));
}

#[test]
#[ignore = "takes minutes"]
fn a_study_killed_at_any_moment_ends_as_if_it_had_not_been() {
    let folder = photos();
    assert!(kill(|out| role(folder.path(), out), 10, |_| ()) > 0);
    // All but what it cost.
    let results = |run: &str| {
        let text = fs::read(folder.path().join(run).join("role.json")).unwrap();
        let role: Value = serde_json::from_slice(&text).unwrap();
        let cells = role["cells"].as_array().unwrap().clone();
        cells
            .into_iter()
            .map(|cell| ["encoder", "tuning", "seed", "ap", "ap50", "ar100"].map(|key| cell[key].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(results("whole").len(), 12);
    assert_eq!(results("killed"), results("whole"));
}

#[test]
fn nobody_has_to_listen() {
    let folder = photos();
    let mut run = pretraining_for(folder.path(), "run", "", "--epochs 1 --save-every 1 --panel-every 2");
    let mut child = run.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_second_process_in_the_same_folder_is_refused_and_the_first_goes_on() {
    let folder = photos();
    let run =
        || pretraining_for(folder.path(), "run", "", "--epochs 12 --save-every 1000 --panel-every 1000");
    let mut first = run().stderr(Stdio::null()).spawn().unwrap();
    while !folder.path().join("run/metrics.jsonl").exists() {
        sleep(Duration::from_millis(5));
    }
    let second = run().output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains("error: another process is using the run in `run`"), "{words}");
    assert!(first.wait().unwrap().success());
    assert_eq!(losses(&folder.path().join("run")).len(), 36);
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
        |out| pretraining_for(folder.path(), out, "", "--epochs 12 --save-every 1000 --panel-every 1000");
    assert!(run("whole").output().unwrap().status.success());

    let stopped = folder.path().join("stopped");
    for (signal, least) in [("INT", 1), ("TERM", 12)] {
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
    assert_eq!(losses(&stopped).len(), 36);
    assert_eq!(losses(&stopped), losses(&folder.path().join("whole")));
}

/// A file system in memory that has room for so many KiB.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(kib: u64) -> Self {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.mount(&format!("size={kib}k"));
        disk
    }

    fn mount(&self, options: &str) {
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.0.path()).status();
        assert!(mount.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg(self.0.path()).status().unwrap().success());
    }
}

/// Runs a command on disks of many sizes, and again with more room.
fn fill_disks(command: impl Fn(&str) -> Command, whole: &Path) {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let first_files = [4, 8, 12, 16, 24, 32];
    let sizes = first_files.into_iter().chain((0..14).map(|_| random.random_range(33..130_000)));
    let mut full = 0;
    for kib in sizes {
        let disk = SmallDisk::new(kib);
        let run = disk.0.path().join("run");
        let output = command(run.to_str().unwrap()).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            full += 1;
            assert_eq!(output.status.code(), Some(1), "{kib} KiB: {words}");
            assert!(words.lines().last().unwrap().contains("No space left"), "{kib} KiB: {words}");
            disk.mount("remount,size=400m");
            assert!(command(run.to_str().unwrap()).output().unwrap().status.success(), "{kib} KiB");
        }
        assert_same_runs(&run, whole);
    }
    assert!(full > 10, "{full} disks were full");
}

#[test]
#[ignore = "takes minutes, and root to mount file systems"]
fn a_disk_that_is_full_at_any_write_is_named_and_with_more_room_a_run_goes_on() {
    let folder = photos();
    let [pretrained, fine_tuned] = ["pretrained", "fine-tuned"].map(|run| folder.path().join(run));
    assert!(pretraining(folder.path(), "pretrained", "").output().unwrap().status.success());
    fill_disks(|out| pretraining(folder.path(), out, ""), &pretrained);
    assert!(fine_tuning(folder.path(), "fine-tuned").output().unwrap().status.success());
    fill_disks(|out| fine_tuning(folder.path(), out), &fine_tuned);
}

#[test]
fn photos_that_go_or_break_under_a_run_are_named_and_counted() {
    let folder = photos();
    let mut run =
        pretraining_for(folder.path(), "run", "", "--epochs 12 --save-every 1000 --panel-every 1000");
    let child = run.stderr(Stdio::piped()).spawn().unwrap();
    while !folder.path().join("run/metrics.jsonl").exists() {
        sleep(Duration::from_millis(5));
    }
    let photo = |number: u32| folder.path().join(format!("photos/{number}.png"));
    fs::remove_file(photo(0)).unwrap();
    // At once: nobody reads it while it is empty.
    let cut = folder.path().join("cut.png");
    fs::write(&cut, &fs::read(photo(2)).unwrap()[..100]).unwrap();
    fs::rename(cut, photo(2)).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}");
    for skipped in ["skipped cannot read photos/0.png: ", "skipped photos/2.png: the PNG file is cut off"] {
        assert!(words.contains(skipped), "{words}");
    }
    assert!(words.contains("; 2 skipped"), "{words}");
    assert_eq!(losses(&folder.path().join("run")).len(), 36);
}
