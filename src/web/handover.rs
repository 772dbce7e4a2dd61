//! Ways to export a file other than saving it: the clipboard, and the device's share sheet.

use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect};
use leptos::prelude::window;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ClipboardItem, File, FilePropertyBag, ShareData};

use super::dom;

const PNG: &str = "image/png";

/// A picture promised to the clipboard: the browser has to be asked during the click, and the bytes come
/// later.
#[derive(Debug)]
pub(super) struct Promised {
    resolve: Function,
    reject: Function,
}

impl Promised {
    /// Promises a PNG; `done` is called with the outcome.
    ///
    /// # Errors
    ///
    /// An error if the browser has no clipboard for pictures.
    pub(super) fn new(done: impl FnOnce(Result<(), JsValue>) + 'static) -> Result<Self, JsValue> {
        let mut ends = None;
        let picture = Promise::new(&mut |resolve, reject| ends = Some(Self { resolve, reject }));
        let content = Object::new();
        Reflect::set(&content, &PNG.into(), &picture)?;
        let item = ClipboardItem::new_with_record_from_str_to_blob_promise(&content)?;
        let written = window().navigator().clipboard().write(&Array::of1(&item));
        spawn_local(async move { done(JsFuture::from(written).await.map(drop)) });
        ends.ok_or_else(|| "the browser makes no promises".into())
    }

    /// Delivers the PNG.
    ///
    /// # Errors
    ///
    /// An error if the browser refuses the bytes.
    pub(super) fn keep(&self, png: &ArrayBuffer) -> Result<(), JsValue> {
        self.resolve.call1(&JsValue::NULL, &dom::blob(png, PNG)?.into()).map(drop)
    }

    /// Gives up the promise.
    pub(super) fn give_up(&self) {
        let _ = self.reject.call1(&JsValue::NULL, &"no picture was made".into());
    }
}

/// Returns whether this browser accepts pictures in its clipboard; over plain HTTP none does.
pub(super) fn can_copy() -> bool {
    Reflect::has(&window(), &"ClipboardItem".into()).unwrap_or(false)
}

/// Returns whether this browser has a share sheet for files.
pub(super) fn can_share() -> bool {
    let navigator = window().navigator();
    let can_be_asked = Reflect::has(&navigator, &"canShare".into()).unwrap_or(false);
    can_be_asked
        && shared(&ArrayBuffer::new(1), "a.png", PNG).is_ok_and(|data| navigator.can_share_with_data(&data))
}

/// Opens the share sheet with a file; returns, when it was closed, whether the file was sent.
///
/// # Errors
///
/// An error if the browser refuses, as it does if the click is too long ago.
pub(super) async fn share(bytes: ArrayBuffer, name: String, mime: String) -> Result<bool, JsValue> {
    let sheet = window().navigator().share_with_data(&shared(&bytes, &name, &mime)?);
    match JsFuture::from(sheet).await {
        Ok(_) => Ok(true),
        Err(error) if Reflect::get(&error, &"name".into()).is_ok_and(|name| name == "AbortError") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn shared(bytes: &ArrayBuffer, name: &str, mime: &str) -> Result<ShareData, JsValue> {
    let options = FilePropertyBag::new();
    options.set_type(mime);
    let file = File::new_with_buffer_source_sequence_and_options(&Array::of1(bytes), name, &options)?;
    let data = ShareData::new();
    data.set_files(&Array::of1(&file));
    Ok(data)
}
