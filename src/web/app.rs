//! The app's controller: carries events to [`AppState`], and its effects to worker, canvases and disk.

mod address;
mod keeping;
mod photos;
mod saying;
mod taking;

use std::collections::HashMap;

use js_sys::{Array, ArrayBuffer, Date};
use leptos::html::Canvas;
use leptos::prelude::{
    GetUntracked, LocalStorage, NodeRef, RwSignal, Set, StoredValue, Update, UpdateValue, WithUntracked,
    WithValue, on_cleanup, window_event_listener_untyped,
};
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::{Blob, File, HtmlCanvasElement};

use super::client::{Heard, WorkerClient};
use super::desk::Desk;
use super::document::{Action, Edit};
use super::dom;
use super::gallery::PhotoKey;
use super::handover::Promised;
use super::language::Language;
use super::overlay::{HitMask, instance_at, overlay_size};
use super::place::Place;
use super::protocol::{BackendChoice, Failure, FailureKind, RedrawRequest, Request, Sentence, Size};
use super::script;
use super::sheets::Sheets;
use super::state::{Aim, AppState, Effect, Event, Gesture, RedrawEvent};
use keeping::Keeping;

use crate::hub_name::HUB;

/// The `localStorage` key that changes when kept weights are removed, so that other tabs notice.
const WEIGHTS_GONE: &str = "mae-seg-weights-gone";

/// The context of every component: the state to read, and the ways to change it.
#[derive(Debug, Clone, Copy)]
pub(super) struct App {
    pub(super) state: RwSignal<AppState>,
    pub(super) language: RwSignal<Language>,
    pub(super) photo_canvas: NodeRef<Canvas>,
    pub(super) overlay_canvas: NodeRef<Canvas>,
    pub(super) desk: Desk,
    /// Object URLs of the photos' thumbnails.
    pub(super) thumbnails: RwSignal<HashMap<PhotoKey, String>>,
    /// Bytes kept in this browser for the next visit; `None` if nothing can be kept.
    pub(super) kept_bytes: RwSignal<Option<f64>>,
    pub(super) sheets: Sheets,
    parts: StoredValue<Parts, LocalStorage>,
}

/// Browser objects that do not belong in a pure state.
#[derive(Debug, Default)]
struct Parts {
    worker: Option<WorkerClient>,
    /// The files of all photos.
    files: HashMap<PhotoKey, Blob>,
    /// The known objects of photos.
    objects: HashMap<PhotoKey, Blob>,
    /// Files on their way to the browser's storage.
    keeping: Keeping,
    /// The finished parts of a file of all photos.
    collected: Vec<Blob>,
    /// Files of the models opened from this device, by the folder's name.
    folders: HashMap<String, Vec<File>>,
    masks: Vec<HitMask>,
    /// The photo to be put behind the objects.
    backdrop: Option<File>,
    /// The picture promised to the clipboard.
    promised: Option<Promised>,
}

impl App {
    pub(super) fn new() -> Self {
        let asked = dom::query("weights").filter(|text| !text.is_empty());
        let (wanted, refused) = match asked.as_deref().map(Place::parse) {
            Some(Ok(place)) => (place, None),
            Some(Err(_)) => (Place::Suited, asked),
            None => (Place::Suited, None),
        };
        let hub = dom::query("hub").filter(|text| !text.is_empty()).unwrap_or_else(|| HUB.into());
        let backend = BackendChoice::from_query(dom::query("backend").as_deref());
        let app = Self {
            state: RwSignal::new(AppState::new(wanted, hub, backend)),
            language: RwSignal::new(saying::language()),
            photo_canvas: NodeRef::new(),
            overlay_canvas: NodeRef::new(),
            desk: Desk::new(),
            thumbnails: RwSignal::new(HashMap::new()),
            kept_bytes: RwSignal::new(None),
            sheets: Sheets::new(),
            parts: StoredValue::new_local(Parts::default()),
        };
        if let Some(Ok(place)) = dom::query("mae").as_deref().map(Place::parse) {
            app.dispatch(Event::Redraw(RedrawEvent::ModelChosen(place)));
        }
        if let Some(name) = refused {
            app.refuse(FailureKind::Choice, Sentence::NoModelNameSoOurs { name });
        }
        app
    }

