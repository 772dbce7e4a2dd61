//! The COCO instances format: photos, outlines, categories.
//!
//! Two extra keys of a photo say what its annotations leave out: `exhaustive` (default true) and
//! `labelled_category_ids`. Where a photo is not exhaustive, objects of other categories may be there, unlabelled.
//! An annotation's `score`, as in COCO's results, tells how likely it is right (default: certainly).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::DataError;
use super::fingerprint::fingerprint;
use super::zip::{Zip, is_zip, read_through};
use crate::mask::{MaskError, Rle};

mod broken;

/// One annotation file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CocoDataset {
    /// The photos.
    pub images: Vec<CocoImage>,
    /// The objects of all photos.
    pub annotations: Vec<CocoAnnotation>,
    /// What the objects may be.
    pub categories: Vec<CocoCategory>,
    /// What is wrong with annotations that are none, by the photo they are of.
    #[serde(skip)]
    pub broken: BTreeMap<u64, String>,
}

/// One photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CocoImage {
    /// Unique in the file.
    pub id: u64,
    /// Path below the image folder.
    pub file_name: String,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Whether every object of every category is annotated.
    #[serde(default = "yes")]
    pub exhaustive: bool,
    /// When not exhaustive: the categories that are annotated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labelled_category_ids: Vec<u64>,
    /// Where the photo comes from; empty when not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// One object, or one crowd of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CocoAnnotation {
    /// Unique in the file.
    pub id: u64,
    /// The photo.
    pub image_id: u64,
    /// The category.
    pub category_id: u64,
    /// The outline.
    pub segmentation: Segmentation,
    /// Pixels inside, at the photo's size; where it is left out, the outline's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<f64>,
    /// `[x, y, width, height]` in pixels; where it is left out, that around the outline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<[f64; 4]>,
    /// Whether the region holds a group of objects that were not separated.
    #[serde(default, deserialize_with = "flag_from_int", serialize_with = "flag_to_int")]
    pub iscrowd: bool,
    /// How likely it is that the object is there, above 0 to 1, where a model labelled the photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f32>,
}

/// What an object may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CocoCategory {
    /// Unique in the file; gaps are usual.
    pub id: u64,
    /// For example `zebra`.
    pub name: String,
    /// For example `animal`; empty when not told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub supercategory: String,
}

/// The outline of an object, in any of the three forms COCO knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "`segmentation` is neither polygons nor run lengths with their size")]
pub enum Segmentation {
    /// Corners `x, y, x, y, …` in pixels; several polygons are united.
    Polygons(Vec<Vec<f64>>),
    /// COCO's compressed text.
    Compressed {
        /// Height and width.
        size: [usize; 2],
        /// The text.
        counts: String,
    },
    /// Plain run lengths.
    Runs(Rle),
}

fn yes() -> bool {
    true
}

fn flag_from_int<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Int(u8),
        Bool(bool),
    }
    Ok(match Flag::deserialize(deserializer)? {
        Flag::Int(value) => value != 0,
        Flag::Bool(value) => value,
    })
}

fn flag_to_int<S: serde::Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(u8::from(*flag))
}

/// An outline that is no mask of its photo.
#[derive(Debug, thiserror::Error)]
pub enum OutlineError {
    /// A run-length form is broken.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// A polygon could not be filled.
    #[error("its polygons cannot be filled: {0}")]
    Polygon(String),
    /// A mask of another size than its photo.
    #[error("its mask is {}×{}, the photo {width}×{height}", size[1], size[0])]
    Size {
        /// Height and width of the mask.
        size: [usize; 2],
        /// Width of the photo.
        width: usize,
        /// Height of the photo.
        height: usize,
    },
}

impl Segmentation {
    /// The mask of a `width` × `height` photo; polygons are filled exactly as `pycocotools` fills them.
    ///
    /// # Errors
    ///
    /// A broken run-length form, corners that are not finite pairs, or a mask that does not fit the photo.
    pub fn to_rle(&self, width: usize, height: usize) -> Result<Rle, OutlineError> {
        let rle = match self {
            Self::Polygons(polygons) => fill(polygons, width, height)?,
            Self::Compressed { size, counts } => Rle::from_coco_string(*size, counts)?,
            Self::Runs(rle) => rle.clone(),
        };
        if rle.size != [height, width] {
            return Err(OutlineError::Size { size: rle.size, width, height });
        }
        let covered = rle.counts.iter().map(|&run| u64::from(run)).sum();
        if covered != (width * height) as u64 {
            return Err(MaskError::WrongCover { covered, width, height }.into());
        }
        Ok(rle)
    }
}

