//! The other end of a worker: starts it, sends requests, passes on replies, and drops it when it died. The
//! page has one worker, which may have one itself.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{ErrorEvent, Event, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::channel;
use super::protocol::{Reply, Request};

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
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl WorkerClient {
    /// Starts the worker; `hear` is called with all its messages, the first of which is [`Reply::Ready`].
    ///
    /// # Errors
    ///
    /// An error if the browser refuses to start module workers.
    pub(super) fn spawn(script: &str, hear: impl Fn(Heard) + Clone + 'static) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(script, &options)?;

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
        self.worker.post_message_with_transfer(&message, &transfer_list(attachments))
    }
}

impl Drop for WorkerClient {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

/// Returns the buffers among the attachments, as `postMessage` expects them.
fn transfer_list(attachments: &Array) -> Array {
    channel::only::<ArrayBuffer>(attachments).iter().collect()
}
