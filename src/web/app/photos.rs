//! Takes photos in, and sends them to the worker.

use js_sys::{Array, ArrayBuffer, Date};
use leptos::prelude::{GetUntracked, UpdateValue, WithUntracked, WithValue, document};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{Blob, File, HtmlInputElement, Url};

use super::App;
use crate::web::dom;
use crate::web::dropped::Dropped;
use crate::web::export::{Behind, Product};
use crate::web::gallery::PhotoKey;
use crate::web::given::{Given, address, name_at, sort_out};
use crate::web::place::Place;
use crate::web::protocol::{CollectStep, Failure, FailureKind, Reply, Request, RequestId, Sentence};
use crate::web::script;
use crate::web::state::{Effect, Event, RedrawEvent};

/// Maximum bytes of a photo file; reading a larger one into memory would slow the tab down before it fails.
const MAX_FILE_BYTES: f64 = 256.0 * 1024.0 * 1024.0;
/// Number of files named among those left out.
const MOST_NAMED: usize = 3;

impl App {
    /// Takes whatever was dropped or picked: photos or a model.
    pub(in crate::web) fn take(self, dropped: Dropped) {
        let Dropped { folder, files, texts } = dropped;
        let paths: Vec<String> = files.iter().map(|(path, _)| path.clone()).collect();
        match sort_out(folder.as_deref(), &paths) {
            Given::Photos { places, left_out } => {
                let photos: Vec<&File> = places.iter().map(|place| &files[*place].1).collect();
                let left_out: Vec<&File> = left_out.iter().map(|place| &files[*place].1).collect();
                self.choose_files(&photos, &left_out);
            }
            Given::Model { name, parts } => {
                let renamed = parts.iter().map(|(index, name)| dom::renamed(&files[*index].1, name));
                match renamed.collect() {
                    Ok(files) => {
                        self.parts.update_value(|parts| drop(parts.folders.insert(name.clone(), files)));
                        let draws = self.state.with_untracked(|state| state.redraw.is_open);
                        let place = Place::Device(name);
                        self.dispatch(if draws {
                            Event::Redraw(RedrawEvent::ModelChosen(place))
                        } else {
                            Event::ModelChosen(place)
                        });
                    }
                    Err(error) => {
                        let reason = script::words(&error);
                        self.refuse(FailureKind::Choice, Sentence::DropFailed { reason });
                    }
                }
            }
            Given::Neither(sentence) => self.refuse(FailureKind::Choice, sentence),
            Given::Nothing => self.take_texts(&texts),
        }
    }

    /// Takes photos; files left out beside them are named.
    fn choose_files(self, photos: &[&File], left_out: &[&File]) {
        let (photos, too_large): (Vec<&File>, Vec<&File>) =
            photos.iter().partition(|file| file.size() <= MAX_FILE_BYTES);
        if photos.is_empty() {
            let name = too_large.first().map(|file| file.name()).unwrap_or_default();
            return self.refuse(FailureKind::Photo, Sentence::PhotoFileTooLarge { name });
        }
        let file = |file: &&File| (file.name(), file.slice().unwrap_or_else(|_| File::clone(file).into()));
        self.choose_blobs(photos.iter().map(file).collect());
        let too_large = named(&too_large).map(|(count, names)| Sentence::LeftOutTooLarge { count, names });
        let others = named(left_out).map(|(count, names)| Sentence::LeftOutNoPhotos { count, names });
        let left: Vec<Sentence> = too_large.into_iter().chain(others).collect();
        if !left.is_empty() {
            self.dispatch(Event::Noticed(left));
        }
    }

