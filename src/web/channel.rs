//! One message on the wire: `[value, [buffer, …]]`, the buffers transferred instead of copied.

use js_sys::{Array, ArrayBuffer};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

/// Packs a message and its buffers.
///
/// # Errors
///
/// When the message holds a value that JavaScript cannot.
pub(super) fn pack<T: Serialize>(
    message: &T,
    buffers: &[ArrayBuffer],
) -> Result<Array, serde_wasm_bindgen::Error> {
    let value = serde_wasm_bindgen::to_value(message)?;
    Ok(Array::of2(&value, &transfer_list(buffers)))
}

/// The buffers, as `postMessage` wants them.
pub(super) fn transfer_list(buffers: &[ArrayBuffer]) -> Array {
    buffers.iter().collect()
}

/// Unpacks what [`pack`] packed.
///
/// # Errors
///
/// When the message is of another type or version.
pub(super) fn unpack<T: DeserializeOwned>(
    data: JsValue,
) -> Result<(T, Vec<ArrayBuffer>), serde_wasm_bindgen::Error> {
    let envelope: Array = data.dyn_into().map_err(serde_wasm_bindgen::Error::from)?;
    let buffers = Array::from(&envelope.get(1));
    let message = serde_wasm_bindgen::from_value(envelope.get(0))?;
    Ok((message, buffers.iter().filter_map(|buffer| buffer.dyn_into().ok()).collect()))
}
