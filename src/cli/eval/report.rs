//! `mae-seg eval --report`: a self-contained HTML file, with its pictures as PNG beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use image::{Rgb, RgbImage as Picture, imageops};

use crate::cli::render::{Line, Page, Words, chart, png};
use crate::cli::terminal::output::{percent, write_file};
use crate::data::coco::CocoImage;
use crate::data::{CocoDataset, PhotoFolder};
use crate::eval::{CompressedMask, Evaluation, PhotoResult, Prediction};
use crate::export::{Object, overlay};
use crate::instance::Instance;
use crate::mask::{BinaryMask, Rle};
use crate::text::counted;

/// Number of rows on the sheet of worst photos.
const WORST: usize = 12;
/// Maximum number of category curves that remain distinguishable in a chart.
const MOST_CURVES: usize = 7;
/// Minimum score of drawn predictions.
const LEAST_SCORE: f32 = 0.3;
/// Longest side of one picture on the sheet, in pixels.
const CELL: u32 = 320;

/// Names of the files of a report.
pub(super) const NAMES: [&str; 4] =
    ["report.html", "precision-recall.png", "worst-photos.png", "evaluation.json"];

/// Writes `report.html`, `precision-recall.png`, `worst-photos.png` and `evaluation.json` into `folder`.
pub(super) fn write(
    folder: &Path,
    weights: &str,
    truth: &CocoDataset,
    images: &PhotoFolder,
    predictions: &[Prediction],
    evaluation: &Evaluation,
) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let curves = png(&curves(evaluation)?.into())?;
    let sheet = png(&sheet(truth, images, predictions, &evaluation.photos)?.into())?;
    let page = page(weights, truth, evaluation, &curves, &sheet);
    write_file(&folder.join("precision-recall.png"), &curves)?;
    write_file(&folder.join("worst-photos.png"), &sheet)?;
    write_file(&folder.join("evaluation.json"), &serde_json::to_vec_pretty(evaluation)?)?;
    write_file(&folder.join("report.html"), page.as_bytes())
}

fn page(weights: &str, truth: &CocoDataset, evaluation: &Evaluation, curves: &[u8], sheet: &[u8]) -> String {
    let mut page = Page::new(&format!("Evaluation of {weights}"));
    page.text(&format!(
        "{}, {}. Average precision by COCO's rules, in percent.",
        counted(truth.images.len(), "photo"),
        counted(truth.annotations.len(), "annotated object")
    ));
    let shapes = [("masks", &evaluation.masks), ("boxes", &evaluation.boxes)].map(|(name, m)| {
        let values = [m.ap, m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large, m.ar1, m.ar10, m.ar100];
        [name.to_owned()].into_iter().chain(values.map(percent)).collect()
    });
    let columns = ["", "AP", "AP50", "AP75", "small", "medium", "large", "AR@1", "AR@10", "AR@100"];
    page.table(&columns, &shapes);
    page.heading("Precision and recall");
    page.picture("Precision against recall at IoU 0.50", curves);
    page.heading("Categories");
    let rows: Vec<Vec<String>> = evaluation
        .categories
        .iter()
        .map(|category| {
            let values =
                [category.ap, category.ap50, category.ap75, category.ar100].map(|v| percent(Some(v)));
            [category.name.clone(), category.objects.to_string()]
                .into_iter()
                .chain(values)
                .chain([percent(category.box_ap)])
                .collect()
        })
        .collect();
    page.table(&["category", "objects", "AP", "AP50", "AP75", "AR@100", "box AP"], &rows);
    page.heading("Worst photos");
    page.text(&format!(
        "Lowest average precision at IoU 0.50 of the photo alone. Left: annotated objects. Right: predictions with a score \
         of at least {LEAST_SCORE}."
    ));
    page.picture("The worst photos", sheet);
    page.finish()
}

/// Draws the precision-recall curves of the mean over all categories and of the best categories.
fn curves(evaluation: &Evaluation) -> Result<Picture> {
    let line = |name: &str, precision: &[f64]| {
        let last = precision.len().saturating_sub(1).max(1) as f64;
        let points = precision.iter().enumerate().map(|(at, p)| (at as f64 / last, *p)).collect();
        Line { name: name.to_owned(), points, ..Line::default() }
    };
    let count = evaluation.categories.len().max(1) as f64;
    let length = evaluation.categories.first().map_or(0, |category| category.precision50.len());
    let mean: Vec<f64> = (0..length)
        .map(|at| evaluation.categories.iter().map(|c| c.precision50[at]).sum::<f64>() / count)
        .collect();
    let mut lines = vec![line("all categories", &mean)];
    lines.extend(evaluation.categories.iter().take(MOST_CURVES).map(|c| line(&c.name, &c.precision50)));
    let words = Words { title: "masks, IoU 0.50", x: "recall", y: "precision", x_names: &[] };
    chart(words, &lines, Some([(0.0, 0.0), (1.0, 1.0)]))
}

/// Draws one row per photo: annotated objects on the left, found objects on the right.
fn sheet(
    truth: &CocoDataset,
    images: &PhotoFolder,
    predictions: &[Prediction],
    photos: &[PhotoResult],
) -> Result<Picture> {
    let mut rows = Vec::new();
    for result in photos.iter().take(WORST) {
        let Some(listed) = truth.images.iter().find(|image| image.id == result.image_id) else { continue };
        let photo = images.photo(listed)?;
        let shown = [annotated(truth, listed), found(truth, listed, predictions)];
        let pictures = shown.map(|objects| {
            let scale = (f64::from(CELL) / photo.width().max(photo.height()) as f64).min(1.0);
            let [width, height] =
                [photo.width(), photo.height()].map(|side| ((side as f64 * scale) as u32).max(1));
            imageops::thumbnail(&overlay(&photo, &Object::all(&objects)), width, height)
        });
        rows.push(pictures);
    }
    let height: u32 = rows.iter().map(|[left, _]| left.height() + 8).sum();
    let mut sheet = Picture::from_pixel(2 * CELL + 8, height.max(1), Rgb([255; 3]));
    let mut top = 0;
    for [left, right] in rows {
        imageops::replace(&mut sheet, &left, 0, top);
        imageops::replace(&mut sheet, &right, i64::from(CELL) + 8, top);
        top += i64::from(left.height()) + 8;
    }
    Ok(sheet)
}

fn annotated(truth: &CocoDataset, photo: &CocoImage) -> Vec<Instance> {
    let own = truth.annotations.iter().filter(|a| a.image_id == photo.id && !a.iscrowd);
    own.filter_map(|annotation| {
        let rle = annotation.segmentation.to_rle(photo.width, photo.height).ok()?;
        Some(instance(truth, annotation.category_id, 1.0, rle.to_mask().ok()?))
    })
    .collect()
}

fn found(truth: &CocoDataset, photo: &CocoImage, predictions: &[Prediction]) -> Vec<Instance> {
    let own = predictions.iter().filter(|p| p.image_id == photo.id && p.score >= LEAST_SCORE);
    own.filter_map(|prediction| {
        let CompressedMask { size, counts } = &prediction.segmentation;
        let mask = Rle::from_coco_string(*size, counts).ok()?.to_mask().ok()?;
        Some(instance(truth, prediction.category_id, prediction.score, mask))
    })
    .collect()
}

fn instance(truth: &CocoDataset, category: u64, score: f32, mask: BinaryMask) -> Instance {
    let named = truth.categories.iter().position(|known| known.id == category);
    let label = named.map_or_else(String::new, |at| truth.categories[at].name.clone());
    Instance { category: named.unwrap_or(0), label, score, bbox: mask.bbox(), mask }
}