    /// Takes a picture by its address.
    fn take_texts(self, texts: &[String]) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        match address(&texts).map(str::to_owned) {
            Some(address) => spawn_local(async move {
                match dom::fetch_blob(&address).await {
                    Ok(blob) => self.choose_blobs(vec![(name_at(&address).into(), blob)]),
                    Err(_) => self.refuse(FailureKind::Photo, Sentence::ImageRefused),
                }
            }),
            None => self.notice(Sentence::NoPhotoThere),
        }
    }

    /// Takes the photos that were chosen before the app started, and removes the start page.
    pub(in crate::web) fn take_early(self) {
        let document = document();
        let input = document.get_element_by_id("start-photos").and_then(|input| input.dyn_into().ok());
        if let Some(start) = document.get_element_by_id("start") {
            start.remove();
        }
        let Some(input): Option<HtmlInputElement> = input else { return };
        let take = {
            let input = input.clone();
            move || self.take(Dropped::picked(input.files().as_ref()))
        };
        match input.files().is_some_and(|files| files.length() > 0) {
            true => take(),
            // The file picker may be open right now.
            false => input.set_onchange(Some(Closure::once_into_js(take).unchecked_ref())),
        }
    }

    /// Takes photos that another app shared with this one, from the service worker.
    pub(in crate::web) fn take_shared(self) {
        if dom::query("shared").is_none() {
            return;
        }
        spawn_local(async move {
            let photos = shared_photos().await;
            // Otherwise they would be taken again at the next visit.
            let _ = dom::share("shared", None);
            match photos {
                Ok(photos) if !photos.is_empty() => self.choose_blobs(photos),
                _ => self.refuse(FailureKind::Photo, Sentence::SharedMissing),
            }
        });
    }

    /// Takes one of the sample photos, or shows it again.
    pub(in crate::web) fn choose_sample(self, name: &'static str) {
        let known = self.state.with_untracked(|state| {
            let entries = state.gallery.entries();
            entries.iter().find(|entry| entry.name == name).map(|entry| entry.key)
        });
        if let Some(key) = known {
            return self.dispatch(Event::PhotoOpened(key));
        }
        spawn_local(async move {
            match dom::fetch_blob(&format!("samples/{name}")).await {
                Ok(blob) => self.choose_blobs(vec![(name.into(), blob)]),
                Err(_) => self.refuse(FailureKind::Photo, Sentence::SampleFailed),
            }
        });
    }

    fn choose_blobs(self, photos: Vec<(String, Blob)>) {
        if self.parts.with_value(|parts| parts.files.is_empty()) {
            dom::ask_to_stay();
        }
        // Photos of an earlier visit, which may not be restored yet, have lower keys.
        let now = (Date::now() / 1000.0) as u32;
        let first = self.state.with_untracked(|state| state.gallery.next_key().0).max(now);
        let photos: Vec<(PhotoKey, (String, Blob))> = (first..).map(PhotoKey).zip(photos).collect();
        for (key, (_, blob)) in &photos {
            self.parts.update_value(|parts| drop(parts.files.insert(*key, blob.clone())));
            self.keep(photo_file(*key), Some(blob.clone()));
        }
        self.dispatch(Event::PhotosChosen(photos.into_iter().map(|(key, (name, _))| (key, name)).collect()));
    }

    /// Sends the photo for measuring the device.
    pub(super) async fn send_measure(self, id: RequestId) {
        let photo = async { dom::read(&dom::fetch_blob("samples/coffee.jpg").await?).await };
        let sent = photo.await.and_then(|file| self.send(&Request::Measure { id }, &Array::of1(&file)));
        if sent.is_err() {
            let failure = Failure::new(FailureKind::Photo, Sentence::MeasureFailed);
            self.dispatch(Event::Replied(Reply::Failed { id, failure }));
        }
    }

    /// Returns an object URL of a photo's file, from which the browser can draw it; it must be revoked.
    pub(in crate::web) fn address_of(self, key: PhotoKey) -> Option<String> {
        self.parts.with_value(|parts| Url::create_object_url_with_blob(parts.files.get(&key)?).ok())
    }

    /// Carries out effects on photos that are not shown, or not yet.
    ///
    /// # Errors
    ///
    /// An error if the browser has no room for what is to be kept.
    pub(super) fn carry_out_of_photos(self, effect: Effect, buffers: &[ArrayBuffer]) -> Result<(), JsValue> {
        match effect {
            Effect::SendPhoto { id, key, look } => {
                let request = move |name| Request::Segment { id, key, name, look };
                spawn_local(self.send_about(id, key, true, request));
            }
            Effect::SendFind { id, key } => {
                spawn_local(self.send_about(id, key, false, move |name| Request::Find { id, key, name }));
            }
            Effect::ForgetPhotos(keys) => self.forget(&keys),
            Effect::HidePhoto => self.hide_photo(),
            Effect::KeepObjects(key) => {
                if let Some(bytes) = buffers.first() {
                    self.keep_objects(key, &dom::blob(bytes, "application/json")?);
                }
            }
            Effect::KeepThumbnail(key) => {
                if let Some(bytes) = buffers.first() {
                    self.keep_thumbnail(key, &dom::blob(bytes, "image/png")?)?;
                }
            }
            Effect::SendCollect { id, step } => self.send_collect(id, step),
            Effect::KeepPart => {
                if let Some(bytes) = buffers.first() {
                    let part = dom::blob(bytes, "")?;
                    self.parts.update_value(|parts| parts.collected.push(part));
                }
            }
            Effect::SaveParts(file_name) => self.save_parts(&file_name)?,
            Effect::DropParts => self.parts.update_value(|parts| parts.collected.clear()),
            _ => {}
        }
        Ok(())
    }

    /// Sends a request about a photo, with its file and, if `with_objects`, its known objects.
    pub(super) async fn send_about(
        self,
        id: RequestId,
        key: PhotoKey,
        with_objects: bool,
        request: impl FnOnce(String) -> Request,
    ) {
        let name = self
            .state
            .with_untracked(|state| state.gallery.entry(key).map(|entry| entry.name.clone()))
            .unwrap_or_default();
        let (file, objects) =
            self.parts.with_value(|parts| (parts.files.get(&key).cloned(), parts.objects.get(&key).cloned()));
        let event = match read_both(file, objects.filter(|_| with_objects)).await {
            Ok(buffers) => match self.send(&request(name), &buffers) {
                Ok(()) => return,
                Err(error) => Event::WorkerDied(script::words(&error)),
            },
            Err(_) => {
                let failure = Failure::new(FailureKind::Photo, Sentence::PhotoGone { name });
                Event::Replied(Reply::Failed { id, failure })
            }
        };
        self.dispatch(event);
    }

    /// Sends a step towards a file of all photos.
    pub(super) fn send_collect(self, id: RequestId, step: CollectStep) {
        match step {
            CollectStep::Add { key, name } => spawn_local(self.send_about(id, key, true, move |_| {
                Request::Collect { id, step: CollectStep::Add { key, name } }
            })),
            CollectStep::Begin { product, .. } => {
                let needed = product == Product::Background(Behind::Photo);
                spawn_local(self.send_with_backdrop(id, needed, Request::Collect { id, step }));
            }
            CollectStep::Finish => {
                if let Err(error) = self.send(&Request::Collect { id, step }, &Array::new()) {
                    self.dispatch(Event::WorkerDied(script::words(&error)));
                }
            }
        }
    }

    /// Saves the parts of the file of all photos as one download.
    pub(super) fn save_parts(self, file_name: &str) -> Result<(), JsValue> {
        let parts = self.parts.try_update_value(|parts| std::mem::take(&mut parts.collected));
        let parts: Array = parts.unwrap_or_default().iter().collect();
        dom::save_blob(&Blob::new_with_blob_sequence(&parts)?, file_name)
    }

    /// Clears the canvases.
    pub(super) fn hide_photo(self) {
        for canvas in [self.photo_canvas, self.overlay_canvas].iter().filter_map(GetUntracked::get_untracked)
        {
            dom::clear(&canvas);
        }
    }
}

