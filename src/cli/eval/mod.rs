//! `mae-seg eval`: measures how good weights are.

mod report;
mod results;

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::source::Source;
use super::terminal::output::{check_is_no_input, check_replaceable, percent, print_line, write_file};
use super::terminal::progress;
use super::wrong_usage;
use crate::args::{at_least_one, image_size, tiles};
use crate::data::{CocoDataset, Damaged, LeftOut, PhotoFolder};
use crate::engine::DeviceChoice;
use crate::eval::{
    ClickMetrics, Evaluation, Metrics, Prediction, Vocabulary, VocabularyKind, click_dataset, evaluate,
    predict_dataset,
};
use crate::files;
use crate::text::{counted, one_line};

const EXAMPLES: &str = "\
Labels are matched by name with the categories of the annotations, or with their supercategories if the \
model predicts those. Predictions have the category ids of the annotations; supercategories are numbered \
from 1 in the order of the model's labels, and with --class-agnostic the id is always 1. \
NAME.categories.json, beside the predictions, lists the ids.

Examples:
  mae-seg eval --annotations val.json --images photos/
  mae-seg eval --weights my-model --annotations val.json --images photos/ --class-agnostic --json
  mae-seg eval --annotations val.json --images photos/ --predictions found.json
  mae-seg eval --annotations val.json --images photos/ --clicks 3
  mae-seg eval --annotations val.json --images photos/ --report report
  mae-seg eval --annotations val.json --results found.json";

/// Measure COCO average precision of masks and boxes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Model weights: training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`,
    /// or URL [default: the bundled weights]
    #[arg(long, value_name = "WEIGHTS")]
    weights: Option<PathBuf>,
    /// COCO annotations to evaluate on
    #[arg(long, value_name = "COCO.json")]
    annotations: PathBuf,
    /// Folder or zip file with the annotated photos
    #[arg(long, value_name = "DIR|ZIP", required_unless_present = "results")]
    images: Option<PathBuf>,
    /// COCO results file to evaluate instead of weights, with masks or boxes found by any program
    #[arg(long, value_name = "FILE", conflicts_with_all = ["weights", "predictions", "image_size", "clicks", "tiles"])]
    results: Option<PathBuf>,
    /// How to handle photos that are missing, invalid or inconsistent with their annotations, and malformed
    /// annotations
    #[arg(long, value_enum, default_value_t = Damaged::Stop)]
    damaged: Damaged,
    /// Evaluate class-agnostically, with all categories as one
    #[arg(long)]
    class_agnostic: bool,
    /// Also measure the mean IoU after 1 to N simulated clicks per object: first in its middle, then in the
    /// middle of the largest error
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    clicks: Option<usize>,
    /// Print the metrics as JSON
    #[arg(long)]
    json: bool,
    /// Write the predictions as a COCO results file
    #[arg(long, value_name = "FILE")]
    predictions: Option<PathBuf>,
    /// Write report.html with curves, categories and the worst photos, and its images as PNG
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Side length that photos are resized to, in pixels [default: that of the weights]
    #[arg(long, value_name = "PIXELS", value_parser = image_size)]
    image_size: Option<usize>,
    /// Number of tiles per side to segment besides the whole photo; finds more small objects in N² + 1 times
    /// the time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = tiles)]
    tiles: usize,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

#[derive(Debug, Serialize)]
struct Summary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<String>,
    photos: usize,
    skipped_photos: usize,
    annotated_objects: usize,
    predictions: usize,
    labels: VocabularyKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(flatten)]
    masks: &'a Metrics,
    boxes: &'a Metrics,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clicks: Vec<ClickMetrics>,
}

impl Arguments {
    /// Checks that all results may be written, before they are computed.
    fn check_places(&self) -> Result<()> {
        if let Some(path) = &self.predictions {
            let inputs = [self.images.as_ref(), self.weights.as_ref(), self.results.as_ref()];
            let inputs = inputs.into_iter().flatten().chain([&self.annotations]);
            let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
            for out in [path, &categories_file(path)] {
                check_is_no_input(out, &inputs)?;
                check_is_results(out)?;
            }
        }
        self.report.as_ref().map_or(Ok(()), |folder| check_replaceable(folder, &report::NAMES))
    }
}

/// # Errors
/// Fails if the file exists and is not a JSON list of objects, as COCO results and categories are.
fn check_is_results(path: &Path) -> Result<()> {
    if path.is_file() {
        let text = files::read(path, files::LIST).with_context(|| path.display().to_string())?;
        let is_list = serde_json::from_slice::<Vec<BTreeMap<String, IgnoredAny>>>(&text).is_ok();
        ensure!(
            is_list,
            "{} already exists and does not hold COCO results; choose another file for --predictions",
            path.display()
        );
    }
    Ok(())
}

/// Returns the path of the list of categories, beside the predictions.
fn categories_file(predictions: &Path) -> PathBuf {
    let mut list = predictions.file_stem().map_or_else(OsString::new, OsString::from);
    list.push(".categories.json");
    predictions.with_file_name(list)
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    arguments.check_places()?;
    match (&arguments.results, &arguments.images) {
        (Some(results), images) => results::run(arguments, results, images.as_deref()),
        (None, Some(images)) => judge(arguments, images),
        (None, None) => Err(wrong_usage("give the photos with --images, or a results file with --results")),
    }
}

