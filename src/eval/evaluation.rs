//! Evaluation of masks and boxes, for each category and each photo.

use hotcoco::COCOeval;
use hotcoco::types::Annotation;
use serde::Serialize;

use super::average_precision::{Shape, judge, metrics};
use super::coco::mask;
use super::{EvalError, Metrics, Prediction, Results};
use crate::data::coco::CocoDataset;

/// The metrics of predictions by COCO's rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Metrics of masks.
    pub masks: Metrics,
    /// Metrics of the tight boxes around the masks.
    pub boxes: Metrics,
    /// Each category that has objects, by its mask AP, best first.
    pub categories: Vec<CategoryResult>,
    /// Each photo that has objects, worst first.
    pub photos: Vec<PhotoResult>,
}

/// The metrics of one category, 0 to 1 each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryResult {
    /// Its name.
    pub name: String,
    /// Number of annotated objects, without crowds.
    pub objects: usize,
    /// Mask AP over IoU 0.50 to 0.95.
    #[serde(rename = "AP")]
    pub ap: f64,
    /// Mask AP at IoU 0.50.
    #[serde(rename = "AP50")]
    pub ap50: f64,
    /// Mask AP at IoU 0.75.
    #[serde(rename = "AP75")]
    pub ap75: f64,
    /// Mask recall over IoU 0.50 to 0.95, with a hundred detections per photo.
    #[serde(rename = "AR100")]
    pub ar100: f64,
    /// Box AP over IoU 0.50 to 0.95.
    pub box_ap: Option<f64>,
    /// Mask precision at IoU 0.50 where recall reaches 0, 0.01, … 1: 101 values.
    pub precision50: Vec<f64>,
}

/// The metrics of one photo.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhotoResult {
    /// Its id in the annotations.
    pub image_id: u64,
    /// Mask AP at IoU 0.50 of this photo alone, all categories together, 0 to 1.
    pub ap50: f64,
    /// Number of objects that no mask matches at IoU 0.50.
    pub missed: u32,
}

/// Evaluates masks and boxes with exactly the results of `pycocotools`; the categories of both sides must be
/// those of `truth`.
///
/// # Errors
/// [`EvalError::Annotation`] for an outline that is not a mask of its photo, [`EvalError::Metric`] for an
/// invalid prediction.
pub fn evaluate(truth: &CocoDataset, predictions: &[Prediction]) -> Result<Evaluation, EvalError> {
    of_rows(truth, &predictions.iter().map(mask).collect::<Vec<_>>(), true)
}

/// Evaluates results of any program, as [`evaluate`] does; if they have boxes only, masks have no metrics,
/// and those of categories and photos are of boxes.
///
/// # Errors
/// The errors of [`evaluate`].
pub fn evaluate_results(truth: &CocoDataset, results: &Results) -> Result<Evaluation, EvalError> {
    of_rows(truth, results.rows(), results.have_masks())
}

fn of_rows(truth: &CocoDataset, found: &[Annotation], masks: bool) -> Result<Evaluation, EvalError> {
    let by_box = judge(truth, found, (Shape::Boxes, masks))?;
    let boxes = metrics(&by_box)?;
    let by_mask = if masks { Some(judge(truth, found, (Shape::Masks, masks))?) } else { None };
    let first = by_mask.as_ref().unwrap_or(&by_box);
    Ok(Evaluation {
        masks: by_mask.as_ref().map(metrics).transpose()?.unwrap_or_default(),
        categories: categories(truth, first, &boxes),
        boxes,
        photos: photos(first)?,
    })
}

/// Indices on the evaluator's axes: all areas, a hundred detections.
const ALL_AREAS: usize = 0;
const MOST_DETECTIONS: usize = 2;
/// Indices of IoU 0.50 and 0.75 among the thresholds.
const HALF: usize = 0;
const THREE_QUARTERS: usize = 5;

