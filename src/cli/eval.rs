//! `mae-seg eval`: how good are these weights?

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::bundled::Directory;
use super::device::DeviceArg;
use super::output::{print_line, write_file};
use super::progress;
use crate::data::CocoDataset;
use crate::engine::Engine;
use crate::eval::{Metrics, Vocabulary, VocabularyKind, average_precision, predict_dataset};

const EXAMPLES: &str = "\
Labels are compared with the categories of the annotations by name, or with their supercategories where the model
predicts those. Category ids in --predictions: those of the annotations; for supercategories 1, 2, … in the order of the
model's labels; with --class-agnostic always 1. The list is written beside it as NAME.categories.json.

Examples:
  mae-seg eval --annotations val.json --images photos/
  mae-seg eval --weights my-model --annotations val.json --images photos/ --class-agnostic --json
  mae-seg eval --annotations val.json --images photos/ --predictions found.json";

/// Measure COCO mask average precision
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Weight folder or training run [default: the bundled weights]
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Annotations in COCO's instances format
    #[arg(long, value_name = "COCO.json")]
    annotations: PathBuf,
    /// Folder that the annotations' file names start from
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    /// Take all categories as one
    #[arg(long)]
    class_agnostic: bool,
    /// Print the numbers as JSON
    #[arg(long)]
    json: bool,
    /// Write the predictions in COCO's results format
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: DeviceArg,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    weights: String,
    photos: usize,
    annotated_objects: usize,
    predictions: usize,
    labels: VocabularyKind,
    device: &'a str,
    #[serde(flatten)]
    metrics: &'a Metrics,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let dataset = CocoDataset::load(&arguments.annotations)?;
    let weights = Directory::open(arguments.weights.as_deref())?;
    let loading = progress::spinner("loading the weights");
    let picked = arguments.device.pick()?;
    let engine = pollster::block_on(Engine::load(&weights, &picked.device))?;
    loading.finish_and_clear();

    let vocabulary = Vocabulary::choose(engine.labels(), &dataset, arguments.class_agnostic)?;
    let bar = progress::bar(dataset.images.len(), "segmenting");
    let work = predict_dataset(&engine, &dataset, &arguments.images, &vocabulary, || bar.inc(1));
    let predictions = pollster::block_on(work)?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.predictions {
        write_file(path, &serde_json::to_vec(&predictions)?)?;
        let mut list = path.file_stem().map_or_else(OsString::new, OsString::from);
        list.push(".categories.json");
        write_file(&path.with_file_name(list), &serde_json::to_vec_pretty(vocabulary.categories())?)?;
    }
    let metrics = average_precision(&vocabulary.translate(&dataset), &predictions)?;
    let report = Report {
        weights: weights.path().display().to_string(),
        photos: dataset.images.len(),
        annotated_objects: dataset.annotations.len(),
        predictions: predictions.len(),
        labels: vocabulary.kind(),
        device: &picked.description,
        metrics: &metrics,
    };
    let text = if arguments.json { serde_json::to_string_pretty(&report) } else { Ok(table(&report)) };
    print_line(&text.context("the report cannot be written")?)
}

/// Percent with one digit, as papers print them.
fn table(report: &Report<'_>) -> String {
    let percent =
        |value: Option<f64>| value.map_or("   –".to_owned(), |value| format!("{:4.1}", 100.0 * value));
    let row = |name: &str, values: [Option<f64>; 6], names: [&str; 6]| {
        let cells: Vec<String> =
            names.iter().zip(values).map(|(name, value)| format!("{name} {}", percent(value))).collect();
        format!("{name:<10}{}", cells.join("   "))
    };
    let m = report.metrics;
    let names = |prefix: [&'static str; 6]| prefix;
    let mut lines = vec![
        format!("{} photos, {} predictions, on {}", report.photos, report.predictions, report.device),
        row(
            "precision",
            [m.ap, m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large],
            names(["AP", "AP50", "AP75", "S", "M", "L"]),
        ),
        row(
            "recall",
            [m.ar1, m.ar10, m.ar100, m.ar_small, m.ar_medium, m.ar_large],
            names(["@1", "@10", "@100", "S", "M", "L"]),
        ),
    ];
    let mut categories: Vec<_> = m.per_category.iter().collect();
    categories.sort_by(|a, b| b.1.total_cmp(a.1));
    lines.extend(categories.into_iter().map(|(name, ap)| format!("  {name:<16} AP {}", percent(Some(*ap)))));
    lines.join("\n")
}
