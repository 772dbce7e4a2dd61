//! COCO average precision of masks and boxes, computed by `hotcoco`.

use std::collections::BTreeMap;

use hotcoco::params::IouType;
use hotcoco::types::Annotation;
use hotcoco::{COCO, COCOeval};
use serde::Serialize;

use super::EvalError;
use super::coco::dataset;
use crate::data::coco::CocoDataset;

/// COCO's twelve metrics, each 0 to 1, or `None` if the annotations hold no such object.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// AP over IoU 0.50 to 0.95.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// AP at IoU 0.50.
    #[serde(rename = "AP50")]
    pub ap50: Option<f64>,
    /// AP at IoU 0.75.
    #[serde(rename = "AP75")]
    pub ap75: Option<f64>,
    /// AP of objects below 32² pixels.
    #[serde(rename = "APs")]
    pub ap_small: Option<f64>,
    /// AP of objects from 32² to 96² pixels.
    #[serde(rename = "APm")]
    pub ap_medium: Option<f64>,
    /// AP of objects above 96² pixels.
    #[serde(rename = "APl")]
    pub ap_large: Option<f64>,
    /// Average recall with one detection per photo.
    #[serde(rename = "AR1")]
    pub ar1: Option<f64>,
    /// Average recall with ten detections per photo.
    #[serde(rename = "AR10")]
    pub ar10: Option<f64>,
    /// Average recall with a hundred detections per photo.
    #[serde(rename = "AR100")]
    pub ar100: Option<f64>,
    /// Average recall of small objects.
    #[serde(rename = "ARs")]
    pub ar_small: Option<f64>,
    /// Average recall of medium objects.
    #[serde(rename = "ARm")]
    pub ar_medium: Option<f64>,
    /// Average recall of large objects.
    #[serde(rename = "ARl")]
    pub ar_large: Option<f64>,
    /// AP of each category that has objects, by name.
    pub per_category: BTreeMap<String, f64>,
}

/// The shapes between which overlap is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// The masks.
    Masks,
    /// The tight boxes around the masks; the size class of an object still depends on its mask, as in
    /// `pycocotools`.
    Boxes,
}

/// Runs the evaluator; `masks` says whether the detections have masks.
pub(super) fn judge(
    truth: &CocoDataset,
    found: &[Annotation],
    (shape, masks): (Shape, bool),
) -> Result<COCOeval, EvalError> {
    let truth = COCO::from_dataset(dataset(truth, masks)?);
    let kind = match shape {
        Shape::Masks => IouType::Segm,
        Shape::Boxes => IouType::Bbox,
    };
    let found = truth.load_res_anns(found.to_vec())?;
    let mut judge = COCOeval::new(truth, found, kind);
    judge.evaluate()?;
    judge.accumulate();
    judge.summarize_lines();
    Ok(judge)
}

pub(super) fn metrics(judge: &COCOeval) -> Result<Metrics, EvalError> {
    let report = judge.report()?;
    let metric = |name: &str| report.metrics.get(name).copied().filter(|value| *value >= 0.0);
    Ok(Metrics {
        ap: metric("AP"),
        ap50: metric("AP50"),
        ap75: metric("AP75"),
        ap_small: metric("APs"),
        ap_medium: metric("APm"),
        ap_large: metric("APl"),
        ar1: metric("AR1"),
        ar10: metric("AR10"),
        ar100: metric("AR100"),
        ar_small: metric("ARs"),
        ar_medium: metric("ARm"),
        ar_large: metric("ARl"),
        per_category: report
            .per_class
            .iter()
            .filter_map(|(name, metrics)| Some((name.clone(), *metrics.get("AP")?)))
            .collect(),
    })
}