/// Returns the name under which a photo's file is kept.
pub(super) fn photo_file(key: PhotoKey) -> String {
    format!("{}.photo", key.0)
}

async fn read_both(file: Option<Blob>, objects: Option<Blob>) -> Result<Array, JsValue> {
    let file: ArrayBuffer = dom::read(&file.ok_or_else(|| JsValue::from_str("it is gone"))?).await?;
    let buffers = Array::of1(&file);
    if let Some(objects) = objects {
        let objects = dom::read(&objects).await?;
        buffers.push(&objects);
    }
    Ok(buffers)
}

/// Returns the number of files, and the names of the first; `None` for no file.
fn named(files: &[&File]) -> Option<(usize, String)> {
    let names: Vec<String> = files.iter().take(MOST_NAMED).map(|file| file.name()).collect();
    let more = if files.len() > MOST_NAMED { ", …" } else { "" };
    (!files.is_empty()).then(|| (files.len(), names.join(", ") + more))
}

async fn shared_photos() -> Result<Vec<(String, Blob)>, JsValue> {
    let list = dom::text(&dom::fetch_blob("shared/").await?).await?;
    let mut photos = Vec::new();
    for (number, name) in list.lines().enumerate() {
        photos.push((name.to_owned(), dom::fetch_blob(&format!("shared/{number}")).await?));
    }
    Ok(photos)
}
