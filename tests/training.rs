//! Training as its user sees it: it learns, it repeats itself, and an interrupted run goes on as if nothing had happened.

#![cfg(feature = "native")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::Device;
use half::f16;
use image::{Rgb, RgbImage};
use mae_seg::data::{
    AugmentOptions, CocoDataset, Damaged, LabelSpace, PhotoFolder, PhotoSet, SegmentationSet, TeacherFeatures,
};
use mae_seg::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, VitConfig};
use mae_seg::train::loss::SetLossConfig;
use mae_seg::train::{
    ContrastOptions, FinetuneOptions, Optimizer, PassOptions, Precision, PretrainOptions, RunFolder,
    RunManifest, StepOptions, TrainError, TrainEvent, Tune, ValidationSet, contrast, finetune, pretrain,
};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const SIDE: u32 = 48;

/// Burn seeds one generator for the whole process: two runs at once would draw from each other's numbers.
fn alone() -> MutexGuard<'static, ()> {
    static TRAINING: Mutex<()> = Mutex::new(());
    TRAINING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bright square on a dark, slightly graded ground; the square's corner depends on `index`.
fn square(index: u32) -> ([u32; 2], RgbImage) {
    let corner = [4 + 7 * (index % 4), 4 + 5 * (index / 4 % 4)];
    let photo = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let inside = (corner[0]..corner[0] + 20).contains(&x) && (corner[1]..corner[1] + 20).contains(&y);
        if inside { Rgb([230, 200, 40]) } else { Rgb([(x + index) as u8, y as u8, 60]) }
    });
    (corner, photo)
}

/// Eight photos and their COCO file.
fn write_photos(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for index in 0..8 {
        let ([x, y], photo) = square(index);
        let name = format!("{index}.png");
        photo.save(folder.join(&name)).unwrap();
        images.push(json!({ "id": index + 1, "file_name": name, "width": SIDE, "height": SIDE }));
        let outline = [x, y, x + 20, y, x + 20, y + 20, x, y + 20];
        annotations.push(json!({
            "id": index + 1, "image_id": index + 1, "category_id": 1, "iscrowd": 0,
            "segmentation": [outline], "area": 400, "bbox": [x, y, 20, 20],
        }));
    }
    let categories = json!([{ "id": 1, "name": "square", "supercategory": "shape" }]);
    let coco = json!({ "images": images, "annotations": annotations, "categories": categories });
    fs::write(folder.join("train.json"), coco.to_string()).unwrap();
}

fn encoder() -> VitConfig {
    VitConfig::plain(32, 8, 16, 2, 2)
}

fn steps() -> StepOptions {
    StepOptions {
        batch_size: 4,
        average_decay: 0.9,
        seed: 7,
        save_every: 3,
        panel_every: 100,
        ..StepOptions::default()
    }
}

fn passes() -> PassOptions {
    PassOptions {
        epochs: 4,
        warmup_epochs: 1.0,
        base_learning_rate: 0.1,
        min_crop: 0.5,
        steps: steps(),
        ..PassOptions::default()
    }
}

fn pretraining() -> PretrainOptions {
    let model = MaeConfig::new(encoder(), DecoderConfig::new(16, 1, 2));
    PretrainOptions { model, passes: passes(), ..PretrainOptions::default() }
}

fn finetuning(tune: Tune) -> FinetuneOptions {
    FinetuneOptions {
        tune,
        num_queries: 4,
        num_blocks: 1,
        total_steps: 80,
        learning_rate: 3e-3,
        layer_decay: 1.0,
        warmup_steps: 2,
        augment: AugmentOptions { image_size: 32, cutouts: 0, ..AugmentOptions::default() },
        loss: SetLossConfig { num_points: 64, ..SetLossConfig::default() },
        teacher_coefficient: 0.0,
        steps: StepOptions { weight_decay: 0.0, save_every: 25, panel_every: 30, ..steps() },
        ..FinetuneOptions::default()
    }
}

/// The folder `out` of a run with these options.
fn open<O: Clone + Serialize + DeserializeOwned>(out: &Path, options: &O) -> Result<RunFolder, TrainError> {
    RunFolder::open(out, &RunManifest::new(options.clone()))
}

/// The losses of a run by step; of a step done twice, the later.
fn losses(run: &Path) -> Vec<f64> {
    let mut losses = Vec::new();
    for line in fs::read_to_string(run.join("metrics.jsonl")).unwrap().lines() {
        let step: Value = serde_json::from_str(line).unwrap();
        losses.truncate(step["step"].as_u64().unwrap() as usize - 1);
        losses.push(step["loss"].as_f64().unwrap());
    }
    losses
}