fn judge(arguments: &Arguments, images: &Path) -> Result<()> {
    let mut dataset = CocoDataset::load(&arguments.annotations)?;
    let images = PhotoFolder::of(images, &mut dataset)?;
    let weights = Source::open(arguments.weights.as_deref())?;
    let looking = progress::spinner("checking the photos");
    let unusable = images.sound(&mut dataset, &arguments.annotations, arguments.damaged)?;
    looking.finish_and_clear();
    progress::skipped(&unusable);
    progress::say(&taken(&dataset, &dataset.left_out));
    let (engine, picked) = weights.load(arguments.device, arguments.image_size)?;

    let vocabulary = Vocabulary::choose(engine.labels(), &dataset, arguments.class_agnostic)?;
    let bar = progress::bar(dataset.images.len(), "segmenting");
    let predictions =
        predict_dataset(&engine, &dataset, &images, &vocabulary, arguments.tiles, || bar.inc(1))?;
    bar.finish_and_clear();
    let mut clicks = Vec::new();
    if let Some(count) = arguments.clicks {
        let bar = progress::bar(dataset.images.len(), "clicking");
        let work = click_dataset(&engine, &dataset, &images, count, || bar.inc(1));
        clicks = pollster::block_on(work)?;
        bar.finish_and_clear();
    }
    let truth = vocabulary.translate(&dataset);
    let evaluation = evaluate(&truth, &predictions)?;
    let summary = Summary {
        weights: Some(weights.describe()),
        results: None,
        photos: dataset.images.len(),
        skipped_photos: unusable.len(),
        annotated_objects: dataset.annotations.len(),
        predictions: predictions.len(),
        labels: vocabulary.kind(),
        device: Some(&picked.description),
        masks: &evaluation.masks,
        boxes: &evaluation.boxes,
        clicks,
    };
    tell(arguments, &summary, &evaluation)?;
    // Numbers that took long to compute are printed before writing a file can fail.
    if let Some(path) = &arguments.predictions {
        write_file(path, &serde_json::to_vec(&rows(&dataset, &predictions)?)?)?;
        write_file(&categories_file(path), &serde_json::to_vec_pretty(vocabulary.categories())?)?;
    }
    if let Some(folder) = &arguments.report {
        report::write(folder, &weights.describe(), &truth, &images, &predictions, &evaluation)?;
    }
    Ok(())
}

/// Describes what the evaluation uses and what it leaves out.
fn taken(dataset: &CocoDataset, left_out: &LeftOut) -> String {
    let photos = counted(dataset.images.len(), "photo");
    let objects = dataset.annotations.iter().filter(|object| !object.iscrowd).count();
    format!("using {photos} with {}; left out {}", counted(objects, "object"), left_out.told())
}

/// Returns the predictions as JSON, with the image ids of the annotation file where those are text.
fn rows(dataset: &CocoDataset, predictions: &[Prediction]) -> Result<Vec<Value>> {
    let texts: HashMap<u64, &str> =
        dataset.images.iter().filter_map(|image| Some((image.id, image.text_id.as_deref()?))).collect();
    let row = |prediction: &Prediction| {
        let mut row = serde_json::to_value(prediction)?;
        if let Some(text) = texts.get(&prediction.image_id) {
            row["image_id"] = Value::from(*text);
        }
        Ok(row)
    };
    predictions.iter().map(row).collect()
}

fn tell(arguments: &Arguments, summary: &Summary<'_>, evaluation: &Evaluation) -> Result<()> {
    let text = match arguments.json {
        true => serde_json::to_string_pretty(summary).context("the report cannot be written")?,
        false => table(summary, evaluation),
    };
    print_line(&text)
}

fn table(summary: &Summary<'_>, evaluation: &Evaluation) -> String {
    let row = |name: &str, values: [(&str, Option<f64>); 6]| format!("{name:<16}{}", cells(&values));
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
    let photos = counted(summary.photos, "photo");
    let place = summary.device.map_or_else(String::new, |device| format!(", on {device}"));
    let mut lines = vec![
        format!("{photos}{skipped}, {}{place}", counted(summary.predictions, "prediction")),
        precision("mask precision", summary.masks),
        recall("mask recall", summary.masks),
        precision("box precision", summary.boxes),
        recall("box recall", summary.boxes),
    ];
    lines.extend(summary.clicks.iter().map(|m| {
        let areas = [("S", m.mean_iou_small), ("M", m.mean_iou_medium), ("L", m.mean_iou_large)];
        let name = if m.clicks == 1 { "1 click".to_owned() } else { format!("{} clicks", m.clicks) };
        format!("{name:<16}{}", cells(&[("mIoU", m.mean_iou), areas[0], areas[1], areas[2]]))
    }));
    lines.push(format!("  {:<20} {:>8}    AP  AP50  AP75   AR100   box AP", "category", "objects"));
    lines.extend(evaluation.categories.iter().map(|category| {
        let [ap, ap50, ap75, recall] =
            [category.ap, category.ap50, category.ap75, category.ar100].map(|value| percent(Some(value)));
        let (name, boxes) = (one_line(&category.name), percent(category.box_ap));
        format!(
            "  {name:<20} {:>8}  {ap:>4}  {ap50:>4}  {ap75:>4}   {recall:>5}   {boxes:>6}",
            category.objects
        )
    }));
    lines.join("\n")
}

/// Formats names and percentages in one line.
fn cells(values: &[(&str, Option<f64>)]) -> String {
    let cell = |(name, value): &(&str, Option<f64>)| format!("{name} {:>4}", percent(*value));
    values.iter().map(cell).collect::<Vec<_>>().join("   ")
}