fn categories(truth: &CocoDataset, judge: &COCOeval, boxes: &Metrics) -> Vec<CategoryResult> {
    let Some(counted) = judge.accumulated() else { return Vec::new() };
    let thresholds = 0..counted.shape.t;
    let result = |(k, id): (usize, &u64)| {
        let name = truth.categories.iter().find(|category| category.id == *id)?.name.clone();
        let curve = |t: usize| -> Vec<f64> {
            let at = |r| counted.precision[counted.precision_idx(t, r, k, ALL_AREAS, MOST_DETECTIONS)];
            (0..counted.shape.r).map(at).collect()
        };
        let recall = |t: usize| counted.recall[counted.recall_idx(t, k, ALL_AREAS, MOST_DETECTIONS)];
        let precision50 = curve(HALF);
        // The evaluator gives −1 if there are no objects.
        (recall(HALF) >= 0.0).then(|| CategoryResult {
            objects: truth.annotations.iter().filter(|a| a.category_id == *id && !a.iscrowd).count(),
            ap: mean(&thresholds.clone().flat_map(curve).collect::<Vec<_>>()),
            ap50: mean(&precision50),
            ap75: mean(&curve(THREE_QUARTERS)),
            ar100: mean(&thresholds.clone().map(recall).collect::<Vec<_>>()),
            box_ap: boxes.per_category.get(&name).copied(),
            precision50,
            name,
        })
    };
    let mut results: Vec<CategoryResult> = counted.cat_ids.iter().enumerate().filter_map(result).collect();
    results.sort_by(|a, b| b.ap.total_cmp(&a.ap));
    results
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn photos(judge: &COCOeval) -> Result<Vec<PhotoResult>, EvalError> {
    // The score threshold only matters for suspected labelling errors, which are not used.
    let diagnostics = judge.image_diagnostics(0.5, 1.0)?;
    let mut photos: Vec<PhotoResult> = diagnostics
        .images
        .iter()
        .filter(|(_, photo)| photo.tp + photo.fn_count > 0)
        .map(|(&image_id, photo)| PhotoResult { image_id, ap50: photo.ap, missed: photo.fn_count })
        .collect();
    photos.sort_by(|a, b| {
        a.ap50.total_cmp(&b.ap50).then(b.missed.cmp(&a.missed)).then(a.image_id.cmp(&b.image_id))
    });
    Ok(photos)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::eval::CompressedMask;

    #[derive(Deserialize)]
    struct Recorded {
        stats: BTreeMap<String, f64>,
        classes: BTreeMap<String, BTreeMap<String, Value>>,
    }

    fn case() -> (CocoDataset, Vec<Prediction>) {
        let mut case: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/coco_ap.json")).unwrap();
        let images = case["gt"]["images"].as_array_mut().unwrap();
        images.iter_mut().for_each(|image| image["file_name"] = json!(""));
        let gt = serde_json::from_value(case["gt"].take()).unwrap();
        (gt, serde_json::from_value(case["dets"].take()).unwrap())
    }

    fn recorded() -> BTreeMap<String, Recorded> {
        serde_json::from_str(include_str!("../../tests/fixtures/coco_ap_more.json")).unwrap()
    }

    fn assert_same(found: f64, expected: &Value, what: &str) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{what}: {found} instead of {expected}");
    }

    fn assert_bit_equal(found: &Evaluation, recorded: &BTreeMap<String, Recorded>) {
        let known = [("masks", &found.masks), ("boxes", &found.boxes)];
        for (shape, metrics) in known.into_iter().filter(|(shape, _)| recorded.contains_key(*shape)) {
            let numbers = serde_json::to_value(metrics).unwrap();
            for (name, expected) in &recorded[shape].stats {
                // pycocotools gives −1 for what cannot be measured.
                let found = numbers[name].as_f64().unwrap_or(-1.0);
                assert_eq!(found.to_bits(), expected.to_bits(), "{shape} {name}: {found} for {expected}");
            }
        }
    }

    #[test]
    fn masks_and_boxes_equal_pycocotools() {
        let (truth, predictions) = case();
        assert_bit_equal(&evaluate(&truth, &predictions).unwrap(), &recorded());
    }

    #[test]
    fn more_detections_than_count_and_tied_scores_equal_pycocotools() {
        assert_case(include_str!("../../tests/fixtures/coco_ap_crowded.json"));
    }

    #[test]
    #[ignore = "needs Python with pycocotools; make parity-full runs it"]
    fn random_cases_equal_pycocotools() {
        let folder = std::env::var("AP_CASES").unwrap();
        let cases: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
        assert!(cases.len() > 100);
        cases
            .into_iter()
            .for_each(|case| assert_case(&std::fs::read_to_string(case.unwrap().path()).unwrap()));
    }

    #[test]
    fn results_of_other_programs_equal_pycocotools() {
        assert_results(
            &serde_json::from_str(include_str!("../../tests/fixtures/coco_ap_results.json")).unwrap(),
        );
    }

    /// Checks masks with their own boxes, then boxes alone, read from a file.
    fn assert_results(case: &Value) {
        let truth: CocoDataset = serde_json::from_value(case["gt"].clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (form, shapes) in [("boxed", &["masks", "boxes"][..]), ("boxes", &["boxes"])] {
            let path = folder.path().join(form);
            std::fs::write(&path, case[form]["dets"].to_string()).unwrap();
            let results = Results::load(&path, &truth).unwrap();
            assert_eq!(results.have_masks(), shapes.len() == 2);
            let found = evaluate_results(&truth, &results).unwrap();
            let recorded = |shape: &str| serde_json::from_value(case[form][shape].clone()).unwrap();
            let all = shapes.iter().map(|shape| ((*shape).to_owned(), recorded(shape))).collect();
            assert_bit_equal(&found, &all);
            let classes = &all[shapes[0]].classes;
            for category in found.categories {
                assert_same(category.ap, &classes[&category.name]["AP"], "AP");
                assert_same(category.ar100, &classes[&category.name]["AR100"], "AR100");
            }
        }
    }

    fn assert_case(text: &str) {
        let mut case: Value = serde_json::from_str(text).unwrap();
        if case["others"].is_object() {
            assert_results(&case["others"]);
        }
        let truth = serde_json::from_value(case["gt"].take()).unwrap();
        let predictions: Vec<Prediction> = serde_json::from_value(case["dets"].take()).unwrap();
        let recorded = ["masks", "boxes"]
            .map(|shape| (shape.to_owned(), serde_json::from_value(case[shape].take()).unwrap()));
        assert_bit_equal(&evaluate(&truth, &predictions).unwrap(), &BTreeMap::from(recorded));
    }

    #[test]
    fn categories_and_curves_equal_pycocotools() {
        let (truth, predictions) = case();
        let found = evaluate(&truth, &predictions).unwrap();
        let recorded = recorded();
        assert_eq!(found.categories.len(), recorded["masks"].classes.len());
        for category in found.categories {
            let expected = &recorded["masks"].classes[&category.name];
            assert_same(category.ap, &expected["AP"], "AP");
            assert_same(category.ap50, &expected["AP50"], "AP50");
            assert_same(category.ap75, &expected["AP75"], "AP75");
            assert_same(category.ar100, &expected["AR100"], "AR100");
            assert_same(category.box_ap.unwrap(), &recorded["boxes"].classes[&category.name]["AP"], "box AP");
            let curve = expected["curve50"].as_array().unwrap();
            assert_eq!(curve.len(), category.precision50.len());
            for (found, expected) in category.precision50.iter().zip(curve) {
                assert_same(*found, expected, "precision");
            }
        }
    }

    #[test]
    fn perfect_predictions_score_one_and_none_score_zero() {
        let (truth, _) = case();
        let perfect: Vec<Prediction> = truth
            .annotations
            .iter()
            .filter(|annotation| !annotation.iscrowd)
            .map(|annotation| {
                let image = truth.images.iter().find(|image| image.id == annotation.image_id).unwrap();
                let rle = annotation.segmentation.to_rle(image.width, image.height).unwrap();
                Prediction {
                    image_id: annotation.image_id,
                    category_id: annotation.category_id,
                    segmentation: CompressedMask { size: rle.size, counts: rle.to_coco_string() },
                    score: 1.0,
                }
            })
            .collect();
        assert_eq!(evaluate(&truth, &perfect).unwrap().masks.ap50, Some(1.0));
        let nothing = evaluate(&truth, &[]).unwrap();
        assert_eq!([nothing.masks.ap, nothing.boxes.ap], [Some(0.0); 2]);
        assert_eq!(evaluate(&CocoDataset::default(), &[]).unwrap().masks.ap, None);
    }

    #[test]
    fn a_broken_prediction_is_an_error() {
        let (truth, mut predictions) = case();
        predictions[0].score = f32::NAN;
        assert!(matches!(evaluate(&truth, &predictions), Err(EvalError::Metric(_))));
    }

    #[test]
    fn boxes_left_out_are_those_of_the_masks() {
        let (mut truth, predictions) = case();
        let expected = evaluate(&truth, &predictions).unwrap();
        truth.annotations.iter_mut().for_each(|annotation| annotation.bbox = None);
        assert_eq!(evaluate(&truth, &predictions).unwrap().boxes, expected.boxes);
    }

    #[test]
    fn areas_count_as_they_are_told() {
        let (mut truth, predictions) = case();
        truth.annotations.iter_mut().for_each(|annotation| annotation.area = Some(0.0));
        let masks = evaluate(&truth, &predictions).unwrap().masks;
        assert!(masks.ap_small.is_some() && [masks.ap_medium, masks.ap_large] == [None; 2], "{masks:?}");
    }

    #[test]
    fn the_worst_photos_come_first() {
        let (truth, predictions) = case();
        let worst = evaluate(&truth, &predictions).unwrap().photos;
        assert!(worst.is_sorted_by(|a, b| a.ap50 <= b.ap50));
        let without: Vec<Prediction> =
            predictions.into_iter().filter(|p| p.image_id != worst[3].image_id).collect();
        let photos = evaluate(&truth, &without).unwrap().photos;
        let now = photos.iter().find(|photo| photo.image_id == worst[3].image_id).unwrap();
        assert_eq!(now.ap50, 0.0, "a photo without predictions");
        assert!(now.missed >= worst[3].missed && now.missed > 0);
        assert_eq!(photos.len(), worst.len());
    }
}
