//! The browser's cache of weights, by digest and range: a file is kept once, whatever its address.

use std::cell::RefCell;

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Request, Response};

use super::stream::Stream;

const NAME: &str = "mae-seg-weights";

/// The weight files kept between visits. Keeping is a convenience: if anything fails here, the page continues
/// without.
#[derive(Debug)]
pub(super) struct Store {
    cache: Option<Cache>,
    /// A reused buffer for what is kept: browsers are slow to release buffers.
    passage: RefCell<Uint8Array>,
}

impl Store {
    /// Opens the cache; on pages without one (plain HTTP) nothing is kept.
    pub(super) async fn open() -> Self {
        let cache = match storage() {
            Some(storage) => JsFuture::from(storage.open(NAME)).await.ok().map(JsCast::unchecked_into),
            None => None,
        };
        Self { cache, passage: RefCell::new(Uint8Array::new_with_length(0)) }
    }

    /// Returns what is kept under `key`.
    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let found = JsFuture::from(self.cache.as_ref()?.match_with_str(&address(key))).await.ok()?;
        let response: Response = found.dyn_into().ok()?;
        let mut stream = Stream::of(&response)?;
        let (mut content, mut chunk) = (Vec::new(), Vec::new());
        while stream.next(&mut chunk).await.ok()? {
            content.extend_from_slice(&chunk);
        }
        Some(content)
    }

    /// Keeps a part of a file; returns whether that succeeded.
    pub(super) async fn put(&self, key: &str, content: &[u8]) -> bool {
        let Some(cache) = &self.cache else { return false };
        let Ok(response) = Response::new_with_opt_js_u8_array(Some(&self.passed(content))) else {
            return false;
        };
        JsFuture::from(cache.put_with_str(&address(key), &response)).await.is_ok()
    }

    /// Copies the content out of WebAssembly; the result is valid until the next call.
    fn passed(&self, content: &[u8]) -> Uint8Array {
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let mut passage = self.passage.borrow_mut();
        if passage.length() < length {
            *passage = Uint8Array::new_with_length(length);
        }
        let part = passage.subarray(0, length);
        part.copy_from(content);
        part
    }

    /// Removes what is kept under keys that begin with one of `prefixes`.
    pub(super) async fn remove(&self, prefixes: &[String]) {
        let Some(cache) = &self.cache else { return };
        let Ok(kept) = JsFuture::from(cache.keys()).await else { return };
        let prefixes: Vec<String> = prefixes.iter().map(|prefix| address(prefix)).collect();
        for request in Array::from(&kept).iter().map(JsCast::unchecked_into::<Request>) {
            if prefixes.iter().any(|prefix| request.url().contains(prefix)) {
                // If this fails, nothing was kept.
                let _ = JsFuture::from(cache.delete_with_request(&request)).await;
            }
        }
    }

    /// Removes every kept file.
    pub(super) async fn clear() {
        if let Some(storage) = storage() {
            // If this fails, nothing was kept.
            let _ = JsFuture::from(storage.delete(NAME)).await;
        }
    }
}

fn address(key: &str) -> String {
    format!("/{NAME}/{key}")
}

fn storage() -> Option<CacheStorage> {
    let storage = Reflect::get(&js_sys::global(), &JsValue::from_str("caches")).ok()?;
    (!storage.is_undefined()).then(|| storage.unchecked_into())
}
