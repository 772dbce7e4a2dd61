//! Brings files from the worker to where they are wanted.

use js_sys::{Array, ArrayBuffer};
use leptos::prelude::{UpdateValue, WithValue};
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::File;

use super::App;
use crate::web::dom;
use crate::web::export::{Behind, Export, Product};
use crate::web::handover::{self, Promised};
use crate::web::protocol::{Failure, FailureKind, Reply, Request, RequestId, Sentence};
use crate::web::script;
use crate::web::state::{Event, Purpose};

impl App {
    /// Keeps the photo that is to be put behind the objects.
    pub(in crate::web) fn keep_backdrop(self, file: Option<File>) {
        self.parts.update_value(|parts| parts.backdrop = file);
    }

    /// Asks the worker for a file, with the photo to be put behind the objects if there is one.
    pub(super) fn send_export(self, id: RequestId, export: Export, purpose: Purpose) {
        if purpose == Purpose::Copy {
            self.break_promise();
            match Promised::new(move |outcome| self.handed_over(id, outcome.map(|()| true))) {
                Ok(promised) => self.parts.update_value(|parts| parts.promised = Some(promised)),
                Err(error) => return self.handed_over(id, Err(error)),
            }
        }
        let needed = export.product == Product::Background(Behind::Photo);
        spawn_local(self.send_with_backdrop(id, needed, Request::Export { id, export }));
    }

    /// Sends a request, with the photo to be put behind the objects if it is needed.
    pub(super) async fn send_with_backdrop(self, id: RequestId, is_needed: bool, request: Request) {
        let backdrop = self.parts.with_value(|parts| parts.backdrop.clone().filter(|_| is_needed));
        let file = match &backdrop {
            Some(file) => dom::read(file).await.map(|file| Array::of1(&file)),
            None => Ok(Array::new()),
        };
        let sent = match file {
            Ok(files) => self.send(&request, &files),
            Err(_) => {
                let failure = Failure::new(FailureKind::Photo, Sentence::BackdropGone);
                return self.dispatch(Event::Replied(Reply::Failed { id, failure }));
            }
        };
        if let Err(error) = sent {
            self.dispatch(Event::WorkerDied(script::words(&error)));
        }
    }

    /// Hands over a file, with its name and media type, for its purpose.
    ///
    /// # Errors
    ///
    /// An error if the browser does not save it.
    pub(super) fn hand_over(
        self,
        id: RequestId,
        purpose: Purpose,
        bytes: &ArrayBuffer,
        (file_name, mime): (String, String),
    ) -> Result<(), JsValue> {
        match purpose {
            Purpose::Save => return dom::save(bytes, &file_name, &mime),
            Purpose::Copy => {
                let promised = self.parts.try_update_value(|parts| parts.promised.take()).flatten();
                promised.map_or(Ok(()), |promised| promised.keep(bytes))?;
            }
            Purpose::Share => {
                let shared = handover::share(bytes.clone(), file_name, mime);
                spawn_local(async move { self.handed_over(id, shared.await) });
            }
        }
        Ok(())
    }

    fn handed_over(self, id: RequestId, outcome: Result<bool, JsValue>) {
        self.dispatch(Event::HandedOver(id, outcome.map_err(|error| script::words(&error))));
    }

    /// Tells the clipboard that no picture will come.
    pub(super) fn break_promise(self) {
        self.parts.update_value(|parts| parts.promised.take().iter().for_each(Promised::give_up));
    }
}
