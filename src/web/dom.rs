//! The few browser calls that Leptos does not offer.

use js_sys::{Array, ArrayBuffer, Reflect, Uint8Array, Uint8ClampedArray, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CanvasRenderingContext2d, Event, File, HtmlAnchorElement, HtmlCanvasElement,
    ImageData, Response, Url, UrlSearchParams,
};

use super::protocol::Size;
use super::script::call;

/// Resolves `path` relative to the page's base URL.
///
/// # Errors
///
/// An error if `path` is not a URL.
pub(super) fn resolve(path: &str) -> Result<String, JsValue> {
    let base = leptos::prelude::document().base_uri()?.unwrap_or_default();
    Ok(Url::new_with_base(path, &base)?.href())
}

/// Returns the page's own attribute `data-name`, set at build time.
pub(super) fn page_says(name: &str) -> String {
    let page = leptos::prelude::document().document_element();
    page.and_then(|page| page.get_attribute(&format!("data-{name}"))).unwrap_or_default()
}

/// Dispatches an event to scripts of the page.
///
/// # Errors
///
/// An error if one of them throws.
pub(super) fn announce(name: &str) -> Result<(), JsValue> {
    leptos::prelude::window().dispatch_event(&Event::new(name)?).map(drop)
}

/// Returns the value of `?name=` in the page's address.
pub(super) fn query(name: &str) -> Option<String> {
    let search = leptos::prelude::window().location().search().ok()?;
    UrlSearchParams::new_with_str(&search).ok()?.get(name)
}

/// Sets or removes `?name=` in the page's address, without a new history entry.
///
/// # Errors
///
/// An error if the browser refuses, as it does if this happens too often.
pub(super) fn share(name: &str, value: Option<&str>) -> Result<(), JsValue> {
    if query(name).as_deref() == value {
        return Ok(());
    }
    let window = leptos::prelude::window();
    let address = Url::new(&window.location().href()?)?;
    match value {
        Some(value) => address.search_params().set(name, value),
        None => address.search_params().delete(name),
    }
    // These characters are legible as they are.
    let address = address.href().replace("%3A", ":").replace("%2F", "/").replace("%40", "@");
    let history = Reflect::get(&window, &"history".into())?;
    call(&history, "replaceState", &Array::of3(&JsValue::NULL, &"".into(), &address.into())).map(drop)
}

/// Returns the item that the browser remembers for this site under a name; `None` if it may not remember.
pub(super) fn remembered(name: &str) -> Option<String> {
    leptos::prelude::window().local_storage().ok()??.get_item(name).ok()?
}

/// Makes the browser remember an item for the next visit, or forget it; does nothing if it may not remember.
pub(super) fn remember(name: &str, value: Option<&str>) {
    if let Ok(Some(storage)) = leptos::prelude::window().local_storage() {
        drop(match value {
            Some(value) => storage.set_item(name, value),
            None => storage.remove_item(name),
        });
    }
}

/// Asks the browser not to remove this site's storage by itself; some ask their user.
pub(super) fn ask_to_stay() {
    let storage = Reflect::get(&leptos::prelude::window().navigator(), &"storage".into());
    // Without storage, nothing is kept anyway.
    drop(storage.and_then(|storage| call(&storage, "persist", &Array::new())));
}

/// Returns the file under another name, without reading its content.
///
/// # Errors
///
/// An error if the browser refuses.
pub(super) fn renamed(file: &File, name: &str) -> Result<File, JsValue> {
    if file.name() == name { Ok(file.clone()) } else { File::new_with_blob_sequence(&Array::of1(file), name) }
}

/// Fetches a file of this site.
///
/// # Errors
///
/// An error if the file or the network is missing.
pub(super) async fn fetch_blob(path: &str) -> Result<Blob, JsValue> {
    let response = JsFuture::from(leptos::prelude::window().fetch_with_str(path)).await?;
    let response: Response = response.dyn_into()?;
    if !response.ok() {
        return Err(JsValue::from_str(&format!("status {}", response.status())));
    }
    JsFuture::from(response.blob()?).await?.dyn_into()
}

