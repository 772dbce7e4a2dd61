//! Interactive segmentation: the mean IoU over all objects after a number of clicks.
//!
//! The first click is on the pixel of the object farthest from its border; each later one on the pixel
//! farthest from the border of the missed or of the wrongly covered area, whichever is deeper (the usual
//! protocol, <https://arxiv.org/abs/2102.06583>). The edge of the photo counts as a border.

use serde::Serialize;

use super::EvalError;
use crate::data::coco::{CocoAnnotation, CocoDataset, CocoImage};
use crate::data::{DataError, PhotoFolder};
use crate::engine::{Encoded, Engine};
use crate::mask::BinaryMask;
use crate::prompt::{Point, Prompt};

/// COCO's minimum areas of medium and large objects, in pixels.
const MEDIUM: f64 = 1024.0;
const LARGE: f64 = 9216.0;

/// The metrics after a number of clicks on each object, 0 to 1 each; `None` if there is no such object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClickMetrics {
    /// Number of clicks on each object.
    pub clicks: usize,
    /// Number of objects, without crowds and objects without a pixel.
    pub objects: usize,
    /// Mean IoU over all objects.
    #[serde(rename = "mIoU")]
    pub mean_iou: Option<f64>,
    /// Mean IoU over objects of less than 32² pixels.
    #[serde(rename = "mIoU_small")]
    pub mean_iou_small: Option<f64>,
    /// Mean IoU over objects from 32² to 96² pixels.
    #[serde(rename = "mIoU_medium")]
    pub mean_iou_medium: Option<f64>,
    /// Mean IoU over objects from 96² pixels on.
    #[serde(rename = "mIoU_large")]
    pub mean_iou_large: Option<f64>,
}

/// An object, and the IoU of its mask after each click.
struct Clicked {
    area: f64,
    ious: Vec<f64>,
}

/// Clicks on every object of `dataset`, whose photos are in `images`; returns the metrics after 1, 2, …
/// `clicks` clicks. `done` is called after each photo.
///
/// # Errors
/// [`EvalError`] naming the photo or annotation that cannot be used, or the engine's failure.
pub async fn click_dataset(
    engine: &Engine,
    dataset: &CocoDataset,
    images: &PhotoFolder,
    clicks: usize,
    mut done: impl FnMut(),
) -> Result<Vec<ClickMetrics>, EvalError> {
    let of_image = dataset.annotations_by_image();
    let mut clicked = Vec::new();
    for image in &dataset.images {
        dataset.unbroken(image)?;
        let objects = of_image.get(&image.id).into_iter().flatten().filter(|object| !object.iscrowd);
        let encoded = engine.encode(&images.photo(image)?).await?;
        for object in objects {
            let truth = mask(object, image)?;
            if truth.area() == 0 {
                continue;
            }
            let area = object.area.unwrap_or(truth.area() as f64);
            clicked.push(Clicked { area, ious: click(engine, &encoded, &truth, clicks).await? });
        }
        done();
    }
    Ok((1..=clicks).map(|count| metrics(&clicked, count)).collect())
}

/// Returns the IoU after each click; once the mask is perfect, it stays.
async fn click(
    engine: &Engine,
    encoded: &Encoded,
    truth: &BinaryMask,
    clicks: usize,
) -> Result<Vec<f64>, EvalError> {
    let mut prompt = Prompt::default();
    let mut found = BinaryMask::empty(truth.width(), truth.height());
    let mut ious = Vec::new();
    while ious.len() < clicks {
        let Some(point) = next_click(&found, truth, &prompt.points) else {
            ious.resize(clicks, ious.last().copied().unwrap_or_default());
            break;
        };
        prompt.points.push(point);
        let instances = engine.find_at(encoded, &prompt, 1).await?;
        if let Some(instance) = instances.into_iter().next() {
            found = instance.mask;
        }
        ious.push(found.iou(truth));
    }
    Ok(ious)
}

/// Returns the centre of the largest error, except where a click was made already.
fn next_click(found: &BinaryMask, truth: &BinaryMask, clicked: &[Point]) -> Option<Point> {
    let deepest = |from: &BinaryMask, without: &BinaryMask| {
        let mut error = from.clone();
        error.subtract(without);
        clicked.iter().for_each(|point| error.set(point.x, point.y, false));
        error.deepest()
    };
    let (missed, wrong) = (deepest(truth, found), deepest(found, truth));
    let positive =
        missed.map(|deepest| deepest.squared_distance) >= wrong.map(|deepest| deepest.squared_distance);
    let deepest = if positive { missed } else { wrong }?;
    Some(Point { x: deepest.x, y: deepest.y, positive })
}

fn mask(object: &CocoAnnotation, image: &CocoImage) -> Result<BinaryMask, DataError> {
    let outline = |source| DataError::Outline { annotation: object.name(), source };
    let runs = object.segmentation.to_rle(image.width, image.height).map_err(outline)?;
    runs.to_mask().map_err(|error| outline(error.into()))
}

fn metrics(clicked: &[Clicked], clicks: usize) -> ClickMetrics {
    let mean = |is_meant: fn(f64) -> bool| {
        let meant = clicked.iter().filter(|object| is_meant(object.area));
        let ious: Vec<f64> = meant.map(|object| object.ious[clicks - 1]).collect();
        (!ious.is_empty()).then(|| ious.iter().sum::<f64>() / ious.len() as f64)
    };
    ClickMetrics {
        clicks,
        objects: clicked.len(),
        mean_iou: mean(|_| true),
        mean_iou_small: mean(|area| area < MEDIUM),
        mean_iou_medium: mean(|area| (MEDIUM..LARGE).contains(&area)),
        mean_iou_large: mean(|area| area >= LARGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(left: usize, top: usize, width: usize, height: usize) -> BinaryMask {
        BinaryMask::from_fn(60, 40, |x, y| {
            (left..left + width).contains(&x) && (top..top + height).contains(&y)
        })
    }

    #[test]
    fn clicks_go_to_the_middle_of_the_largest_error() {
        let truth = block(10, 10, 30, 11);
        let point = |x, y, positive| Some(Point { x, y, positive });
        let nothing = BinaryMask::empty(60, 40);
        assert_eq!(next_click(&nothing, &truth, &[]), point(15, 15, true));
        assert_eq!(next_click(&block(10, 10, 25, 11), &truth, &[]), point(37, 12, true), "what is missed");
        let larger = block(10, 10, 30, 30);
        assert_eq!(next_click(&larger, &truth, &[]), point(19, 30, false), "what is too much");
        assert_eq!(next_click(&truth, &truth, &[]), None);
        let clicked = [Point { x: 15, y: 15, positive: true }];
        let next = next_click(&nothing, &truth, &clicked).unwrap();
        assert!(next.positive && next != clicked[0], "never twice the same");
    }

    #[test]
    fn means_are_by_size() {
        let object = |area, first, second| Clicked { area, ious: vec![first, second] };
        let clicked = [object(100.0, 0.2, 0.4), object(1024.0, 0.5, 0.5), object(9216.0, 0.8, 1.0)];
        let [first, second] = [1, 2].map(|count| metrics(&clicked, count));
        assert_eq!(first.mean_iou, Some(0.5));
        assert_eq!(
            [second.mean_iou_small, second.mean_iou_medium, second.mean_iou_large],
            [Some(0.4), Some(0.5), Some(1.0)]
        );
        assert_eq!(metrics(&clicked[..1], 1).mean_iou_large, None);
    }
}
