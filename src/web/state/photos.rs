//! Photos: on their way, shown, and what stays where one cannot be read.

use super::{AppState, Effect, Photo, Worker};
use crate::web::protocol::{Failure, Progress, RequestId, Size};

impl AppState {
    /// Whether a photo is shown or on its way.
    pub(super) const fn has_photo(&self) -> bool {
        self.photo.is_some() || self.coming.is_some()
    }

    /// What is shown stays until the photo was read.
    pub(super) fn photo_chosen(&mut self, name: String) -> Vec<Effect> {
        (self.failure, self.notice) = (None, None);
        if let (Worker::Idle | Worker::Segmenting { .. }, Some(model)) = (self.worker, &self.model) {
            self.wanted = model.place.clone();
        }
        self.coming = Some(name);
        self.waiting = true;
        match self.worker {
            Worker::Idle | Worker::Segmenting { .. } => self.submit(),
            Worker::Empty => self.load(),
            Worker::Dead => self.spawn(),
            Worker::Starting | Worker::Loading { .. } => Vec::new(),
        }
    }

    pub(super) fn decoded(
        &mut self,
        id: RequestId,
        size: Size,
        view: Size,
        notes: Vec<String>,
    ) -> Vec<Effect> {
        // A photo nobody waits for any more has taken the place of the one shown.
        self.held = self.is_segmenting(id);
        if !self.held {
            return Vec::new();
        }
        let shown = self.photo.take().map(|photo| photo.name);
        let name = self.coming.take().or(shown).unwrap_or_default();
        self.forget_result();
        self.photo = Some(Photo { name, size, notes });
        vec![Effect::ClearOverlay, Effect::ShowPhoto(view)]
    }

    /// A photo on its way is given up, and the one shown stays.
    pub(super) fn not_segmented(&mut self, failure: Failure) -> Vec<Effect> {
        self.worker = Worker::Idle;
        self.failure = Some(failure);
        if self.coming.take().is_none() {
            return Vec::new();
        }
        let mut effects = vec![Effect::DropPhoto];
        if self.photo.is_some() && !self.is_answered() {
            effects.extend(self.submit());
        }
        effects
    }

    /// Whether the photo shown has its result, and the worker can be asked about it.
    pub(super) const fn is_answered(&self) -> bool {
        self.held && self.elapsed_ms.is_some()
    }

    pub(super) fn submit(&mut self) -> Vec<Effect> {
        let id = self.issue_id();
        self.waiting = false;
        self.worker = Worker::Segmenting { id, progress: Progress::Decoding };
        vec![Effect::SendPhoto(id)]
    }
}

#[cfg(test)]
mod tests;