/// Reads a file into memory, off the main thread.
///
/// # Errors
///
/// An error if the file vanished or may not be read.
pub(super) async fn read(blob: &Blob) -> Result<ArrayBuffer, JsValue> {
    JsFuture::from(blob.array_buffer()).await?.dyn_into()
}

/// Returns whether this browser can decode a picture.
pub(super) async fn can_show(picture: &[u8]) -> bool {
    let decode = async || {
        let blob = Blob::new_with_u8_slice_sequence(&Array::of1(&Uint8Array::from(picture)))?;
        JsFuture::from(leptos::prelude::window().create_image_bitmap_with_blob(&blob)?).await
    };
    decode().await.is_ok()
}

/// Resizes the canvas, which is transparent afterwards.
///
/// # Errors
///
/// An error if no canvas can be that large.
pub(super) fn resize(canvas: &HtmlCanvasElement, size: Size) -> Result<(), JsValue> {
    let side = |pixels: usize| u32::try_from(pixels).map_err(|error| JsValue::from(error.to_string()));
    canvas.set_width(side(size.width)?);
    canvas.set_height(side(size.height)?);
    Ok(())
}

/// Draws RGBA pixels of the canvas's size; the buffer is used without a copy.
///
/// # Errors
///
/// An error if the buffer does not fit the canvas, or the canvas is larger than this browser supports.
pub(super) fn repaint(canvas: &HtmlCanvasElement, rgba: &ArrayBuffer) -> Result<(), JsValue> {
    let pixels = Uint8ClampedArray::new(rgba);
    let image = ImageData::new_with_js_u8_clamped_array_and_sh(&pixels, canvas.width(), canvas.height())?;
    context(canvas)?.put_image_data(&image, 0.0, 0.0)
}

/// Makes the canvas transparent.
pub(super) fn clear(canvas: &HtmlCanvasElement) {
    if let Ok(context) = context(canvas) {
        context.clear_rect(0.0, 0.0, f64::from(canvas.width()), f64::from(canvas.height()));
    }
}

fn context(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    let context = canvas.get_context("2d")?.ok_or_else(|| JsValue::from_str("no 2d canvas"))?;
    Ok(context.unchecked_into())
}

/// Wraps bytes in a file of a media type.
///
/// # Errors
///
/// An error if the browser has no room for it.
pub(super) fn blob(bytes: &ArrayBuffer, mime: &str) -> Result<Blob, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(mime);
    Blob::new_with_buffer_source_sequence_and_options(&Array::of1(bytes), &options)
}

/// Wraps a text in a file.
///
/// # Errors
///
/// An error if the browser has no room for it.
pub(super) fn text_blob(text: &str) -> Result<Blob, JsValue> {
    Blob::new_with_str_sequence(&Array::of1(&text.into()))
}

/// Reads a text file.
///
/// # Errors
///
/// An error if the file vanished or may not be read.
pub(super) async fn text(blob: &Blob) -> Result<String, JsValue> {
    JsFuture::from(blob.text()).await.map(|text| text.as_string().unwrap_or_default())
}

/// Saves bytes as a download.
///
/// # Errors
///
/// An error if the browser refuses the link.
pub(super) fn save(bytes: &ArrayBuffer, file_name: &str, mime: &str) -> Result<(), JsValue> {
    save_blob(&blob(bytes, mime)?, file_name)
}

/// Saves a file as a download.
///
/// # Errors
///
/// An error if the browser refuses the link.
pub(super) fn save_blob(file: &Blob, file_name: &str) -> Result<(), JsValue> {
    let address = Url::create_object_url_with_blob(file)?;
    let link: HtmlAnchorElement = leptos::prelude::document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(file_name);
    link.click();
    Url::revoke_object_url(&address)
}

/// Returns the 32-bit numbers of a buffer.
pub(super) fn numbers(buffer: &ArrayBuffer) -> Vec<u32> {
    Uint32Array::new(buffer).to_vec()
}
