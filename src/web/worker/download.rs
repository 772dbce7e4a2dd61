//! Fetches one file: streamed, counted, and taken up where it broke off.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStreamDefaultReader, Request, RequestInit, Response};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE_MS: i32 = 250;

/// Why a file did not arrive.
#[derive(Debug)]
pub(super) enum DownloadError {
    /// The server has no such file.
    Missing,
    /// It broke off more often than we try; what the browser or the server said.
    Broken(String),
}

/// Fetches `address`, calling `on_bytes` with the number of bytes here so far.
///
/// # Errors
///
/// [`DownloadError`], after several attempts when the connection is at fault.
pub(super) async fn download(address: &str, on_bytes: impl Fn(u64)) -> Result<Vec<u8>, DownloadError> {
    let mut content = Vec::new();
    let mut pause_ms = FIRST_PAUSE_MS;
    let mut attempt = 1;
    loop {
        match stream(address, &mut content, &on_bytes).await {
            Ok(()) => return Ok(content),
            Err(DownloadError::Broken(reason)) if attempt == ATTEMPTS => {
                return Err(DownloadError::Broken(reason));
            }
            Err(DownloadError::Broken(_)) => sleep(pause_ms).await,
            Err(DownloadError::Missing) => return Err(DownloadError::Missing),
        }
        pause_ms *= 2;
        attempt += 1;
    }
}

/// One attempt: appends to what is there already, where the server allows it.
async fn stream(address: &str, content: &mut Vec<u8>, on_bytes: &impl Fn(u64)) -> Result<(), DownloadError> {
    let response = request(address, content.len()).await?;
    if response.status() != 206 {
        content.clear();
    }
    let Some(body) = response.body() else { return Ok(()) };
    let reader: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(|error| broken(&error))?;
        if Reflect::get(&chunk, &"done".into()).map_err(|error| broken(&error))?.is_truthy() {
            return Ok(());
        }
        let bytes: Uint8Array =
            Reflect::get(&chunk, &"value".into()).map_err(|error| broken(&error))?.unchecked_into();
        content.extend_from_slice(&bytes.to_vec());
        on_bytes(content.len() as u64);
    }
}

async fn request(address: &str, from: usize) -> Result<Response, DownloadError> {
    let request =
        Request::new_with_str_and_init(address, &RequestInit::new()).map_err(|error| broken(&error))?;
    if from > 0 {
        request.headers().set("Range", &format!("bytes={from}-")).map_err(|error| broken(&error))?;
    }
    let response =
        JsFuture::from(super::scope().fetch_with_request(&request)).await.map_err(|error| broken(&error))?;
    let response: Response = response.unchecked_into();
    let kind = response.headers().get("content-type").ok().flatten().unwrap_or_default();
    match response.status() {
        // Some servers answer a missing file with the start page.
        200..=299 if kind.starts_with("text/html") => Err(DownloadError::Missing),
        200..=299 => Ok(response),
        status @ (408 | 425 | 429 | 500..) => Err(DownloadError::Broken(format!("status {status}"))),
        _ => Err(DownloadError::Missing),
    }
}

async fn sleep(milliseconds: i32) {
    let promise = Promise::new(&mut |resolve, _| {
        // Without a timer the next attempt starts at once.
        let _ = super::scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    let _ = JsFuture::from(promise).await;
}

fn broken(error: &JsValue) -> DownloadError {
    let message = error.dyn_ref::<js_sys::Error>().map(|error| String::from(error.message()));
    DownloadError::Broken(message.unwrap_or_else(|| format!("{error:?}")))
}