/// Corners further out than this many photo sides are refused: filling walks every edge pixel by pixel.
const REACH: f64 = 16.0;

fn fill(polygons: &[Vec<f64>], width: usize, height: usize) -> Result<Rle, OutlineError> {
    let limit = REACH * width.max(height) as f64;
    for polygon in polygons {
        if polygon.len() < 6 || polygon.len() % 2 != 0 {
            return Err(OutlineError::Polygon(format!(
                "{} numbers are not three x, y pairs or more",
                polygon.len()
            )));
        }
        if let Some(wild) = polygon.iter().find(|v| v.is_nan() || v.abs() > limit) {
            return Err(OutlineError::Polygon(format!("a corner at {wild} is far outside the photo")));
        }
    }
    let filled = u32::try_from(height)
        .and_then(|h| Ok((h, u32::try_from(width)?)))
        .map_err(|e| e.to_string())
        .and_then(|(h, w)| hotcoco::mask::fr_polys(polygons, h, w).map_err(|e| e.to_string()))
        .map_err(OutlineError::Polygon)?;
    Ok(Rle { size: [height, width], counts: filled.counts })
}

impl CocoDataset {
    /// Reads an annotation file and checks that its ids are unique and refer to each other. An annotation that is none is
    /// left out and told in [`broken`](Self::broken).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is no COCO instances file, or contradicts itself; the message names the file.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let refused = |reason| DataError::Annotations { path: path.to_path_buf(), reason };
        if is_zip(path) {
            let inside = Zip::open(path)?.names(".json").join(", ");
            return Err(refused(format!("name one of the files in it, as if it were a folder: {inside}")));
        }
        let bytes = read_through(path)?;
        let whole = serde_json::from_slice(&bytes);
        let dataset: Self =
            whole.or_else(|error| broken::left_out(&bytes, &error.to_string())).map_err(refused)?;
        dataset.check().map_err(refused)?;
        Ok(dataset)
    }

    /// Whether all annotations of the photo could be read.
    ///
    /// # Errors
    ///
    /// [`DataError::Annotation`]
    pub fn unbroken(&self, image: &CocoImage) -> Result<(), DataError> {
        self.broken.get(&image.id).map_or(Ok(()), |reason| Err(DataError::Annotation(reason.clone())))
    }

    fn check(&self) -> Result<(), String> {
        let images = unique("image", self.images.iter().map(|i| i.id))?;
        let categories = unique("category", self.categories.iter().map(|c| c.id))?;
        unique("annotation", self.annotations.iter().map(|a| a.id))?;
        if let Some((image, reason)) = self.broken.iter().find(|(image, _)| !images.contains(image)) {
            return Err(format!("{reason}; and its image {image} is not listed"));
        }
        for annotation in &self.annotations {
            let CocoAnnotation { id, image_id, category_id, .. } = annotation;
            if !images.contains(image_id) {
                return Err(format!("annotation {id} is of image {image_id}, which is not listed"));
            }
            if !categories.contains(category_id) {
                return Err(format!("annotation {id} has category {category_id}, which is not listed"));
            }
            if let Some(score) = annotation.score.filter(|&score| !(score > 0.0 && score <= 1.0)) {
                return Err(format!("annotation {id} has score {score}, which is not above 0 and up to 1"));
            }
        }
        Ok(())
    }

    /// What tells its photos and objects from others.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let images = self.images.iter().map(|image| format!("{image:?}"));
        // All that is said of an object is in its text.
        fingerprint(images.chain(self.annotations.iter().map(|object| format!("{object:?}"))))
    }

    /// The annotations of each image id, in file order.
    #[must_use]
    pub fn annotations_by_image(&self) -> HashMap<u64, Vec<&CocoAnnotation>> {
        let mut by_image: HashMap<u64, Vec<&CocoAnnotation>> = HashMap::new();
        for annotation in &self.annotations {
            by_image.entry(annotation.image_id).or_default().push(annotation);
        }
        by_image
    }
}

