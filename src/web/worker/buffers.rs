//! Copies numbers between WebAssembly and JavaScript's buffers.

use js_sys::{ArrayBuffer, Float32Array, Uint8Array, Uint32Array};

/// Copies bytes from WebAssembly into a new buffer.
pub(super) fn bytes_to_buffer(bytes: &[u8]) -> ArrayBuffer {
    Uint8Array::from(bytes).buffer()
}

/// Copies 32-bit numbers from WebAssembly into a new buffer.
pub(super) fn words_to_buffer(words: &[u32]) -> ArrayBuffer {
    Uint32Array::from(words).buffer()
}

/// Copies floats from WebAssembly into a new buffer.
pub(super) fn floats_to_buffer(floats: &[f32]) -> ArrayBuffer {
    Float32Array::from(floats).buffer()
}

/// Returns the bytes of a buffer.
pub(super) fn bytes_from_buffer(buffer: &ArrayBuffer) -> Vec<u8> {
    Uint8Array::new(buffer).to_vec()
}

/// Returns the floats of a buffer.
pub(super) fn floats_from_buffer(buffer: &ArrayBuffer) -> Vec<f32> {
    Float32Array::new(buffer).to_vec()
}
