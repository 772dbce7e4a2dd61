//! Messages on the wire: `[value, [attachment, …]]`; buffers are transferred instead of copied, files are
//! handles.

use js_sys::Array;
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

/// Packs a message and its attachments.
///
/// # Errors
///
/// An error if the message holds a value that JavaScript cannot represent.
pub(super) fn pack<T: Serialize>(
    message: &T,
    attachments: &Array,
) -> Result<Array, serde_wasm_bindgen::Error> {
    Ok(Array::of2(&serde_wasm_bindgen::to_value(message)?, attachments))
}

/// Unpacks a message packed by [`pack`].
///
/// # Errors
///
/// An error if the message has another type or version.
pub(super) fn unpack<T: DeserializeOwned>(data: JsValue) -> Result<(T, Array), serde_wasm_bindgen::Error> {
    let envelope: Array = data.dyn_into().map_err(serde_wasm_bindgen::Error::from)?;
    Ok((serde_wasm_bindgen::from_value(envelope.get(0))?, Array::from(&envelope.get(1))))
}

/// Returns the attachments of one type.
pub(super) fn only<T: JsCast>(attachments: &Array) -> Vec<T> {
    attachments.iter().filter_map(|attachment| attachment.dyn_into().ok()).collect()
}
