//! The browser's cache of weights, by digest and range: a file is kept once, whatever address it came from.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, CacheStorage, Response};

const NAME: &str = "mae-seg-weights";

/// Where weight files are kept between visits. Keeping is a convenience: whatever fails here, the page goes on.
#[derive(Debug)]
pub(super) struct Store {
    cache: Option<Cache>,
}

impl Store {
    /// Opens the cache; on pages without one (plain HTTP) nothing is kept.
    pub(super) async fn open() -> Self {
        let cache = match storage() {
            Some(storage) => JsFuture::from(storage.open(NAME)).await.ok().map(JsCast::unchecked_into),
            None => None,
        };
        Self { cache }
    }

    /// What is kept under `key`.
    pub(super) async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let found = JsFuture::from(self.cache.as_ref()?.match_with_str(&address(key))).await.ok()?;
        let response: Response = found.dyn_into().ok()?;
        let content = JsFuture::from(response.array_buffer().ok()?).await.ok()?;
        Some(Uint8Array::new(&content).to_vec())
    }

    /// Keeps a part of a file; says whether that worked.
    pub(super) async fn put(&self, key: &str, content: &[u8]) -> bool {
        let (Some(cache), Ok(response)) =
            (&self.cache, Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(content))))
        else {
            return false;
        };
        JsFuture::from(cache.put_with_str(&address(key), &response)).await.is_ok()
    }

    /// Removes every kept file.
    pub(super) async fn clear() {
        if let Some(storage) = storage() {
            // Nothing kept is as good as removed.
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
