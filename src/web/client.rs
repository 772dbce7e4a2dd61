//! The page's end of the worker: starts it, sends requests, passes on replies, and drops it when it died.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::catalogue::SMALL;
use super::channel;
use super::dom;
use super::place::Place;
use super::protocol::{BackendChoice, Reply, Request};

/// A message or the end of the worker.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message and its buffers.
    Reply(Reply, Vec<ArrayBuffer>),
    /// The worker stopped, or sent a message that cannot be understood.
    Died(String),
}

/// A running worker; dropping it terminates it, and its later messages are ignored.
#[derive(Debug)]
pub(super) struct WorkerClient {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl WorkerClient {
    /// Starts the worker; `hear` is called with all its messages, the first of which is [`Reply::Ready`]. The
    /// weights of `place` are requested at once unless `backend` leaves open which they are.
    ///
    /// # Errors
    ///
    /// An error if the browser refuses to start module workers.
    pub(super) fn spawn(
        place: &Place,
        backend: BackendChoice,
        hear: impl Fn(Heard) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let script = dom::resolve(&dom::page_says("worker"))? + &early(place, backend);
        let worker = Worker::new_with_options(&script, &options)?;

        let on_reply = hear.clone();
        let on_message = Closure::new(move |event: MessageEvent| {
            on_reply(match channel::unpack(event.data()) {
                Ok((reply, attachments)) => Heard::Reply(reply, channel::only(&attachments)),
                Err(error) => Heard::Died(format!("its message was not understood: {error}")),
            });
        });
        let on_error = Closure::new(move |event: Event| {
            event.prevent_default();
            let message =
                event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message).filter(|text| !text.is_empty());
            hear(Heard::Died(message.unwrap_or_else(|| "its script could not be loaded".into())));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a request; attached buffers are moved to the worker.
    ///
    /// # Errors
    ///
    /// An error if a buffer was moved away before.
    pub(super) fn send(&self, request: &Request, attachments: &Array) -> Result<(), JsValue> {
        let message = channel::pack(request, attachments)?;
        self.worker.post_message_with_transfer(&message, &channel::transfer_list(attachments))
    }
}

/// Returns the fragment of the worker's address, which tells `www/worker_loader.js` the folder of weights to
/// request.
fn early(place: &Place, backend: BackendChoice) -> String {
    let encoded = |folder: &str| String::from(js_sys::encode_uri_component(folder));
    match (place, backend) {
        (Place::Site(folder), _) => format!("#weights={}", encoded(folder)),
        (Place::Suited, BackendChoice::Auto | BackendChoice::WebGpu) => format!("#gpu={}", encoded(SMALL)),
        _ => String::new(),
    }
}

impl Drop for WorkerClient {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}
