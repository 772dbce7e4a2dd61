//! Normalises the different forms in which other programs write `config.json`.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::weights::WeightsError;

/// Keys of sides, which Hugging Face writes as one number or as two.
const SIDES: [&str; 2] = ["image_size", "patch_size"];

/// Returns the keys of a file with sides as one number, and whole numbers without a decimal point.
pub(super) fn tidy(mut keys: Map<String, Value>) -> Result<Map<String, Value>, WeightsError> {
    for (key, value) in &mut keys {
        if let (true, Value::Array(sides)) = (SIDES.contains(&key.as_str()), &*value) {
            match sides.as_slice() {
                [height, width] if height == width => *value = height.clone(),
                _ => {
                    let found = Value::Array(sides.clone());
                    return Err(WeightsError::Config(format!(
                        "`{key}` is {found}; only squares are supported"
                    )));
                }
            }
        }
        let whole = value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number));
        if let Some(whole) = whole.filter(|_| value.is_f64()) {
            *value = Value::from(whole as u64);
        }
    }
    // DINOv3's names for the same keys in Hugging Face.
    if let Some(gated) = keys.get("use_gated_mlp").cloned() {
        keys.insert("use_swiglu_ffn".to_owned(), gated);
    }
    if let Some(rope) = keys.get("rope_parameters").filter(|rope| !rope.is_null()).cloned() {
        let kind = rope.get("rope_type").unwrap_or(&Value::Null);
        if !kind.is_null() && kind != "default" {
            let reason = format!("`rope_type` is {kind}; only \"default\" is supported");
            return Err(WeightsError::Config(reason));
        }
        if let Some(theta) = rope.get("rope_theta") {
            keys.insert("rope_theta".to_owned(), theta.clone());
        }
    }
    let unnamed = keys.get("id2label").is_none_or(Value::is_null);
    if let Some(count) = keys.get("num_labels").and_then(Value::as_u64).filter(|_| unnamed) {
        let labels =
            (0..count.min(1 << 16)).map(|class| (class.to_string(), json!(format!("LABEL_{class}"))));
        let labels = labels.collect();
        keys.insert("id2label".to_owned(), Value::Object(labels));
    }
    Ok(keys)
}

/// Deserialises a `T` from `keys`.
///
/// # Errors
/// [`WeightsError::Config`] naming the key at fault.
pub(super) fn read<T: DeserializeOwned>(keys: &Map<String, Value>) -> Result<T, WeightsError> {
    serde_path_to_error::deserialize(Value::Object(keys.clone())).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        WeightsError::Config(if path == "." { inner.to_string() } else { format!("`{path}`: {inner}") })
    })
}
