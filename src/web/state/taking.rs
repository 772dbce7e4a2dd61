//! Exported files on their way out of the worker, and what became of them.

use super::{AppState, Effect, Purpose};
use crate::web::export::Export;
use crate::web::gallery::PhotoKey;
use crate::web::protocol::{Failure, FailureKind, RequestId, Sentence};

/// What became of the file requested last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Taking {
    /// None was requested, or it failed.
    #[default]
    Idle,
    /// It is being made.
    Making(RequestId, Purpose),
    /// A file of all photos is being made.
    Collecting(Box<Collecting>),
    /// It was handed over; further sentences to show.
    Done(Vec<Sentence>),
}

/// A file of all photos under construction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collecting {
    /// The current request.
    pub(super) id: RequestId,
    /// The photo of that request.
    pub(super) at: Option<PhotoKey>,
    /// Remaining photos in reverse order.
    pub(super) left: Vec<PhotoKey>,
    pub(super) total: usize,
    /// Why photos were left out, in sentences with their names.
    pub(super) left_out: Vec<Sentence>,
}

impl Collecting {
    /// Returns the progress.
    const fn progress(&self) -> Sentence {
        Sentence::MakingOfPhotos { at: self.total - self.left.len(), count: self.total }
    }
}

impl AppState {
    /// Returns the progress of the file requested last.
    #[must_use]
    pub fn taking(&self) -> Vec<Sentence> {
        match &self.taking {
            Taking::Idle => Vec::new(),
            Taking::Making(..) => vec![Sentence::Making],
            Taking::Collecting(collecting) => vec![collecting.progress()],
            Taking::Done(sentences) => sentences.clone(),
        }
    }

    /// Returns the places of the picked instances that can be exported: they are on the photo and have
    /// pixels.
    #[must_use]
    pub fn picked_places(&self) -> Vec<usize> {
        self.selected.iter().copied().filter(|&place| self.can_take(place)).collect()
    }

    /// Returns the places of all instances that can be exported.
    #[must_use]
    pub fn shown_places(&self) -> Vec<usize> {
        (0..self.instances.len()).filter(|&place| self.can_take(place)).collect()
    }

    /// Returns the number of listed instances that cannot be exported.
    #[must_use]
    pub fn left_out_count(&self) -> usize {
        (0..self.instances.len()).filter(|&place| self.is_listed(place) && !self.can_take(place)).count()
    }

    fn can_take(&self, place: usize) -> bool {
        self.is_shown(place) && self.instances[place].area > 0
    }

    /// Forgets what became of a file; if the worker `is_gone`, also a file that is being made.
    pub(super) fn forget_taking(&mut self, is_gone: bool) {
        if is_gone || matches!(self.taking, Taking::Done(_)) {
            self.taking = Taking::Idle;
        }
    }

    /// Requests a file; only the newest wish is kept.
    pub(super) fn take(&mut self, export: Export, purpose: Purpose) -> Vec<Effect> {
        if !self.can_ask() || export.places.is_empty() {
            return Vec::new();
        }
        self.failure = None;
        let id = self.issue_id();
        self.taking = Taking::Making(id, purpose);
        vec![Effect::SendExport { id, export, purpose }]
    }

    pub(super) fn exported(&mut self, id: RequestId, file_name: String, mime: String) -> Vec<Effect> {
        let Taking::Making(wanted, purpose) = self.taking else { return Vec::new() };
        if wanted != id {
            return Vec::new();
        }
        self.taking = match purpose {
            Purpose::Save => Taking::Done(vec![Sentence::Saved { name: file_name.clone() }]),
            // The browser still has to agree.
            Purpose::Copy | Purpose::Share => Taking::Making(id, purpose),
        };
        vec![Effect::HandOver { id, purpose, file_name, mime }]
    }

    /// Handles whether the browser copied or shared the file, was told not to, or failed.
    pub(super) fn handed_over(&mut self, id: RequestId, outcome: Result<bool, String>) -> Vec<Effect> {
        let Taking::Making(wanted, purpose) = self.taking else { return Vec::new() };
        if wanted != id {
            return Vec::new();
        }
        self.taking = match (outcome, purpose) {
            (Ok(false), _) => Taking::Idle,
            (Ok(true), Purpose::Copy) => Taking::Done(vec![Sentence::Copied]),
            (Ok(true), _) => Taking::Done(vec![Sentence::Shared]),
            (Err(reason), purpose) => {
                let sentence = match purpose {
                    Purpose::Copy => Sentence::NotCopied { reason },
                    Purpose::Save | Purpose::Share => Sentence::NotShared { reason },
                };
                self.failure = Some(Failure::new(FailureKind::Internal, sentence));
                Taking::Idle
            }
        };
        Vec::new()
    }

    /// Handles a failed request if it was for a file.
    pub(super) fn not_exported(&mut self, id: RequestId) -> Vec<Effect> {
        match self.taking {
            Taking::Making(wanted, purpose) if wanted == id => {
                self.taking = Taking::Idle;
                if purpose == Purpose::Copy { vec![Effect::BreakPromise] } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }
}
