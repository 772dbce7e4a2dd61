//! LabelMe's JSON, a file per photo.

use serde_json::json;

use super::names::base_name;
use super::polygon::{Outline, simple_parts};
use super::{ExportError, Object, PhotoInfo};

/// Returns the file that LabelMe opens beside its photo.
pub(super) fn label_file(photo: &PhotoInfo<'_>, objects: &[Object<'_>]) -> Result<Vec<u8>, ExportError> {
    let mut shapes = Vec::new();
    for object in objects {
        let parts = simple_parts(object.mask, Outline::Centres);
        // Shapes of one group are one object.
        let group = (parts.len() > 1).then_some(object.number);
        shapes.extend(parts.iter().map(|part| {
            json!({
                "label": object.label,
                "points": part,
                "group_id": group,
                "description": format!("score {:.3}", object.score),
                "shape_type": "polygon",
                "flags": {},
                "mask": null,
            })
        }));
    }
    Ok(serde_json::to_vec_pretty(&json!({
        "version": "5.5.0",
        "flags": {},
        "shapes": shapes,
        "imagePath": base_name(photo.name),
        "imageData": null,
        "imageHeight": photo.height,
        "imageWidth": photo.width,
    }))?)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::AnnotationFormat;
    use super::super::annotations::tests::written;

    #[test]
    fn parts_of_an_object_are_a_group() {
        let file: Value = serde_json::from_str(&written(AnnotationFormat::LabelMe, "cup")).unwrap();
        assert_eq!(file["imagePath"], "a & b.jpg");
        let shapes = file["shapes"].as_array().unwrap();
        assert_eq!(shapes.len(), 2);
        assert!(shapes.iter().all(|shape| shape["group_id"] == 1 && shape["label"] == "cup"));
        assert_eq!(
            shapes[1]["points"],
            serde_json::json!([[45.5, 10.5], [54.5, 10.5], [54.5, 29.5], [45.5, 29.5]])
        );
    }
}
