//! The worker, which owns the engine and answers one request at a time.

mod browser_photo;
mod buffers;
mod check;
mod device_folder;
mod download;
mod early;
mod kept_folder;
mod partner;
mod patience;
mod photo;
mod questions;
mod redraw;
mod refusal;
mod session;
mod source;
mod store;
mod stream;
mod suited;
mod web_folder;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use async_channel::unbounded;
use js_sys::{Array, ArrayBuffer, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::channel;
use super::protocol::{PROTOCOL_VERSION, Progress, Reply, Request, RequestId};
use partner::Leader;
use session::Session;

/// A pending request and its attachments.
type Job = (Request, Array);

#[derive(Default)]
struct Inbox {
    jobs: VecDeque<Job>,
    /// `None` while a job is running.
    session: Option<Session>,
}

/// Listens for requests until the page terminates the worker.
pub fn serve() {
    construct();
    std::panic::set_hook(Box::new(|info| {
        post(&Reply::Crashed { message: info.to_string() }, &[]);
        console_error_panic_hook::hook(info);
    }));
    let (swap, swapped) = unbounded();
    let session = Session::new(Leader(swapped));
    let inbox = Rc::new(RefCell::new(Inbox { jobs: VecDeque::new(), session: Some(session) }));
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        match channel::unpack(event.data()) {
            // The request to help, which is not over, waits for these.
            Ok((Request::Swap { .. }, numbers)) => {
                channel::only(&numbers).into_iter().for_each(|numbers| drop(swap.try_send(numbers)));
                return;
            }
            Ok(job) => inbox.borrow_mut().jobs.push_back(job),
            Err(error) => return post(&Reply::Crashed { message: error.to_string() }, &[]),
        }
        let idle = inbox.borrow_mut().session.take();
        if let Some(session) = idle {
            wasm_bindgen_futures::spawn_local(work(inbox.clone(), session));
        }
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
    post(&Reply::Ready { protocol_version: PROTOCOL_VERSION }, &[]);
}

/// Runs the constructors with which parts of Burn register themselves, once. A build that does not export the
/// constructors runs them at every call.
fn construct() {
    let constructors = Reflect::get(&wasm_bindgen::exports(), &"__wasm_call_ctors".into());
    if let Some(constructors) = constructors.ok().as_ref().and_then(JsCast::dyn_ref::<Function>) {
        let _ = constructors.call0(&JsValue::UNDEFINED);
    }
}

/// Runs every job in the inbox, then returns the session for the next message.
async fn work(inbox: Rc<RefCell<Inbox>>, mut session: Session) {
    loop {
        let job = inbox.borrow_mut().jobs.pop_front();
        let Some((request, attachments)) = job else { break };
        if !is_superseded(&request, &inbox.borrow().jobs) {
            session.answer(request, &attachments).await;
        }
        if inbox.borrow().jobs.is_empty() {
            session.tell();
            session.look_for_help();
        }
    }
    inbox.borrow_mut().session = Some(session);
}

/// Returns whether a newer photo replaces this one, or the one that the request is about.
fn is_superseded(request: &Request, newer: &VecDeque<Job>) -> bool {
    matches!(request, Request::Segment { .. } | Request::Paint { .. } | Request::Ask { .. })
        && newer.iter().any(|(other, _)| matches!(other, Request::Segment { .. }))
}

/// Tells the page how far a request is.
fn progress(id: RequestId, progress: Progress) {
    post(&Reply::Progress { id, progress }, &[]);
}

/// Sends a message to the page; the buffers are transferred.
fn post(reply: &Reply, buffers: &[ArrayBuffer]) {
    let buffers: Array = buffers.iter().collect();
    let sent = channel::pack(reply, &buffers)
        .map_err(Into::into)
        .and_then(|message: Array| scope().post_message_with_transfer(&message, &buffers));
    if let Err(error) = sent {
        wasm_bindgen::throw_val(error);
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}
