//! The COCO instances format: photos, outlines, categories.
//!
//! Two keys are additions: a photo's `exhaustive` (default true) says whether all its objects are annotated;
//! if not, there may be unlabelled objects. An annotation's `score`, as in COCO's results, is the confidence
//! that it is right (default 1).

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use super::error::OutlineError;
use super::fingerprint::fingerprint;
use super::zip::{Zip, is_zip, read_through};
use super::{DataError, LeftOut, Reason};

mod entry;
mod outline;
mod read;
mod text;

pub(crate) use entry::{Entry, Id, Ids};
pub use outline::Segmentation;

/// An annotation file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "read::Lists")]
pub struct CocoDataset {
    /// The photos.
    pub images: Vec<CocoImage>,
    /// The objects of all photos.
    pub annotations: Vec<CocoAnnotation>,
    /// The categories of the objects.
    pub categories: Vec<CocoCategory>,
    /// Faults of malformed images and annotations, by the id of their photo.
    pub broken: BTreeMap<u64, String>,
    /// Entries that were left out, or read differently from how they are written.
    pub left_out: LeftOut,
    pub(crate) image_ids: Ids,
    pub(crate) category_ids: Ids,
}

/// One photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CocoImage {
    /// Unique in the file; for a text id, a number that stands for it.
    pub id: u64,
    /// The id, if it is a text.
    pub text_id: Option<Box<str>>,
    /// Path relative to the image folder.
    pub file_name: String,
    /// Width in pixels; 0 if the file does not state it.
    pub width: usize,
    /// Height in pixels; 0 if the file does not state it.
    pub height: usize,
    /// Whether every object of every category is annotated.
    pub exhaustive: bool,
}

/// One object, or one crowd of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct CocoAnnotation {
    /// Unique in the file; for a missing or text id, a number that stands for it.
    pub id: u64,
    /// The id, if it is a text.
    pub text_id: Option<Box<str>>,
    /// Index in the file's list.
    pub index: usize,
    /// Id of the photo.
    pub image_id: u64,
    /// Id of the category.
    pub category_id: u64,
    /// The outline.
    pub segmentation: Segmentation,
    /// Number of pixels inside at the photo's size; if missing, that of the outline applies.
    pub area: Option<f64>,
    /// The box `[x, y, width, height]` in pixels; if missing, the box around the outline applies.
    pub bbox: Option<[f64; 4]>,
    /// Whether the region is a group of objects that were not separated.
    pub iscrowd: bool,
    /// The confidence that the object exists, above 0 and up to 1, in photos that a model labelled.
    pub score: Option<f32>,
}

/// A category of objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CocoCategory {
    /// Unique in the file; gaps are usual.
    pub id: u64,
    /// The name, for example `zebra`.
    pub name: String,
    /// The group of categories, for example `animal`; empty if not stated.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub supercategory: String,
}

/// Reads a file that is a list, entry by entry; the inner error says what is wrong with its text.
pub(crate) fn read_list<T>(
    path: &Path,
    list: &'static str,
    each: fn(&Entry) -> T,
) -> Result<Result<Vec<T>, String>, DataError> {
    let entries = text::read(read_through(path)?, read::Each(list, each));
    Ok(entries.map(Option::unwrap_or_default))
}

impl CocoAnnotation {
    /// Returns its name for messages: `annotation 8 (annotations[7])`.
    #[must_use]
    pub fn name(&self) -> String {
        let id = match &self.text_id {
            Some(text) => format!("{text:?}"),
            None => self.id.to_string(),
        };
        format!("annotation {id} (annotations[{}])", self.index)
    }
}