fn unique(what: &str, ids: impl Iterator<Item = u64>) -> Result<HashSet<u64>, String> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{what} id {id} appears twice"));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILE: &str = r#"{"info": {}, "images": [
        {"id": 1, "file_name": "a.jpg", "width": 4, "height": 3, "exhaustive": false, "labelled_category_ids": [17]},
        {"id": 2, "file_name": "b.jpg", "width": 4, "height": 3, "licence": "none"}],
      "annotations": [
        {"id": 1, "image_id": 1, "category_id": 17, "iscrowd": 0, "segmentation": [[1, 0, 3, 0, 3, 3, 1, 3]]},
        {"id": 2, "image_id": 2, "category_id": 17, "iscrowd": 1, "area": 6.0, "bbox": [1, 0, 2, 3],
         "segmentation": {"size": [3, 4], "counts": [3, 6, 3]}},
        {"id": 3, "image_id": 2, "category_id": 17, "score": 0.5, "segmentation": {"size": [3, 4], "counts": "363"}}],
      "categories": [{"id": 17, "name": "cat", "supercategory": "animal"}]}"#;

    fn load(text: &str) -> Result<CocoDataset, DataError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("instances.json");
        fs::write(&path, text).unwrap();
        CocoDataset::load(&path)
    }

    #[test]
    fn the_three_outline_forms_agree() {
        let dataset = load(FILE).unwrap();
        for annotation in &dataset.annotations {
            let rle = annotation.segmentation.to_rle(4, 3).unwrap();
            assert_eq!(rle.counts, [3, 6, 3], "annotation {}", annotation.id);
        }
        assert!(dataset.annotations[1].iscrowd && !dataset.annotations[2].iscrowd);
        assert!(!dataset.images[0].exhaustive && dataset.images[1].exhaustive);
        assert_eq!(dataset.annotations.iter().map(|a| a.score).collect::<Vec<_>>(), [None, None, Some(0.5)]);
        assert_eq!(dataset.annotations_by_image()[&2].len(), 2);
    }

    #[test]
    fn what_is_written_reads_back() {
        let dataset = load(FILE).unwrap();
        assert_eq!(load(&serde_json::to_string(&dataset).unwrap()).unwrap(), dataset);
    }

    #[test]
    fn contradictions_are_named() {
        for (from, to, expected) in [
            ("\"image_id\": 1", "\"image_id\": 9", "image 9"),
            ("\"category_id\": 17, \"iscrowd\": 0", "\"category_id\": 5", "category 5"),
            ("{\"id\": 2, \"file_name\"", "{\"id\": 1, \"file_name\"", "image id 1 appears twice"),
            ("\"width\": 4", "\"width\": \"four\"", "invalid type"),
            ("\"image_id\": 1", "\"image_id\": \"one\"", "annotation 1: invalid type"),
            ("\"image_id\": 2, \"category_id\": 17", "\"image_id\": 9, \"category_id\": \"cat\"", "image 9"),
            ("\"area\": 6.0", "\"score\": 1.5", "score 1.5"),
        ] {
            let message = load(&FILE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("instances.json"), "{message}");
        }
    }

    #[test]
    fn a_broken_annotation_is_told_of_its_photo() {
        let dataset = load(&FILE.replacen("\"area\": 6.0", "\"area\": \"six\"", 1)).unwrap();
        assert_eq!(dataset.annotations.len(), 2);
        dataset.unbroken(&dataset.images[0]).unwrap();
        let error = dataset.unbroken(&dataset.images[1]).unwrap_err().to_string();
        assert!(error.contains("annotation 2") && error.contains("six"), "{error}");
    }

    #[test]
    fn polygons_fill_as_pycocotools_fills_them() {
        #[derive(Deserialize)]
        struct Case {
            height: usize,
            width: usize,
            polygons: Vec<Vec<f64>>,
            counts: String,
        }
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/polygons.json")).unwrap();
        assert!(cases.len() > 30);
        for (index, Case { height, width, polygons, counts }) in cases.into_iter().enumerate() {
            let filled = Segmentation::Polygons(polygons).to_rle(width, height).unwrap();
            assert_eq!(filled.to_coco_string(), counts, "case {index}");
        }
    }

    #[test]
    fn outlines_that_are_no_mask_of_the_photo_are_refused() {
        let polygon = |corners: &[f64]| Segmentation::Polygons(vec![corners.to_vec()]).to_rle(4, 3);
        assert!(polygon(&[0.0, 0.0, 1.0, 1.0]).is_err(), "two corners");
        assert!(polygon(&[0.0, 0.0, 1.0, 1.0, 2.0, 0.0, 1.0]).is_err(), "odd");
        assert!(polygon(&[0.0, 0.0, f64::NAN, 1.0, 2.0, 0.0]).is_err(), "not a number");
        assert!(polygon(&[0.0, 0.0, 1e9, 1.0, 2.0, 0.0]).is_err(), "far away");
        let runs =
            |size, counts: &[u32]| Segmentation::Runs(Rle { size, counts: counts.to_vec() }).to_rle(4, 3);
        assert!(runs([4, 3], &[12]).is_err(), "transposed");
        assert!(runs([3, 4], &[11]).is_err(), "too short");
        assert!(runs([3, 4], &[12]).is_ok());
    }
}
