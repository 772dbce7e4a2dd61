//! COCO's instances format.

use std::collections::BTreeSet;

use serde::Serialize;

use super::labels::Labels;
use super::polygon::{self, Outline};
use super::{ExportError, Object, PhotoInfo};
use crate::mask::Rle;

/// A COCO file under construction, with the score as an extra key; only the categories in use are listed.
#[derive(Debug, Serialize)]
pub(super) struct Coco {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
    #[serde(skip)]
    in_polygons: bool,
}

#[derive(Debug, Serialize)]
struct Image {
    id: usize,
    file_name: String,
    width: usize,
    height: usize,
}

#[derive(Debug, Serialize)]
struct Annotation {
    id: usize,
    image_id: usize,
    category_id: usize,
    segmentation: Segmentation,
    area: usize,
    bbox: [usize; 4],
    iscrowd: u8,
    score: f32,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Segmentation {
    Runs { size: [usize; 2], counts: String },
    Polygons(Vec<Vec<u32>>),
}

#[derive(Debug, Serialize)]
struct Category {
    id: usize,
    name: String,
}

impl Coco {
    pub(super) const fn new(in_polygons: bool) -> Self {
        Self { images: Vec::new(), annotations: Vec::new(), categories: Vec::new(), in_polygons }
    }

    pub(super) fn add(&mut self, photo: &PhotoInfo<'_>, objects: &[Object<'_>], labels: &mut Labels) {
        let image_id = self.images.len() + 1;
        let &PhotoInfo { name, width, height } = photo;
        self.images.push(Image { id: image_id, file_name: name.to_owned(), width, height });
        for object in objects {
            self.annotations.push(Annotation {
                id: self.annotations.len() + 1,
                image_id,
                category_id: labels.index(object.label) + 1,
                segmentation: self.segmentation(object),
                area: object.mask.area(),
                bbox: object.mask.bbox(),
                iscrowd: 0,
                score: object.score,
            });
        }
    }

    fn segmentation(&self, object: &Object<'_>) -> Segmentation {
        if self.in_polygons {
            let parts = polygon::parts(object.mask, Outline::Edges);
            let whole = |number: &f64| *number as u32;
            let numbers = parts.iter().map(|part| part.iter().flatten().map(whole).collect());
            return Segmentation::Polygons(numbers.collect());
        }
        let rle = Rle::from_mask(object.mask);
        Segmentation::Runs { size: rle.size, counts: rle.to_coco_string() }
    }

    pub(super) fn finish(mut self, labels: &Labels) -> Result<Vec<u8>, ExportError> {
        let used: BTreeSet<usize> =
            self.annotations.iter().map(|annotation| annotation.category_id).collect();
        let category = |id: usize| Some(Category { id, name: labels.names().get(id - 1)?.clone() });
        self.categories = used.into_iter().filter_map(category).collect();
        Ok(serde_json::to_vec(&self)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::AnnotationFormat;
    use super::super::annotations::tests::{ring_and_bar, written};
    use crate::data::coco::Segmentation;

    #[test]
    fn both_forms_hold_the_mask_to_the_pixel() {
        for format in [AnnotationFormat::Coco, AnnotationFormat::CocoPolygons] {
            let file: Value = serde_json::from_str(&written(format, "cup")).unwrap();
            assert_eq!(file["categories"], json!([{"id": 2, "name": "cup"}]), "only what is used");
            assert_eq!(
                file["images"],
                json!([{"id": 1, "file_name": "shots/a & b.jpg", "width": 60, "height": 40}])
            );
            let annotation = &file["annotations"][0];
            assert_eq!(annotation["category_id"], 2);
            // The area is 30 × 30 without 10 × 13, and 10 × 20; pycocotools 2.0.11 gives the same area and
            // box for both forms.
            assert_eq!((&annotation["area"], &annotation["bbox"]), (&json!(970), &json!([5, 4, 50, 30])));
            let (outline, left_out) = Segmentation::read(annotation.get("segmentation")).unwrap();
            assert_eq!(left_out, 0);
            assert_eq!(outline.to_rle(60, 40).unwrap().to_mask().unwrap(), ring_and_bar());
        }
    }

    #[test]
    fn labels_that_the_model_does_not_know_come_behind_its_own() {
        let file: Value = serde_json::from_str(&written(AnnotationFormat::Coco, "my cup")).unwrap();
        assert_eq!(file["categories"], json!([{"id": 3, "name": "my cup"}]));
    }
}
