//! `pretrain`, `finetune` and `contrast`.

use std::collections::BTreeMap;
use std::fs;

use mae_seg::weights::read_safetensors;
use serde_json::{Value, json};

use super::bench::{Bench, fine_tuned, fixture, stderr};

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
    assert!(told.contains("using 1 photo; left out 1 hidden or companion file (._a.png)\n"), "{told}");

    bench.annotated();
    let mut annotations: Value = serde_json::from_slice(&fs::read(bench.path("a.json")).unwrap()).unwrap();
    let crowd = json!({"id": 2, "image_id": 7, "category_id": 1, "iscrowd": 1, "segmentation": {"size": [40, 48], "counts": [1000, 920]}});
    annotations["annotations"].as_array_mut().unwrap().push(crowd);
    fs::write(bench.path("a.json"), annotations.to_string()).unwrap();
    let told = stderr(&bench.run(fine_tuned("seg", &[])));
    let crowd =
        "left out 1 object marked as a crowd (`iscrowd`), which is ignored (annotation 2 (annotations[1]))";
    assert!(told.contains(&format!("using 1 photo with 1 object; {crowd}\n")), "{told}");
    assert!(told.contains("learns 2 labels: person, animal\n"), "{told}");
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