    /// Listens for changes that other tabs of this page make to shared storage.
    pub(super) fn listen_to_others(self) {
        let known = RwSignal::new(dom::remembered(WEIGHTS_GONE));
        let listener = window_event_listener_untyped("storage", move |_| {
            let now = dom::remembered(WEIGHTS_GONE);
            if known.get_untracked() != now {
                known.set(now);
                self.dispatch(Event::WeightsGone);
            }
        });
        on_cleanup(move || listener.remove());
    }

    /// Passes an event to the state, and carries out the resulting effects.
    pub(super) fn dispatch(self, event: Event) {
        self.dispatch_with(event, &[]);
    }

    /// Applies an action to the picked objects.
    pub(super) fn mend(self, action: Action) {
        self.dispatch(self.wanted(action));
        // Ink that is not on its way into a mask is removed from the photo.
        if !self.state.with_untracked(AppState::is_mending) {
            self.desk.dry();
        }
    }

    /// Returns the event that asks for an action on the picked objects.
    pub(super) fn wanted(self, action: Action) -> Event {
        let places = self.state.with_untracked(|state| state.selected.iter().copied().collect());
        Event::EditWanted(Edit { places, action })
    }

    /// Shows a notice that is not a failure.
    fn notice(self, sentence: Sentence) {
        self.dispatch(Event::Noticed(vec![sentence]));
    }

    /// Shows why something can be neither shown nor used.
    pub(super) fn refuse(self, kind: FailureKind, sentence: Sentence) {
        self.dispatch(Event::Refused(Failure::new(kind, sentence)));
    }