impl CocoDataset {
    /// Reads an annotation file. Malformed images and annotations are listed in [`broken`](Self::broken),
    /// other omissions in [`left_out`](Self::left_out).
    ///
    /// # Errors
    ///
    /// A file that cannot be read, is not in the COCO instances format, or contradicts itself; the message
    /// names file, entry and key.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let refused = |reason| DataError::Annotations { path: path.to_path_buf(), reason };
        if is_zip(path) {
            let inside = Zip::open(path)?.names(".json").join(", ");
            return Err(refused(format!(
                "give a file inside it, as in FILE.zip/NAME.json; it holds {inside}"
            )));
        }
        let lists = text::read(read_through(path)?, PhantomData::<read::Lists>);
        lists.and_then(Self::try_from).map_err(refused)
    }

    /// Checks that the photo and all its annotations could be read.
    ///
    /// # Errors
    ///
    /// [`DataError::Annotation`]
    pub fn unbroken(&self, image: &CocoImage) -> Result<(), DataError> {
        self.broken.get(&image.id).map_or(Ok(()), |reason| Err(DataError::Annotation(reason.clone())))
    }

    /// Returns a fingerprint of the photos and objects.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let images = self.images.iter().map(|image| format!("{image:?}"));
        // The debug text of an object contains everything known about it.
        fingerprint(images.chain(self.annotations.iter().map(|object| format!("{object:?}"))))
    }

    /// Groups the annotations by image id, in file order.
    #[must_use]
    pub fn annotations_by_image(&self) -> HashMap<u64, Vec<&CocoAnnotation>> {
        let mut by_image: HashMap<u64, Vec<&CocoAnnotation>> = HashMap::new();
        for annotation in &self.annotations {
            by_image.entry(annotation.image_id).or_default().push(annotation);
        }
        by_image
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILE: &str = r#"{"info": {}, "images": [
        {"id": 1, "file_name": "a.jpg", "width": 4, "height": 3, "exhaustive": false},
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

    /// Reads the file with the first `from` replaced.
    fn with(from: &str, to: &str) -> Result<CocoDataset, DataError> {
        assert!(FILE.contains(from), "{from}");
        load(&FILE.replacen(from, to, 1))
    }

    #[test]
    fn the_three_outline_forms_agree() {
        let dataset = load(FILE).unwrap();
        for annotation in &dataset.annotations {
            let rle = annotation.segmentation.to_rle(4, 3).unwrap();
            assert_eq!(rle.counts, [3, 6, 3], "{}", annotation.name());
        }
        assert!(dataset.annotations[1].iscrowd && !dataset.annotations[2].iscrowd);
        assert!(!dataset.images[0].exhaustive && dataset.images[1].exhaustive);
        assert_eq!(dataset.annotations.iter().map(|a| a.score).collect::<Vec<_>>(), [None, None, Some(0.5)]);
        assert_eq!(dataset.annotations_by_image()[&2].len(), 2);
        assert_eq!(dataset.left_out, LeftOut::default());
    }

    #[test]
    fn what_other_tools_write_is_the_same_file() {
        let expected = load(FILE).unwrap();
        for (from, to) in [
            ("\"iscrowd\": 0", "\"iscrowd\": null, \"attributes\": {\"occluded\": false}, \"score\": null"),
            ("\"iscrowd\": 0", "\"iscrowd\": false, \"score\": \"high\", \"area\": null, \"bbox\": []"),
            ("\"iscrowd\": 1", "\"iscrowd\": 1.0"),
            ("\"iscrowd\": 1", "\"iscrowd\": \"1\""),
            ("\"width\": 4", "\"width\": 4.0"),
            ("\"height\": 3", "\"height\": \"3\""),
            ("\"image_id\": 1", "\"image_id\": 1.0"),
            ("\"image_id\": 1", "\"image_id\": \"1\""),
            ("\"category_id\": 17", "\"category_id\": \"17\""),
            ("\"licence\": \"none\"", "\"source\": {\"name\": \"web\"}, \"exhaustive\": null, \"date\": NaN"),
            ("\"info\": {}", "\"info\": [NaN], \"licenses\": null, \"segment_info\": []"),
        ] {
            assert_eq!(with(from, to).unwrap(), expected, "{to}");
        }
        let nameless = with("\"supercategory\": \"animal\"", "\"supercategory\": null").unwrap();
        assert_eq!(nameless.categories[0].supercategory, "");
    }

    #[test]
    fn ids_may_be_texts() {
        let text =
            FILE.replace("\"id\": 1,", "\"id\": \"x1\",").replace("\"image_id\": 1", "\"image_id\": \"x1\"");
        let dataset = load(&text.replace("17", "\"cat-17\"")).unwrap();
        assert_eq!(dataset.images[0].text_id.as_deref(), Some("x1"));
        assert_eq!(dataset.annotations[0].image_id, dataset.images[0].id);
        assert_ne!(dataset.images[0].id, 2);
        assert!(dataset.annotations.iter().all(|object| object.category_id == dataset.categories[0].id));
        assert_eq!(dataset.annotations[0].name(), "annotation \"x1\" (annotations[0])");
    }

    #[test]
    fn photos_without_a_name_are_called_by_their_place() {
        for missing in ["\"file_name\": null", "\"file_name\": \"\"", "\"name\": 1"] {
            let dataset = with("\"file_name\": \"a.jpg\"", missing).unwrap();
            assert_eq!(dataset.images[0].file_name, "image 1 (images[0]) without a `file_name`");
        }
    }

    #[test]
    fn photos_of_lvis_are_named_by_their_address() {
        let url = "\"coco_url\": \"http://images.cocodataset.org/train2017/000000000009.jpg\"";
        let dataset = with("\"file_name\": \"a.jpg\"", url).unwrap();
        assert_eq!(dataset.images[0].file_name, "train2017/000000000009.jpg");
    }

    #[test]
    fn what_is_taken_otherwise_than_written_is_counted() {
        for (from, to, reason, named) in [
            ("\"width\": 4", "\"width\": -1", Reason::NoSize, "a.jpg"),
            ("\"height\": 3", "\"height\": null", Reason::NoSize, "a.jpg"),
            (
                "\"area\": 6.0",
                "\"area\": NaN",
                Reason::NoNumber,
                "annotation 2 (annotations[1]): `area` is \"NaN\"",
            ),
            ("[1, 0, 2, 3]", "[1, 0, Infinity, 3]", Reason::NoNumber, "`bbox`"),
            ("\"image_id\": 1", "\"image_id\": 9", Reason::NoImage, "annotation 1 (annotations[0]): image 9"),
            ("\"image_id\": 1", "\"image_id\": null", Reason::NoImage, "`image_id` is null"),
            (
                "\"score\": 0.5",
                "\"score\": 97.5",
                Reason::NoScore,
                "annotation 3 (annotations[2]): `score` is 97.5",
            ),
            (
                "\"id\": 3, \"image_id\"",
                "\"id\": 2, \"image_id\"",
                Reason::SameId,
                "annotation 2 (annotations[2])",
            ),
            ("[[1, 0,", "[[1, 2, 3, 0], [1, 0,", Reason::FewCorners, "annotation 1"),
        ] {
            let dataset = with(from, to).unwrap();
            assert_eq!(dataset.left_out.count(reason), 1, "{to}");
            assert!(dataset.left_out.told().contains(named), "{}", dataset.left_out.told());
            assert!(dataset.broken.is_empty(), "{to}");
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (from, to, expected) in [
            (
                "{\"id\": 2, \"file_name\"",
                "{\"id\": 1, \"file_name\"",
                "image 1 (images[1]) has the id of images[0]",
            ),
            ("\"name\": \"cat\"", "\"name\": null", "category 17 (categories[0]): `name` is null"),
            ("{\"id\": 17,", "{", "categories[0]: `id` is missing"),
            ("\"annotations\": [", "\"objects\": [", "`annotations` is missing"),
            (
                "\"categories\": [{",
                "\"categories\": {\"a\": {",
                "found an object where a list of categories is expected",
            ),
            ("\"images\": [", "\"images\": [,", "line 1"),
        ] {
            let text = FILE.replacen(from, to, 1);
            let text = if to.contains("{\"a\"") { text.replace("}]}", "}}}") } else { text };
            let message = load(&text).unwrap_err().to_string();
            assert!(message.contains(expected) && message.contains("instances.json"), "{message}");
        }
        let message = load("[]").unwrap_err().to_string();
        assert!(message.contains("`images`, `annotations` and `categories`"), "{message}");
    }

    #[test]
    fn a_broken_entry_is_told_of_its_photo() {
        for (from, to, photo, expected) in [
            (
                "{\"size\": [3, 4], \"counts\": [3, 6, 3]}",
                "[1]",
                1,
                "annotation 2 (annotations[1]): `segmentation` is a list",
            ),
            (
                "\"iscrowd\": 1",
                "\"iscrowd\": \"no\"",
                1,
                "annotation 2 (annotations[1]): `iscrowd` is \"no\"",
            ),
            ("\"category_id\": 17", "\"category_id\": 5", 0, "annotation 1 (annotations[0]): category 5"),
        ] {
            let dataset = with(from, to).unwrap();
            dataset.unbroken(&dataset.images[1 - photo]).unwrap();
            let error = dataset.unbroken(&dataset.images[photo]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let dataset = with("{\"id\": 2, \"file_name\"", "{\"file_name\"").unwrap();
        assert!(
            dataset
                .unbroken(&dataset.images[1])
                .unwrap_err()
                .to_string()
                .contains("images[1]: `id` is missing")
        );
        assert_eq!(dataset.left_out.count(Reason::NoImage), 2);
    }
}
