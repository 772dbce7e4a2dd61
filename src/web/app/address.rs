//! The worker's address, whose fragment tells it what it needs to know from the start.

use wasm_bindgen::JsValue;

use crate::web::catalogue::SMALL;
use crate::web::dom;
use crate::web::place::Place;
use crate::web::protocol::BackendChoice;

/// Returns the worker's address. Its script requests the weights of `place` at once unless `backend` leaves
/// open which they are; with `?threads=1` in the page's address, it computes alone.
///
/// # Errors
///
/// An error if the page does not name the script.
pub(super) fn of_worker(place: &Place, backend: BackendChoice) -> Result<String, JsValue> {
    let encoded = |folder: &str| String::from(js_sys::encode_uri_component(folder));
    let weights = match (place, backend) {
        (Place::Site(folder), _) => Some(format!("weights={}", encoded(folder))),
        (Place::Suited, BackendChoice::Auto | BackendChoice::WebGpu) => {
            Some(format!("gpu={}", encoded(SMALL)))
        }
        _ => None,
    };
    let alone = (dom::query("threads").as_deref() == Some("1")).then(|| "threads=1".to_owned());
    let told: Vec<String> = weights.into_iter().chain(alone).collect();
    Ok(format!("{}#{}", dom::resolve(&dom::page_says("worker"))?, told.join("&")))
}
