//! A checkpoint on the visitor's device, read in ranges and not copied anywhere.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use crate::web::script::words;
use crate::weights::{SourceError, WeightSource};

/// Files that the visitor opened.
pub(super) struct DeviceFolder<F> {
    name: String,
    files: HashMap<String, File>,
    done_bytes: Cell<u64>,
    /// Called with the bytes read so far, and the total.
    on_bytes: F,
}

impl<F: Fn(u64, Option<u64>)> DeviceFolder<F> {
    pub(super) fn new(name: String, files: Vec<File>, on_bytes: F) -> Self {
        let files = files.into_iter().map(|file| (file.name(), file)).collect();
        Self { name, files, done_bytes: Cell::new(0), on_bytes }
    }

    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.get()
    }

    pub(super) fn rewind(&self) {
        self.done_bytes.set(0);
    }

    fn find(&self, file: &str) -> Result<&File, SourceError> {
        self.files
            .get(file)
            .ok_or_else(|| SourceError::NotFound { file: file.to_owned(), place: self.name.clone() })
    }

    async fn bytes(&self, file: &str, blob: Result<Blob, JsValue>) -> Result<Vec<u8>, SourceError> {
        let buffer = match blob.map(|blob| JsFuture::from(blob.array_buffer())) {
            Ok(buffer) => buffer.await,
            Err(error) => Err(error),
        };
        let buffer = buffer.map_err(|error| SourceError::Unavailable {
            file: file.to_owned(),
            place: self.name.clone(),
            reason: words(&error),
        })?;
        let bytes = Uint8Array::new(&buffer).to_vec();
        self.done_bytes.set(self.done_bytes.get() + bytes.len() as u64);
        let total = self.files.values().map(|file| file.size() as u64).sum();
        (self.on_bytes)(self.done_bytes.get(), Some(total));
        Ok(bytes)
    }
}

impl<F: Fn(u64, Option<u64>)> WeightSource for DeviceFolder<F> {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let blob = self.find(file)?.slice();
        self.bytes(file, blob).await
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        let blob = self.find(file)?.slice_with_f64_and_f64(range.start as f64, range.end as f64);
        self.bytes(file, blob).await
    }

    fn size(&self, file: &str) -> Option<u64> {
        self.files.get(file).map(|file| file.size() as u64)
    }
}