fn run_pretraining(
    photos: &Path,
    out: &Path,
    options: &PretrainOptions,
    on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    let photos = PhotoSet::open(&[photos.to_owned()], Damaged::Stop).unwrap();
    pretrain(&photos, None, options, None, &Device::flex(), &mut open(out, options)?, on_event)
}

fn run_finetuning(
    photos: &Path,
    out: &Path,
    options: &FinetuneOptions,
    on_event: impl FnMut(TrainEvent),
) -> Result<(), TrainError> {
    let photos =
        SegmentationSet::open(&photos.join("train.json"), photos, LabelSpace::Category, None, Damaged::Stop)
            .unwrap();
    let mut run = open(out, options)?;
    finetune((&photos, None), options, (None, encoder()), &Device::flex(), &mut run, on_event)
}

fn die_at_step_5(event: TrainEvent) {
    if matches!(event, TrainEvent::Step(step) if step.step == 5) {
        std::panic::resume_unwind(Box::new("killed on purpose"));
    }
}

#[test]
fn a_killed_run_goes_on_to_the_same_losses_and_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let finetuning = FinetuneOptions {
        total_steps: 9,
        drop_path: 0.3,
        steps: StepOptions { optimizer: Optimizer::Muon, save_every: 3, ..finetuning(Tune::Full).steps },
        ..finetuning(Tune::Full)
    };
    let pretrain = |out: &Path, die| match die {
        true => run_pretraining(&photos, out, &pretraining(), die_at_step_5),
        false => run_pretraining(&photos, out, &pretraining(), |_| ()),
    };
    let finetune = |out: &Path, die| match die {
        true => run_finetuning(&photos, out, &finetuning, die_at_step_5),
        false => run_finetuning(&photos, out, &finetuning, |_| ()),
    };
    type Verb<'a> = &'a dyn Fn(&Path, bool) -> Result<(), TrainError>;
    for (name, verb) in [("pretrain", &pretrain as Verb<'_>), ("finetune", &finetune)] {
        let (whole, killed) =
            (folder.path().join(format!("{name}-whole")), folder.path().join(format!("{name}-killed")));
        verb(&whole, false).unwrap();
        assert!(catch_unwind(AssertUnwindSafe(|| verb(&killed, true))).is_err());
        verb(&killed, false).unwrap();
        assert_eq!(losses(&killed), losses(&whole), "resuming must not change a single bit");
        for file in ["model.safetensors", "unaveraged.safetensors"] {
            let bytes = |run: &Path| fs::read(run.join("checkpoint").join(file)).unwrap();
            assert!(bytes(&killed) == bytes(&whole), "{name}: {file}");
        }
    }
}

#[test]
fn a_frozen_encoder_looks_at_a_view_once() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let options = FinetuneOptions {
        total_steps: 30,
        views: 2,
        drop_path: 0.2,
        steps: StepOptions { save_every: 3, ..finetuning(Tune::Frozen).steps },
        ..finetuning(Tune::Frozen)
    };
    let of = |views| {
        let out = folder.path().join(format!("{views}"));
        run_finetuning(&photos, &out, &FinetuneOptions { views, ..options.clone() }, |_| ()).unwrap();
        (losses(&out), out.join("features"))
    };
    let (again, features) = of(2);
    // Eight photos, one visit of each in an epoch.
    assert_eq!(fs::read_dir(&features).unwrap().count(), 8 * 2);
    let (anew, none) = of(0);
    assert!(!none.exists());
    // Two steps make an epoch; in the first two epochs both see the same.
    for (again, anew) in again.iter().zip(&anew).take(4) {
        assert!((again / anew - 1.0).abs() < 1e-2, "{again} {anew}");
    }
    assert_ne!(again[5..], anew[5..]);

    let killed = folder.path().join("killed");
    let die = |event: TrainEvent| {
        if matches!(event, TrainEvent::Step(step) if step.step == 17) {
            std::panic::resume_unwind(Box::new("killed on purpose"));
        }
    };
    assert!(catch_unwind(AssertUnwindSafe(|| run_finetuning(&photos, &killed, &options, die))).is_err());
    for features in fs::read_dir(killed.join("features")).unwrap() {
        let path = features.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[9] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    run_finetuning(&photos, &killed, &options, |_| ()).unwrap();
    assert_eq!(losses(&killed), again, "damaged features are computed again");
}