    /// Returns the photo's pixel at a place, both coordinates from 0 to 1.
    pub(super) fn pixel(self, [across, down]: [f64; 2]) -> Option<[usize; 2]> {
        let size = self.state.with_untracked(|state| state.photo.as_ref().map(|photo| photo.size))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates at the photo's edges"
        )]
        let pixel = |place: f64, pixels: usize| ((place * pixels as f64) as usize).min(pixels - 1);
        Some([pixel(across, size.width), pixel(down, size.height)])
    }

    /// Converts a place, both coordinates from 0 to 1, to fractional pixels of the photo.
    pub(super) fn point(self, [across, down]: [f64; 2]) -> [f64; 2] {
        let size = self.state.with_untracked(|state| state.photo.as_ref().map(|photo| photo.size));
        size.map_or([0.0; 2], |size| [across * size.width as f64, down * size.height as f64])
    }

    /// Returns what a gesture at a place points at.
    pub(super) fn aim(self, place: [f64; 2], gesture: Gesture) -> Option<Aim> {
        let pixel = self.pixel(place)?;
        let [x, y] = pixel;
        let over = self.state.with_untracked(|state| {
            self.parts.with_value(|parts| instance_at(&parts.masks, |index| state.is_shown(index), x, y))
        });
        Some(Aim { pixel, over, gesture })
    }

    fn dispatch_with(self, event: Event, buffers: &[ArrayBuffer]) {
        let effects = self.state.try_update(|state| state.update(event)).unwrap_or_default();
        for effect in effects {
            if let Err(error) = self.carry_out(effect, buffers) {
                self.dispatch(Event::WorkerDied(script::words(&error)));
            }
        }
    }

    fn carry_out(self, effect: Effect, buffers: &[ArrayBuffer]) -> Result<(), JsValue> {
        match effect {
            Effect::SpawnWorker => {
                self.break_promise();
                let (place, backend) =
                    self.state.with_untracked(|state| (state.wanted.clone(), state.backend));
                let script = address::of_worker(&place, backend)?;
                let worker = WorkerClient::spawn(&script, move |heard| self.hear(heard))?;
                self.parts.update_value(|parts| parts.worker = Some(worker));
            }
            Effect::Send(request) => self.send(&request, &self.attachments(&request))?,
            Effect::AnnounceModel => dom::announce("modelready")?,
            Effect::AnnounceWeightsGone => dom::remember(WEIGHTS_GONE, Some(&Date::now().to_string())),
            Effect::SendMeasure(id) => spawn_local(self.send_measure(id)),
            Effect::ShareBackend(backend) => dom::share("backend", backend.query())?,
            Effect::ShareModel(place) => {
                dom::share("weights", place.query().as_deref())?;
            }
            Effect::ShowPhoto(size) => {
                show(self.photo_canvas.get_untracked(), buffers, size)?;
                let photo = self.state.with_untracked(|state| state.photo.as_ref().map(|photo| photo.size));
                if let Some((overlay, photo)) = self.overlay_canvas.get_untracked().zip(photo) {
                    dom::resize(&overlay, overlay_size(photo))?;
                }
            }
            Effect::KeepMasks => self.keep_masks(buffers),
            Effect::KeepMask { replaces } => {
                let runs = buffers.first().map(dom::numbers).unwrap_or_default();
                let mask = HitMask::new(self.photo_height(), &runs);
                self.parts.update_value(|parts| {
                    if replaces {
                        parts.masks.pop();
                    }
                    parts.masks.push(mask);
                });
            }
            Effect::ReplaceMasks { masks, count } => self.replace_masks(&masks, count, buffers),
            Effect::DropMask => self.parts.update_value(|parts| drop(parts.masks.pop())),
            Effect::ShowOverlay => {
                if let (Some(canvas), Some(rgba)) = (self.overlay_canvas.get_untracked(), buffers.first()) {
                    dom::repaint(&canvas, rgba)?;
                }
            }
            Effect::ClearOverlay => {
                self.parts.update_value(|parts| parts.masks.clear());
                if let Some(canvas) = self.overlay_canvas.get_untracked() {
                    dom::clear(&canvas);
                }
            }
            Effect::SendExport { id, export, purpose } => self.send_export(id, export, purpose),
            Effect::HandOver { id, purpose, file_name, mime } => {
                if let Some(bytes) = buffers.first() {
                    self.hand_over(id, purpose, bytes, (file_name, mime))?;
                }
            }
            Effect::ShowRedrawn => self.sheets.show_redrawn(buffers),
            Effect::ShowFeatures => self.sheets.show_features(buffers),
            Effect::BreakPromise => self.break_promise(),
            other => self.carry_out_of_photos(other, buffers)?,
        }
        Ok(())
    }

    fn hear(self, heard: Heard) {
        match heard {
            Heard::Reply(reply, buffers) => self.dispatch_with(Event::Replied(reply), &buffers),
            Heard::Died(message) => self.dispatch(Event::WorkerDied(message)),
        }
    }

    fn send(self, request: &Request, attachments: &Array) -> Result<(), JsValue> {
        let send =
            |parts: &Parts| parts.worker.as_ref().map_or(Ok(()), |worker| worker.send(request, attachments));
        self.parts.with_value(send)
    }

    /// Returns the files that a request for a model on this device needs.
    fn attachments(self, request: &Request) -> Array {
        let (Request::Load { place: Place::Device(name), .. }
        | Request::Redraw { request: RedrawRequest::Load { place: Place::Device(name), .. }, .. }) = request
        else {
            return Array::new();
        };
        self.parts.with_value(|parts| parts.folders.get(name).into_iter().flatten().collect())
    }

    fn photo_height(self) -> usize {
        self.state.with_untracked(|state| state.photo.as_ref().map_or(0, |photo| photo.size.height))
    }

    fn keep_masks(self, buffers: &[ArrayBuffer]) {
        let runs = |state: &AppState| state.instances.iter().map(|found| found.runs).enumerate().collect();
        let masks: Vec<(usize, usize)> = self.state.with_untracked(runs);
        self.replace_masks(&masks, masks.len(), buffers);
    }

    /// Replaces masks at some indices by those in one buffer.
    fn replace_masks(self, masks: &[(usize, usize)], count: usize, buffers: &[ArrayBuffer]) {
        let (height, runs) = (self.photo_height(), buffers.first().map(dom::numbers).unwrap_or_default());
        let places = masks.iter().map(|(place, _)| place + 1).max().unwrap_or_default().max(count);
        let mut rest = runs.as_slice();
        self.parts.update_value(|parts| {
            parts.masks.resize_with(places, HitMask::default);
            for (place, length) in masks {
                let (mine, others) = rest.split_at((*length).min(rest.len()));
                parts.masks[*place] = HitMask::new(height, mine);
                rest = others;
            }
            parts.masks.truncate(count);
        });
    }
}

fn show(canvas: Option<HtmlCanvasElement>, buffers: &[ArrayBuffer], size: Size) -> Result<(), JsValue> {
    match (canvas, buffers.first()) {
        (Some(canvas), Some(rgba)) => {
            dom::resize(&canvas, size)?;
            dom::repaint(&canvas, rgba)
        }
        _ => Ok(()),
    }
}
