//! Files in COCO's results format, written by any program.

use std::collections::HashMap;
use std::path::Path;

use hotcoco::types::{Annotation, Segmentation as Mask};
use serde_json::Value;

use super::coco::bbox;
use super::{CompressedMask, EvalError, Prediction};
use crate::data::coco::{CocoDataset, CocoImage, Entry, Id, Segmentation, read_list};
use crate::data::{LeftOut, Reason};

/// The detections of a program, in the order of its file: of those with equal scores, the first comes first.
#[derive(Debug, Clone)]
pub struct Results {
    rows: Vec<Annotation>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// A row as it is written in the file.
struct Row {
    name: String,
    image: Id,
    category: Id,
    bbox: Option<[f64; 4]>,
    outline: Option<Segmentation>,
    score: f64,
}

fn row(entry: &Entry) -> Result<Row, String> {
    let empty = |value: &&Value| value.as_array().is_some_and(Vec::is_empty);
    let outline = entry
        .value("segmentation")
        .filter(|value| !empty(value))
        .map(|value| Segmentation::read(Some(value)));
    let outline = outline.transpose().map_err(|fault| format!("{}: {fault}", entry.name()))?;
    let bbox = entry.bbox("bbox").transpose()?;
    if outline.is_none() && bbox.is_none() {
        return Err(format!("{}: it has neither `segmentation` nor `bbox`", entry.name()));
    }
    Ok(Row {
        name: entry.name(),
        image: entry.id("image_id")?,
        category: entry.id("category_id")?,
        bbox,
        outline: outline.map(|(outline, _)| outline),
        score: entry
            .number("score")
            .filter(|score| score.is_finite())
            .ok_or_else(|| entry.wrong("score", "a number"))?,
    })
}

impl Results {
    /// Reads the results of a program for the photos of `dataset`. Results of unlisted categories are left
    /// out.
    ///
    /// # Errors
    /// [`EvalError::Results`] naming the row at fault: one without a score, of an unlisted photo, or with a
    /// mask that does not fit.
    pub fn load(path: &Path, dataset: &CocoDataset) -> Result<Self, EvalError> {
        let refused = |reason: String| EvalError::Results { path: path.to_path_buf(), reason };
        let listed = read_list(path, "results", row)?.map_err(refused)?;
        let images: HashMap<u64, &CocoImage> = dataset.images.iter().map(|image| (image.id, image)).collect();
        let mut results = Self { rows: Vec::with_capacity(listed.len()), left_out: LeftOut::default() };
        // pycocotools takes all results to have the same form as the first.
        let mut boxed = None;
        for listed in listed {
            let row = listed.map_err(refused)?;
            let unknown = || refused(format!("{}: image {} is not in the annotations", row.name, row.image));
            let image = dataset.image_ids.number(&row.image).ok_or_else(unknown)?;
            let Some(category_id) = dataset.category_ids.number(&row.category) else {
                results
                    .left_out
                    .add(Reason::OtherCategory, &format!("{}: category {}", row.name, row.category));
                continue;
            };
            let image = images.get(&image).copied().ok_or_else(unknown)?;
            let segmentation = row.outline.as_ref().map(|outline| mask(outline, image)).transpose();
            let segmentation = segmentation.map_err(|reason| refused(format!("{}: {reason}", row.name)))?;
            let boxed = *boxed.get_or_insert(row.bbox.is_some());
            if !boxed && segmentation.is_none() {
                return Err(refused(format!("{}: it has no mask, but the first result has one", row.name)));
            }
            let bbox = row.bbox.or_else(|| segmentation.as_ref().filter(|_| boxed).map(|(_, bbox)| *bbox));
            let (image_id, score) = (image.id, Some(row.score));
            let segmentation = segmentation.map(|(mask, _)| mask);
            results.rows.push(Annotation {
                image_id,
                category_id,
                bbox,
                segmentation,
                score,
                ..Annotation::default()
            });
        }
        Ok(results)
    }

    /// Returns the number of detections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there is no detection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns whether there are masks, not only boxes; true if there is no result.
    #[must_use]
    pub fn have_masks(&self) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|row| row.segmentation.is_some())
    }

    /// Removes the results of some photos.
    #[must_use]
    pub fn without(mut self, photos: &[u64]) -> Self {
        let left_out = &mut self.left_out;
        self.rows.retain(|row| {
            let is_left_out = photos.contains(&row.image_id);
            if is_left_out {
                left_out.add(Reason::OtherPhoto, &format!("image {}", row.image_id));
            }
            !is_left_out
        });
        self
    }

    /// Assigns all results to one category.
    #[must_use]
    pub fn of_category(mut self, category_id: u64) -> Self {
        self.rows.iter_mut().for_each(|row| row.category_id = category_id);
        self
    }

    /// Returns the masks as predictions, for drawing.
    #[must_use]
    pub fn predictions(&self) -> Vec<Prediction> {
        let prediction = |row: &Annotation| {
            let Some(Mask::CompressedRle { size, counts }) = &row.segmentation else { return None };
            let segmentation =
                CompressedMask { size: size.map(|side| side as usize), counts: counts.clone() };
            let score = row.score.unwrap_or_default() as f32;
            Some(Prediction { image_id: row.image_id, category_id: row.category_id, segmentation, score })
        };
        self.rows.iter().filter_map(prediction).collect()
    }

    pub(super) fn rows(&self) -> &[Annotation] {
        &self.rows
    }
}

