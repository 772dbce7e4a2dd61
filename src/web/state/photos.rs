//! The photo shown and the next one: how they are chosen, and what stays if one cannot be read.

use serde::{Deserialize, Serialize};

use super::{AppState, Effect, Photo, Worker};
use crate::web::gallery::{Gallery, PhotoKey, Standing};
use crate::web::place::Place;
use crate::web::protocol::{Failure, Found, Look, Progress, Request, RequestId, Sentence, Size};

/// What is restored from an earlier visit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Its photos.
    pub gallery: Gallery,
    /// The photo that was shown.
    pub shown: Option<PhotoKey>,
    /// The threshold and its model.
    pub threshold: Option<(Place, f32)>,
}

impl AppState {
    /// Returns what a later visit should restore.
    #[must_use]
    pub fn for_later(&self) -> Earlier {
        let threshold = self.model.as_ref().map(|model| (model.place.clone(), self.threshold));
        Earlier {
            gallery: self.gallery.clone(),
            shown: self.coming.or_else(|| self.photo.as_ref().map(|photo| photo.key)),
            threshold: threshold.or_else(|| self.earlier_threshold.clone()),
        }
    }

    /// Returns whether a photo is shown or on its way.
    pub(super) const fn has_photo(&self) -> bool {
        self.photo.is_some() || self.coming.is_some()
    }

    /// Adds photos; the current one stays visible until the first of them is decoded.
    pub(super) fn photos_chosen(&mut self, photos: Vec<(PhotoKey, String)>) -> Vec<Effect> {
        let Some((first, _)) = photos.first() else { return Vec::new() };
        let first = *first;
        self.gallery.add(photos);
        self.come(first)
    }

    /// Restores an earlier visit without replacing anything of this one.
    pub(super) fn restored(&mut self, earlier: Earlier) -> Vec<Effect> {
        let Earlier { gallery, shown, threshold } = earlier;
        self.gallery.restore(gallery);
        match (threshold, &self.model) {
            (Some((place, threshold)), Some(model)) if model.place == place => self.threshold = threshold,
            (threshold, None) => self.earlier_threshold = threshold,
            _ => {}
        }
        match shown.filter(|key| !self.has_photo() && self.gallery.entry(*key).is_some()) {
            Some(key) => self.come(key),
            None => Vec::new(),
        }
    }

    pub(super) fn photo_opened(&mut self, key: PhotoKey) -> Vec<Effect> {
        if self.coming == Some(key) || self.gallery.entry(key).is_none() {
            return Vec::new();
        }
        self.come(key)
    }

    /// Removes a photo; the next one is shown instead, or else the previous one.
    pub(super) fn photo_removed(&mut self, key: PhotoKey) -> Vec<Effect> {
        let is_coming = self.coming == Some(key);
        let is_shown = self.photo.as_ref().is_some_and(|photo| photo.key == key);
        let next = self.gallery.neighbour(key, true).or_else(|| self.gallery.neighbour(key, false));
        self.gallery.remove(key);
        let mut effects = self.forget(vec![key]);
        if is_shown {
            effects.extend(self.hide_photo());
        }
        if is_coming {
            (self.coming, self.held) = (None, false);
            self.lose_answer();
        }
        let left = self.coming.or_else(|| self.photo.as_ref().map(|photo| photo.key));
        if let Some(next) = left.or(next).filter(|_| is_coming || left.is_none()) {
            effects.extend(self.come(next));
        }
        effects
    }

    pub(super) fn started_fresh(&mut self) -> Vec<Effect> {
        let keys: Vec<PhotoKey> = self.gallery.entries().iter().map(|entry| entry.key).collect();
        keys.iter().for_each(|key| self.gallery.remove(*key));
        (self.coming, self.waiting, self.is_paused) = (None, false, false);
        (self.failure, self.notice) = (None, Vec::new());
        self.lose_answer();
        let mut effects = self.forget(keys);
        effects.extend(self.hide_photo());
        effects
    }

    /// Drops all that is kept of photos.
    fn forget(&mut self, keys: Vec<PhotoKey>) -> Vec<Effect> {
        let mut effects = vec![Effect::ForgetPhotos(keys.clone())];
        if !matches!(self.worker, Worker::Starting(_) | Worker::Dead) {
            let id = self.issue_id();
            effects.push(Effect::Send(Request::Forget { id, keys }));
        }
        effects
    }

    fn hide_photo(&mut self) -> Vec<Effect> {
        self.forget_result();
        (self.photo, self.held) = (None, false);
        if self.coming.is_none() {
            self.lose_answer();
        }
        vec![Effect::ClearOverlay, Effect::HidePhoto]
    }

    /// Stops waiting for the photo that was sent last.
    fn lose_answer(&mut self) {
        self.waiting = false;
        if let Worker::Segmenting { .. } = self.worker {
            self.worker = Worker::Idle;
        }
    }