#[test]
fn half_precision_learns_alike_and_keeps_whole_numbers() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let of = |precision| {
        let out = folder.path().join(format!("{precision:?}"));
        let mut options = finetuning(Tune::Full);
        options.steps = StepOptions { precision, accumulate: 2, ..options.steps };
        run_finetuning(&photos, &out, &options, |_| ()).unwrap();
        let weights = fs::read(out.join("checkpoint/model.safetensors")).unwrap();
        let weights = SafeTensors::deserialize(&weights).unwrap();
        assert!(weights.tensors().iter().all(|(_, tensor)| tensor.dtype() == Dtype::F32));
        losses(&out)
    };
    let (whole, half) = (of(Precision::F32), of(Precision::Bf16));
    assert_ne!(whole[0], half[0]);
    assert!((whole[0] / half[0] - 1.0).abs() < 0.01, "{} {}", whole[0], half[0]);
    let end =
        |losses: &[f64]| losses[losses.len() - 10..].iter().sum::<f64>() / losses[..10].iter().sum::<f64>();
    assert!(end(&half) < 0.7 && (end(&half) - end(&whole)).abs() < 0.1, "{} {}", end(&half), end(&whole));
}

#[test]
fn a_step_in_parts_is_the_same_step() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let same = |name: &str, run: &dyn Fn(&Path, usize)| {
        let of = |accumulate| {
            let out = folder.path().join(format!("{name}-{accumulate}"));
            run(&out, accumulate);
            losses(&out)
        };
        let (whole, parts) = (of(1), of(2));
        assert_eq!(whole.len(), parts.len());
        for (step, (whole, parts)) in whole.iter().zip(&parts).enumerate() {
            assert!((whole - parts).abs() <= 1e-5 * whole.abs(), "{name}, step {step}: {whole}, {parts}");
        }
    };
    same("pretrain", &|out, accumulate| {
        let mut options = pretraining();
        options.passes.steps = StepOptions { accumulate, clip_norm: Some(0.5), ..steps() };
        run_pretraining(&photos, out, &options, |_| ()).unwrap();
    });
    for num_queries in [4, 0] {
        same(&format!("finetune-{num_queries}"), &|out, accumulate| {
            let options = finetuning(Tune::Full);
            let steps = StepOptions { accumulate, ..options.steps.clone() };
            let short = FinetuneOptions { total_steps: 8, learning_rate: 1e-3, steps, ..options };
            let options = FinetuneOptions { num_queries, drop_path: 0.3, ..short };
            run_finetuning(&photos, out, &options, |_| ()).unwrap();
        });
    }
}

#[test]
fn patches_learn_what_a_teacher_makes_of_the_photos() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let path = folder.path().join("features.safetensors");
    let bytes: Vec<u8> = [1.0_f32, -1.0].iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
    let names: Vec<String> = (0..8).map(|index| format!("{index}.png")).collect();
    let view = TensorView::new(Dtype::F16, vec![1, 1, 2], &bytes).unwrap();
    let tensors = names.iter().map(|name| (name, view.clone()));
    fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
    let taught = |patch_size, out: &str| {
        let coco = photos.join("train.json");
        let set = SegmentationSet::open(&coco, &photos, LabelSpace::Category, None, Damaged::Stop).unwrap();
        let set = set.taught_by(TeacherFeatures::open(&path).unwrap(), patch_size).unwrap();
        let options = FinetuneOptions { teacher_coefficient: 1.0, ..finetuning(Tune::Full) };
        let mut run = open(&folder.path().join(out), &options).unwrap();
        finetune((&set, None), &options, (None, encoder()), &Device::flex(), &mut run, |_| ())
    };
    taught(8, "run").unwrap();
    let lines = fs::read_to_string(folder.path().join("run/metrics.jsonl")).unwrap();
    let step = |line: &str| serde_json::from_str::<Value>(line).unwrap()["features"].as_f64().unwrap();
    let off: Vec<f64> = lines.lines().map(step).collect();
    assert!(off[0] > 0.3 && off[off.len() - 1] < 0.1 * off[0], "{off:?}");
    let error = taught(16, "other").unwrap_err().to_string();
    assert!(error.contains("16") && error.contains('8'), "{error}");
}

#[test]
fn a_diverging_run_stops_and_says_where() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let passes = PassOptions { base_learning_rate: 1e30, warmup_epochs: 0.0, ..passes() };
    let options = PretrainOptions { passes, ..pretraining() };
    let error = run_pretraining(&photos, &folder.path().join("run"), &options, |_| ()).unwrap_err();
    let TrainError::NotFinite { step, parameter: Some(parameter), .. } = error else { panic!("{error}") };
    assert!(
        step > 1 && (parameter.starts_with("encoder.") || parameter.starts_with("decoder")),
        "{parameter}"
    );
}

