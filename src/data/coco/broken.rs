//! Annotation files in which some annotations are none.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{CocoCategory, CocoDataset, CocoImage};

/// The data set without annotations that are none, where it is known which photos they are of; what is wrong with the first is
/// said by its id, as a place in one long line of JSON helps nobody.
pub(super) fn left_out(bytes: &[u8], whole: &str) -> Result<CocoDataset, String> {
    #[derive(Deserialize)]
    struct Loose {
        images: Vec<CocoImage>,
        annotations: Vec<Value>,
        categories: Vec<CocoCategory>,
    }
    let Loose { images, annotations: all, categories } =
        serde_json::from_slice(bytes).map_err(|_unsaid| whole.to_owned())?;
    let (mut annotations, mut broken) = (Vec::new(), BTreeMap::new());
    for (annotation, number) in all.into_iter().zip(1..) {
        let id = annotation.get("id").map_or_else(|| format!("number {number}"), Value::to_string);
        let image = annotation.get("image_id").and_then(Value::as_u64);
        match (serde_json::from_value(annotation), image) {
            (Ok(annotation), _) => annotations.push(annotation),
            (Err(error), None) => return Err(format!("annotation {id}: {error}")),
            (Err(error), Some(image)) => {
                broken.entry(image).or_insert_with(|| format!("annotation {id}: {error}"));
            }
        }
    }
    Ok(CocoDataset { images, annotations, categories, broken })
}
