//! Responses that the worker's loader requested before the worker itself was there.

use js_sys::{Map, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// Returns the response from `address` once; `None` if it was not requested, or failed.
pub(super) async fn take(address: &str) -> Option<Response> {
    let answers = answers()?;
    let answer = answers.get(&address.into());
    if !answers.delete(&address.into()) {
        return None;
    }
    JsFuture::from(Promise::resolve(&answer)).await.ok().map(JsCast::unchecked_into)
}

/// Drops the responses that nobody took.
pub(super) fn forget() {
    answers().into_iter().for_each(|answers| answers.clear());
}

fn answers() -> Option<Map> {
    Reflect::get(&super::scope(), &"early".into()).ok()?.dyn_into().ok()
}