#[test]
fn every_variant_of_hiding_learns() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    for (hidden_patches, loss_on) in [
        (HiddenPatches::Drop, LossOn::Hidden),
        (HiddenPatches::MaskToken, LossOn::All),
        (HiddenPatches::Zero, LossOn::Visible),
    ] {
        let mut options = pretraining();
        options.model.hidden_patches = hidden_patches;
        options.model.loss_on = loss_on;
        options.passes.epochs = 30;
        let out = folder.path().join(format!("{hidden_patches:?}"));
        run_pretraining(&photos, &out, &options, |_| ()).unwrap();
        let losses = losses(&out);
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (first, last) = (mean(&losses[..5]), mean(&losses[losses.len() - 5..]));
        assert!(last < 0.9 * first, "{hidden_patches:?}: {first} → {last}");
    }
}

#[test]
fn another_recipe_in_the_same_folder_is_refused() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), &pretraining()).unwrap();
    let mut other = pretraining();
    other.passes.steps.seed = 8;
    open(folder.path(), &other).expect("nothing was learned yet");
    fs::write(folder.path().join("metrics.jsonl"), "{}\n").unwrap();
    other.passes.steps.seed = 9;
    assert!(matches!(open(folder.path(), &other), Err(TrainError::OtherRun { .. })));
}

#[test]
fn every_way_of_tuning_learns_the_squares() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    write_photos(folder.path());
    let annotations = folder.path().join("train.json");
    let photos =
        SegmentationSet::open(&annotations, folder.path(), LabelSpace::Category, None, Damaged::Stop)
            .unwrap();
    let dataset = CocoDataset::load(&annotations).unwrap();
    let validation = ValidationSet { dataset, images: PhotoFolder::open(folder.path()).unwrap(), every: 40 };
    for (tune, num_queries) in
        [(Tune::Frozen, 4), (Tune::Top(1), 4), (Tune::Full, 4), (Tune::Frozen, 0), (Tune::Full, 0)]
    {
        let out = folder.path().join(format!("{tune:?}-{num_queries}"));
        let mut options = FinetuneOptions { num_queries, ..finetuning(tune) };
        options.steps.keep = 2;
        let mut run = open(&out, &options).unwrap();
        finetune(
            (&photos, Some(&validation)),
            &options,
            (None, encoder()),
            &Device::flex(),
            &mut run,
            |_| (),
        )
        .unwrap();
        let dice: Vec<f64> = fs::read_to_string(out.join("metrics.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["dice"].as_f64().unwrap())
            .collect();
        let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
        let (first, last) = (mean(&dice[..10]), mean(&dice[dice.len() - 10..]));
        assert!(last < 0.85 * first, "{tune:?}, {num_queries} queries: {first} → {last}");
        assert!(out.join("panels/step-000080.png").is_file(), "a panel of the last step");
        let names = |folder: &Path| {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
            let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&out.join("kept")), ["step-000075", "step-000080"]);
        let weights = ["config.json", "manifest.json", "model.safetensors", "preprocessor_config.json"];
        assert_eq!(names(&out.join("kept/step-000080")), weights);
        let best: Value =
            serde_json::from_slice(&fs::read(out.join("best/validation.json")).unwrap()).unwrap();
        let logged = fs::read_to_string(out.join("metrics.jsonl")).unwrap();
        let logged = logged.lines().filter_map(|line| {
            serde_json::from_str::<Value>(line).unwrap().get("val_ap").and_then(Value::as_f64)
        });
        assert_eq!(logged.clone().count(), 2, "after 40 and 80 steps");
        assert_eq!(best["score"].as_f64(), logged.reduce(f64::max));
        for unsaid in ["", "{\"step\": 40, \"score\": 7.0}"] {
            fs::write(out.join("best/validation.json"), unsaid).unwrap();
            let sets = (&photos, Some(&validation));
            let outcome = finetune(sets, &options, (None, encoder()), &Device::flex(), &mut run, |_| ());
            assert!(matches!(outcome, Err(TrainError::Best { .. })), "nobody knows what they are worth");
        }
    }
}