/// Returns the mask of a result, and the box around it.
fn mask(outline: &Segmentation, image: &CocoImage) -> Result<(Mask, [f64; 4]), String> {
    let rle = outline.to_rle(image.width, image.height).map_err(|error| error.to_string())?;
    let around = bbox(&rle);
    Ok((Mask::CompressedRle { size: rle.size.map(|side| side as u32), counts: rle.to_coco_string() }, around))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::eval::{Evaluation, evaluate_results};

    /// Two photos with an object each, of which the second has a box only.
    fn truth() -> CocoDataset {
        let truth = json!({
            "images": [{"id": 1, "file_name": "a", "width": 40, "height": 30}, {"id": "x", "file_name": "b", "width": 40, "height": 30}],
            "annotations": [
                {"id": 1, "image_id": 1, "category_id": 7, "segmentation": [[4, 4, 24, 4, 24, 14, 4, 14]]},
                {"id": 2, "image_id": "x", "category_id": 7, "bbox": [10, 10, 20, 10]}],
            "categories": [{"id": 7, "name": "cat"}]
        });
        serde_json::from_value(truth).unwrap()
    }

    fn load(rows: &Value, truth: &CocoDataset) -> Result<Results, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("found.json");
        fs::write(&path, rows.to_string()).unwrap();
        Results::load(&path, truth).map_err(|error| error.to_string())
    }

    fn judged(rows: &Value, truth: &CocoDataset) -> Evaluation {
        evaluate_results(truth, &load(rows, truth).unwrap()).unwrap()
    }

    #[test]
    fn boxes_alone_are_judged_as_boxes() {
        let rows = json!([
            {"image_id": 1, "category_id": 7, "score": 0.9, "bbox": [4, 4, 20, 10], "segmentation": []},
            {"image_id": "x", "category_id": 7, "score": 0.8, "bbox": [10, 10, 20, 10]}]);
        let found = judged(&rows, &truth());
        assert_eq!((found.boxes.ap, found.masks.ap), (Some(1.0), None));
        assert_eq!((found.categories[0].ap, found.photos.len()), (1.0, 2));
    }

    #[test]
    fn masks_are_judged_in_every_spelling() {
        let mut truth = truth();
        truth.annotations.truncate(1);
        let polygons = vec![vec![4.0, 4.0, 24.0, 4.0, 24.0, 14.0, 4.0, 14.0]];
        let rle = Segmentation::Polygons(polygons.clone()).to_rle(40, 30).unwrap();
        let plain = json!({"size": [30, 40], "counts": rle.counts});
        let packed = json!({"size": [30, 40], "counts": rle.to_coco_string()});
        for outline in [json!(polygons), plain, packed] {
            let found = judged(
                &json!([{"image_id": 1, "category_id": 7, "score": 0.9, "segmentation": outline}]),
                &truth,
            );
            assert!(
                [found.boxes.ap, found.masks.ap].iter().all(|ap| ap.is_some_and(|ap| ap > 0.999)),
                "{found:?}"
            );
        }
        assert_eq!(judged(&json!([]), &truth).masks.ap, Some(0.0), "nothing found");
    }

    #[test]
    fn rows_at_fault_are_named() {
        let good = json!({"image_id": 1, "category_id": 7, "score": 0.9, "bbox": [4, 4, 20, 10]});
        for (key, value, expected) in [
            ("image_id", json!(9), "results[1]: image 9 is not in the annotations"),
            ("score", json!(null), "results[1]: `score` is null, not a number"),
            ("score", json!("nan"), "results[1]: `score`"),
            ("bbox", json!([1, 2]), "results[1]: `bbox` is a list"),
            ("bbox", json!([]), "results[1]: it has neither `segmentation` nor `bbox`"),
            (
                "segmentation",
                json!({"size": [3, 3], "counts": [9]}),
                "results[1]: its mask is 3×3, the photo 40×30",
            ),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            let error = load(&json!([good, bad]), &truth()).unwrap_err();
            assert!(error.contains(expected) && error.contains("found.json"), "{error}");
        }
        assert!(
            load(&json!({"annotations": []}), &truth())
                .unwrap_err()
                .contains("found an object where a list of results is expected")
        );
        let other = json!([good, {"image_id": 1, "category_id": 8, "score": 0.9, "bbox": [4, 4, 20, 10]}]);
        let results = load(&other, &truth()).unwrap();
        assert_eq!((results.len(), results.left_out.count(Reason::OtherCategory)), (1, 1));
    }
}
