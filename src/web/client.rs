//! The other end of a worker: starts it, sends requests, passes on replies, and drops it when it died. The
//! page has one worker, which may have one itself.

use std::cell::Cell;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Math, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::channel;
use super::protocol::{Reply, Request};
use super::script::call;

/// A message or the end of the worker.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message and its buffers.
    Reply(Reply, Vec<ArrayBuffer>),
    /// The worker stopped, or sent a message that cannot be understood.
    Died(
        #[cfg_attr(not(feature = "page"), expect(dead_code, reason = "the worker's own has no reader"))]
        String,
    ),
}

/// A running worker; dropping it terminates it, and its later messages are ignored.
#[derive(Debug)]
pub(super) struct WorkerClient {
    worker: Worker,
    is_dropped: Rc<Cell<bool>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl WorkerClient {
    /// Starts the worker and names it after the fragment of its address; `hear` is called with all its
    /// messages, the first of which is [`Reply::Ready`].
    ///
    /// # Errors
    ///
    /// An error if the browser refuses to start module workers.
    pub(super) fn spawn(script: &str, hear: impl Fn(Heard) + Clone + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        // Behind a service worker, a worker's own address has no fragment, so its name tells it that.
        let (address, told) = script.split_once('#').unwrap_or((script, ""));
        let name = format!("{told}&life={}", Math::random());
        options.set_name(&name);
        let worker = Worker::new_with_options(address, &options)?;

        let is_dropped = Rc::new(Cell::new(false));
        let (on_reply, on_end, was_dropped) = (hear.clone(), hear.clone(), is_dropped.clone());
        let mut end = Some(async move {
            if until_free(&name).await.is_ok() && !was_dropped.get() {
                on_end(Heard::Died("it ended without a word".into()));
            }
        });
        let on_message = Closure::new(move |event: MessageEvent| {
            // It has the lock of its name before it says anything.
            end.take().into_iter().for_each(spawn_local);
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
        Ok(Self { worker, is_dropped, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a request; attached buffers are moved to the worker.
    ///
    /// # Errors
    ///
    /// An error if a buffer was moved away before.
    pub(super) fn send(&self, request: &Request, attachments: &Array) -> Result<(), JsValue> {
        let message = channel::pack(request, attachments)?;
        self.worker.post_message_with_transfer(&message, &transfer_list(attachments))
    }
}

impl Drop for WorkerClient {
    fn drop(&mut self) {
        self.is_dropped.set(true);
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// Waits until nobody holds the lock `name`.
///
/// # Errors
///
/// An error where the browser has no locks, or gives the page none.
async fn until_free(name: &str) -> Result<(), JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    let given = Closure::once_into_js(|| ());
    let ended: Promise = call(&locks, "request", &Array::of2(&name.into(), &given))?.dyn_into()?;
    JsFuture::from(ended).await.map(drop)
}

/// Returns the buffers among the attachments, as `postMessage` expects them.
fn transfer_list(attachments: &Array) -> Array {
    channel::only::<ArrayBuffer>(attachments).iter().collect()
}
