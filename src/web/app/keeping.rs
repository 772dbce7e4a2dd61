//! Keeps photos, their objects, and which photo was shown, in this browser for the next visit.

use std::collections::BTreeMap;

use leptos::prelude::{GetUntracked, Set, Update, UpdateValue, WithUntracked, WithValue};
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::{Blob, Url};

use super::App;
use super::photos::photo_file;
use crate::web::dom;
use crate::web::gallery::{Gallery, PhotoKey};
use crate::web::keeper::Keeper;
use crate::web::protocol::Sentence;
use crate::web::state::{AppState, Earlier, Event};

/// Name of the file that lists the photos.
const INDEX: &str = "index.json";

/// Files on their way to the browser's storage.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    keeper: Option<Keeper>,
    /// The newest content of each file to be written; `None` for files to be removed.
    jobs: BTreeMap<String, Option<Blob>>,
    is_writing: bool,
    /// Whether nothing is kept in this visit.
    is_off: bool,
}

impl App {
    /// Restores what an earlier visit kept, and keeps this visit's data from now on.
    pub(in crate::web) fn begin_keeping(self) {
        spawn_local(async move {
            let taken = move || {
                self.stop_keeping(Sentence::KeptElsewhere);
            };
            // Without storage, as over plain HTTP, nothing is kept.
            let Ok(keeper) = Keeper::open(taken).await else {
                return self.parts.update_value(|parts| parts.keeping.is_off = true);
            };
            self.bring_back(&keeper).await;
            self.parts.update_value(|parts| parts.keeping.keeper = Some(keeper));
            self.keep_index(&self.state.with_untracked(AppState::for_later));
        });
    }

    /// Keeps the list of photos.
    pub(in crate::web) fn keep_index(self, earlier: &Earlier) {
        // The list of an earlier visit must not be replaced before it was read.
        let is_ready = self.parts.with_value(|parts| parts.keeping.keeper.is_some());
        if is_ready && let Ok(text) = serde_json::to_string(earlier) {
            self.keep(INDEX.into(), dom::text_blob(&text).ok());
        }
    }

    /// Keeps a file, or removes it.
    pub(super) fn keep(self, name: String, content: Option<Blob>) {
        self.parts.update_value(|parts| {
            if !parts.keeping.is_off {
                parts.keeping.jobs.insert(name, content);
            }
        });
        self.weigh();
        self.write();
    }

    pub(super) fn keep_objects(self, key: PhotoKey, bytes: &Blob) {
        self.parts.update_value(|parts| drop(parts.objects.insert(key, bytes.clone())));
        self.keep(objects_file(key), Some(bytes.clone()));
    }

    pub(super) fn keep_thumbnail(self, key: PhotoKey, picture: &Blob) -> Result<(), JsValue> {
        let address = Url::create_object_url_with_blob(picture)?;
        let before = self.thumbnails.try_update(|all| all.insert(key, address)).flatten();
        self.keep(thumbnail_file(key), Some(picture.clone()));
        before.map_or(Ok(()), |address| Url::revoke_object_url(&address))
    }

    pub(super) fn forget(self, keys: &[PhotoKey]) {
        for key in keys {
            self.parts.update_value(|parts| {
                parts.files.remove(key);
                parts.objects.remove(key);
            });
            if let Some(address) = self.thumbnails.try_update(|all| all.remove(key)).flatten() {
                let _ = Url::revoke_object_url(&address);
            }
            for name in [photo_file(*key), objects_file(*key), thumbnail_file(*key)] {
                self.keep(name, None);
            }
        }
    }

    /// Writes one file after another until all are written.
    fn write(self) {
        let Some(keeper) = self.parts.with_value(|parts| parts.keeping.keeper.clone()) else { return };
        let begins =
            self.parts.try_update_value(|parts| !std::mem::replace(&mut parts.keeping.is_writing, true));
        if begins != Some(true) {
            return;
        }
        spawn_local(async move {
            while let Some((name, content)) =
                self.parts.try_update_value(|parts| parts.keeping.jobs.pop_first()).flatten()
            {
                let done = match &content {
                    Some(content) => keeper.put(&name, content).await,
                    // A missing file counts as removed.
                    None => keeper.remove(&name).await.or(Ok(())),
                };
                if done.is_err() {
                    self.stop_keeping(Sentence::NoRoomToKeep);
                }
            }
            self.parts.update_value(|parts| parts.keeping.is_writing = false);
        });
    }

    fn stop_keeping(self, sentence: Sentence) {
        self.parts.update_value(|parts| parts.keeping = Keeping { is_off: true, ..Keeping::default() });
        self.kept_bytes.set(None);
        self.notice(sentence);
    }

    /// Updates the number of bytes kept.
    fn weigh(self) {
        let bytes = self.parts.with_value(|parts| {
            let all = parts.files.values().chain(parts.objects.values());
            parts.keeping.keeper.as_ref().map(|_| all.map(|blob| blob.size()).sum())
        });
        if self.kept_bytes.get_untracked() != bytes {
            self.kept_bytes.set(bytes);
        }
    }

    async fn bring_back(self, keeper: &Keeper) {
        let Some(index) = keeper.get(INDEX).await else { return };
        let text = dom::text(&index).await.unwrap_or_default();
        let Ok(mut earlier) = serde_json::from_str::<Earlier>(&text) else {
            return self.notice(Sentence::EarlierUnreadable);
        };
        let missing = self.bring_back_files(keeper, &mut earlier.gallery).await;
        if missing > 0 {
            self.notice(Sentence::EarlierMissing { count: missing });
        }
        if !earlier.gallery.entries().is_empty() {
            self.dispatch(Event::Restored(earlier));
        }
    }

    /// Restores the files of photos; photos without a file leave the gallery, and their number is returned.
    async fn bring_back_files(self, keeper: &Keeper, gallery: &mut Gallery) -> usize {
        let keys: Vec<PhotoKey> = gallery.entries().iter().map(|entry| entry.key).collect();
        let mut missing = 0;
        for key in keys {
            let Some(file) = keeper.get(&photo_file(key)).await else {
                gallery.remove(key);
                missing += 1;
                continue;
            };
            let objects = keeper.get(&objects_file(key)).await;
            self.parts.update_value(|parts| {
                parts.files.insert(key, file.into());
                parts.objects.extend(objects.map(|objects| (key, objects.into())));
            });
            let picture = keeper.get(&thumbnail_file(key)).await;
            if let Some(Ok(address)) = picture.map(|picture| Url::create_object_url_with_blob(&picture)) {
                self.thumbnails.update(|all| drop(all.insert(key, address)));
            }
        }
        missing
    }
}

fn objects_file(key: PhotoKey) -> String {
    format!("{}.objects", key.0)
}

fn thumbnail_file(key: PhotoKey) -> String {
    format!("{}.thumbnail", key.0)
}