    fn come(&mut self, key: PhotoKey) -> Vec<Effect> {
        (self.failure, self.notice) = (None, Vec::new());
        if let (Worker::Idle | Worker::Segmenting { .. }, Some(model)) = (self.worker, &self.model) {
            self.wanted = model.place.clone();
        }
        self.note_count();
        self.coming = Some(key);
        self.waiting = true;
        match self.worker {
            Worker::Idle | Worker::Segmenting { .. } => self.submit(),
            Worker::Empty => self.load(),
            Worker::Dead => self.spawn(),
            Worker::Starting(_) | Worker::Loading { .. } => Vec::new(),
        }
    }

    pub(super) fn decoded(
        &mut self,
        id: RequestId,
        size: Size,
        view: Size,
        notes: Vec<Sentence>,
    ) -> Vec<Effect> {
        // A photo that is no longer waited for has replaced the one shown in the worker.
        self.held = self.is_segmenting(id);
        if !self.held {
            return Vec::new();
        }
        let shown = self.photo.take().map(|photo| photo.key);
        let Some(key) = self.coming.take().or(shown) else { return Vec::new() };
        let name = self.gallery.entry(key).map_or_else(String::new, |entry| entry.name.clone());
        self.forget_result();
        self.found_by = None;
        self.photo = Some(Photo { key, name, size, notes });
        vec![Effect::ClearOverlay, Effect::ShowPhoto(view)]
    }

    /// Handles the objects of the photo shown.
    pub(super) fn segmented(&mut self, instances: Vec<Found>, elapsed_ms: f64) -> Vec<Effect> {
        self.worker = Worker::Idle;
        self.instances = instances;
        self.elapsed_ms = Some(elapsed_ms);
        self.found_by = self.model.as_ref().map(|model| model.place.clone());
        self.note_count();
        let mut effects = vec![Effect::KeepMasks];
        effects.extend(self.paint());
        effects.extend(self.redraw_next());
        effects
    }

    /// Gives up a photo on its way; the one shown stays.
    pub(super) fn not_segmented(&mut self, failure: Failure) -> Vec<Effect> {
        self.worker = Worker::Idle;
        let sentence = failure.sentence.clone();
        self.failure = Some(failure);
        let Some(key) = self.coming.take() else {
            if let Some(photo) = &self.photo {
                self.gallery.set(photo.key, Standing::Failed(sentence));
            }
            return Vec::new();
        };
        let mut effects = Vec::new();
        if self.gallery.entry(key).is_some_and(|entry| entry.is_single) {
            self.gallery.remove(key);
            effects.extend(self.forget(vec![key]));
        } else {
            self.gallery.set(key, Standing::Failed(sentence));
        }
        if self.photo.is_some() && !self.is_answered() {
            effects.extend(self.submit());
        }
        effects
    }

    /// Returns whether the photo shown has its result, so that the worker can be asked about it.
    pub(super) const fn is_answered(&self) -> bool {
        self.held && self.elapsed_ms.is_some()
    }

    /// Updates the number of objects of the photo shown in the gallery.
    pub(super) fn note_count(&mut self) {
        if let Some(key) = self.photo.as_ref().filter(|_| self.is_answered()).map(|photo| photo.key) {
            self.gallery.set(key, Standing::Done(self.shown_count()));
        }
    }

    /// Sends the next photo, or else the one shown. If another model found its objects, it is segmented
    /// again.
    pub(super) fn submit(&mut self) -> Vec<Effect> {
        let shown = self.photo.as_ref().map(|photo| photo.key);
        self.waiting = false;
        let Some(key) = self.coming.or(shown) else { return Vec::new() };
        let id = self.issue_id();
        self.worker = Worker::Segmenting { id, progress: Progress::Decoding };
        self.gallery.set(key, Standing::Working);
        let found_by = self.found_by.as_ref().filter(|_| self.coming.is_none());
        let afresh =
            found_by.is_some_and(|place| self.model.as_ref().is_some_and(|model| model.place != *place));
        self.closely = None;
        vec![Effect::SendPhoto { id, key, look: if afresh { Look::Again } else { Look::IfUnknown } }]
    }

    /// Searches the photo shown once more, for small objects.
    pub(super) fn look_closely(&mut self) -> Vec<Effect> {
        let Some(key) = self.photo.as_ref().map(|photo| photo.key).filter(|_| self.can_look_closely()) else {
            return Vec::new();
        };
        let id = self.issue_id();
        self.worker = Worker::Segmenting { id, progress: Progress::Decoding };
        self.gallery.set(key, Standing::Working);
        self.closely = Some(key);
        vec![Effect::SendPhoto { id, key, look: Look::Closely }]
    }

    /// Returns whether the photo shown can be searched more closely than before.
    #[must_use]
    pub fn can_look_closely(&self) -> bool {
        self.can_ask() && self.photo.as_ref().is_some_and(|photo| self.closely != Some(photo.key))
    }
}

#[cfg(test)]
mod tests;
