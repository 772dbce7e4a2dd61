//! Photos that wait: they are segmented one after another in the background.

use super::{AppState, Effect, Worker};
use crate::web::gallery::{PhotoKey, Standing};
use crate::web::protocol::{Failure, RequestId, Sentence};

impl AppState {
    /// Sends the next photo that waits, if the worker has nothing else to do.
    pub(super) fn find_next(&mut self) -> Vec<Effect> {
        let is_free = matches!(self.worker, Worker::Idle) && !self.waiting && self.finding.is_none();
        if self.is_paused || !is_free {
            return Vec::new();
        }
        let shown = self.photo.as_ref().map(|photo| photo.key);
        let Some(key) = self.gallery.first_waiting(shown) else { return Vec::new() };
        let id = self.issue_id();
        self.finding = Some((id, key));
        self.gallery.set(key, Standing::Working);
        vec![Effect::SendFind { id, key }]
    }

    pub(super) fn paused(&mut self, is_paused: bool) -> Vec<Effect> {
        self.is_paused = is_paused;
        Vec::new()
    }

    /// Stops the photos that wait, or continues with them, which also ends a pause.
    pub(super) fn stopped(&mut self, is_stopped: bool) -> Vec<Effect> {
        if is_stopped {
            self.gallery.stop();
        } else {
            self.is_paused = false;
            self.gallery.go_on();
        }
        Vec::new()
    }

    /// Handles the objects of a photo in the background.
    pub(super) fn found_in(&mut self, id: RequestId, scores: &[f32]) -> Vec<Effect> {
        if let Some(key) = self.take_finding(id) {
            let count = scores.iter().filter(|&&score| score >= self.threshold).count();
            self.gallery.set(key, Standing::Done(count));
        }
        Vec::new()
    }

    /// Handles a failed photo in the background, which is named in the gallery; returns whether the request
    /// was for one.
    pub(super) fn not_found_in(&mut self, id: RequestId, failure: &Failure) -> bool {
        let Some(key) = self.take_finding(id) else { return false };
        self.gallery.set(key, Standing::Failed(failure.sentence.clone()));
        true
    }

    /// Lets the photo in the background wait again after the worker is gone, unless it `died` of it.
    pub(super) fn lose_finding(&mut self, died: bool) {
        let Some((_, key)) = self.finding.take() else { return };
        let standing = match died {
            true => Standing::Failed(Sentence::PhotoCrashed),
            false => Standing::Waiting,
        };
        self.gallery.set(key, standing);
    }

    fn take_finding(&mut self, id: RequestId) -> Option<PhotoKey> {
        self.finding.take_if(|(sent, _)| *sent == id).map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests;
