//! `mae-seg eval`: how good are these weights?

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::bundled::Source;
use super::device::DeviceArg;
use super::encoder::DamagedArg;
use super::output::{percent, print_line, write_file};
use super::{image_size, progress, report};
use crate::data::{CocoDataset, PhotoFolder};
use crate::engine::Engine;
use crate::eval::{Evaluation, Metrics, Vocabulary, VocabularyKind, evaluate, predict_dataset};

const EXAMPLES: &str = "\
Labels are compared with the categories of the annotations by name, or with their supercategories where the model
predicts those. Category ids in --predictions: those of the annotations; for supercategories 1, 2, … in the order of the
model's labels; with --class-agnostic always 1. The list is written beside it as NAME.categories.json.

Examples:
  mae-seg eval --annotations val.json --images photos/
  mae-seg eval --weights my-model --annotations val.json --images photos/ --class-agnostic --json
  mae-seg eval --annotations val.json --images photos/ --predictions found.json
  mae-seg eval --annotations val.json --images photos/ --report report";

/// Measure COCO mask average precision
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`, or address
    /// [default: the bundled weights]
    #[arg(long, value_name = "WEIGHTS")]
    weights: Option<PathBuf>,
    /// Annotations in COCO's instances format
    #[arg(long, value_name = "COCO.json")]
    annotations: PathBuf,
    /// Folder or zip file with the photos they name
    #[arg(long, value_name = "DIR|ZIP")]
    images: PathBuf,
    /// What to do about photos that are missing, no images or not what their annotations say, and those whose annotations
    /// cannot be read
    #[arg(long, value_enum, default_value_t = DamagedArg::Stop)]
    damaged: DamagedArg,
    /// Take all categories as one
    #[arg(long)]
    class_agnostic: bool,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
    /// Write the predictions in COCO's results format
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write report.html with curves, categories and the worst photos, and its pictures as PNG
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Side that photos are brought to, in pixels [default: what the weights say]
    #[arg(long, value_name = "PIXELS", value_parser = image_size)]
    image_size: Option<usize>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: DeviceArg,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    weights: String,
    photos: usize,
    skipped_photos: usize,
    annotated_objects: usize,
    predictions: usize,
    labels: VocabularyKind,
    device: &'a str,
    #[serde(flatten)]
    masks: &'a Metrics,
    boxes: &'a Metrics,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let mut dataset = CocoDataset::load(&arguments.annotations)?;
    let images = PhotoFolder::open(&arguments.images)?;
    let weights = Source::open(arguments.weights.as_deref())?;
    let looking = progress::spinner("looking at the photos");
    let unusable = images.sound(&mut dataset, &arguments.annotations, arguments.damaged.into())?;
    looking.finish_and_clear();
    progress::skipped(&unusable);
    let loading = progress::spinner("loading the weights");
    let picked = arguments.device.pick()?;
    let mut engine = pollster::block_on(Engine::load(&weights, &picked.device))?;
    if let Some(side) = arguments.image_size {
        engine = engine.with_image_size(side);
    }
    loading.finish_and_clear();

    let vocabulary = Vocabulary::choose(engine.labels(), &dataset, arguments.class_agnostic)?;
    let bar = progress::bar(dataset.images.len(), "segmenting");
    let work = predict_dataset(&engine, &dataset, &images, &vocabulary, || bar.inc(1));
    let predictions = pollster::block_on(work)?;
    bar.finish_and_clear();
    let truth = vocabulary.translate(&dataset);
    let evaluation = evaluate(&truth, &predictions)?;
    let summary = Summary {
        weights: weights.describe(),
        photos: dataset.images.len(),
        skipped_photos: unusable.len(),
        annotated_objects: dataset.annotations.len(),
        predictions: predictions.len(),
        labels: vocabulary.kind(),
        device: &picked.description,
        masks: &evaluation.masks,
        boxes: &evaluation.boxes,
    };
    let text = if arguments.json {
        serde_json::to_string_pretty(&summary)
    } else {
        Ok(table(&summary, &evaluation))
    };
    print_line(&text.context("the report cannot be written")?)?;
    // Numbers that took long are told before a file can fail.
    if let Some(path) = &arguments.predictions {
        write_file(path, &serde_json::to_vec(&predictions)?)?;
        let mut list = path.file_stem().map_or_else(OsString::new, OsString::from);
        list.push(".categories.json");
        write_file(&path.with_file_name(list), &serde_json::to_vec_pretty(vocabulary.categories())?)?;
    }
    if let Some(folder) = &arguments.report {
        report::write(folder, &summary.weights, &truth, &images, &predictions, &evaluation)?;
    }
    Ok(())
}

fn table(summary: &Summary<'_>, evaluation: &Evaluation) -> String {
    let row = |name: &str, cells: [(&str, Option<f64>); 6]| {
        let cells = cells.map(|(name, value)| format!("{name} {:>4}", percent(value)));
        format!("{name:<16}{}", cells.join("   "))
    };
    let precision = |name: &str, m: &Metrics| {
        let areas = [("S", m.ap_small), ("M", m.ap_medium), ("L", m.ap_large)];
        row(name, [("AP", m.ap), ("AP50", m.ap50), ("AP75", m.ap75), areas[0], areas[1], areas[2]])
    };
    let recall = |name: &str, m: &Metrics| {
        let areas = [("S", m.ar_small), ("M", m.ar_medium), ("L", m.ar_large)];
        row(name, [("@1", m.ar1), ("@10 ", m.ar10), ("@100", m.ar100), areas[0], areas[1], areas[2]])
    };
    let skipped = match summary.skipped_photos {
        0 => String::new(),
        count => format!(" ({count} skipped)"),
    };
    let mut lines = vec![
        format!(
            "{} photos{skipped}, {} predictions, on {}",
            summary.photos, summary.predictions, summary.device
        ),
        precision("mask precision", summary.masks),
        recall("mask recall", summary.masks),
        precision("box precision", summary.boxes),
        recall("box recall", summary.boxes),
        format!("  {:<20} {:>8}    AP  AP50  AP75   AR100   box AP", "category", "objects"),
    ];
    lines.extend(evaluation.categories.iter().map(|category| {
        let [ap, ap50, ap75, recall] =
            [category.ap, category.ap50, category.ap75, category.ar100].map(|value| percent(Some(value)));
        let (name, boxes) = (&category.name, percent(category.box_ap));
        format!(
            "  {name:<20} {:>8}  {ap:>4}  {ap50:>4}  {ap75:>4}   {recall:>5}   {boxes:>6}",
            category.objects
        )
    }));
    lines.join("\n")
}