#[test]
fn contrast_learns_to_tell_photos_apart() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    fs::create_dir(&photos).unwrap();
    for index in 0..8_u8 {
        let shade = [index & 1, index >> 1 & 1, index >> 2].map(|bit| 40 + 160 * bit);
        RgbImage::from_pixel(SIDE, SIDE, Rgb(shade)).save(photos.join(format!("{index}.png"))).unwrap();
    }
    let passes = PassOptions { epochs: 30, ..passes() };
    let options = ContrastOptions { encoder: encoder(), temperature: 0.2, colour: 0.2, passes };
    let out = folder.path().join("contrast");
    let set = PhotoSet::open(&[photos], Damaged::Stop).unwrap();
    let mut run = open(&out, &options).unwrap();
    contrast(&set, &options, &Device::flex(), &mut run, |_| ()).unwrap();
    let losses = losses(&out);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&losses[..8]), mean(&losses[losses.len() - 8..]));
    assert!(last < 0.5 * first, "{first} → {last}");
}

#[test]
fn what_was_learned_is_saved_even_if_it_cannot_be_judged() {
    let _alone = alone();
    let [folder, judged, out] = [0; 3].map(|_| tempfile::tempdir().unwrap());
    [&folder, &judged].iter().for_each(|folder| write_photos(folder.path()));
    let annotations = folder.path().join("train.json");
    let photos =
        SegmentationSet::open(&annotations, folder.path(), LabelSpace::Category, None, Damaged::Stop)
            .unwrap();
    let dataset = CocoDataset::load(&annotations).unwrap();
    let validation = ValidationSet { dataset, images: PhotoFolder::open(judged.path()).unwrap(), every: 2 };
    let (validation, unusable) = validation.sound(&annotations, Damaged::Stop).unwrap();
    assert!(unusable.is_empty());
    let options = finetuning(Tune::Full);
    let mut run = open(out.path(), &options).unwrap();
    let lost = finetune(
        (&photos, Some(&validation)),
        &options,
        (None, encoder()),
        &Device::flex(),
        &mut run,
        |event| {
            if matches!(event, TrainEvent::Step(_)) {
                let _ = fs::remove_dir_all(judged.path());
            }
        },
    );
    assert!(lost.is_err());
    let progress: Value =
        serde_json::from_slice(&fs::read(out.path().join("checkpoint/progress.json")).unwrap()).unwrap();
    assert_eq!(progress["step"], 2);
}

#[test]
fn a_run_replaces_and_believes_only_what_it_wrote_itself() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    write_photos(&photos);
    let out = folder.path().join("run");
    let mut options = pretraining();
    options.passes.steps.keep = 1;
    let go_on = || {
        let mut notes = Vec::new();
        let outcome = run_pretraining(&photos, &out, &options, |event| {
            if let TrainEvent::Noted(note) = event {
                notes.push(note);
            }
        });
        outcome.map(|()| notes)
    };
    let dies = || run_pretraining(&photos, &out, &options, die_at_step_5);
    assert!(catch_unwind(AssertUnwindSafe(dies)).is_err());
    let copied = |from: &str, to: &str| {
        fs::create_dir_all(out.join(to)).unwrap();
        for entry in fs::read_dir(out.join(from)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, out.join(to).join(path.file_name().unwrap())).unwrap();
        }
    };
    for copy in ["checkpoint.old", "checkpoint.new", "kept/favourite", "kept/step-000099"] {
        copied("checkpoint", copy);
    }
    copied("kept/step-000003", "kept/step-000001");

    for file in ["model.safetensors", "unaveraged.safetensors", "optimizer.bpk", "progress.json"] {
        let path = out.join("checkpoint").join(file);
        let sound = fs::read(&path).unwrap();
        let mut flipped = sound.clone();
        let at = flipped.iter().rposition(u8::is_ascii_digit).unwrap();
        flipped[at] ^= 1;
        fs::write(&path, flipped).unwrap();
        let error = go_on().unwrap_err();
        assert!(matches!(error, TrainError::Damaged { .. }) && error.to_string().contains(file), "{error}");
        fs::write(&path, sound).unwrap();
    }
    let metrics = out.join("metrics.jsonl");
    let lines = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, lines.split_inclusive('\n').take(1).collect::<String>()).unwrap();
    let notes = go_on().unwrap();
    assert!(notes.iter().any(|note| note.contains("lacks 2 of the 3 steps")), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains("favourite")), "{notes:?}");
    for copy in ["checkpoint.old", "checkpoint.new", "kept/favourite", "kept/step-000099", "kept/step-000001"]
    {
        assert!(out.join(copy).join("model.safetensors").is_file(), "{copy}");
    }
    assert!(!out.join("kept/step-000003").exists() && out.join("kept/step-000008").exists());

    let other = folder.path().join("other");
    fs::create_dir_all(other.join("kept/mine")).unwrap();
    let error = run_pretraining(&photos, &other, &options, |_| ()).unwrap_err();
    assert!(matches!(error, TrainError::NoRun { .. }), "{error}");
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1, "nothing was put there either");
}
