//! What is taken home: files on their way out of the worker, and what became of them.

use super::collecting::Collecting;
use super::{AppState, Effect};
use crate::web::export::Export;
use crate::web::protocol::{Failure, FailureKind, RequestId, Sentence};

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Saved by the browser.
    Save,
    /// Into the clipboard.
    Copy,
    /// To the device's share sheet.
    Share,
}

/// What became of the file asked for last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Taking {
    /// Nothing was asked for, or it failed.
    #[default]
    Idle,
    /// It is being made.
    Making(RequestId, Purpose),
    /// One of all photos is being made.
    Collecting(Box<Collecting>),
    /// It is where it was to go, and what else is to be said.
    Done(Vec<Sentence>),
}

impl AppState {
    /// How the file asked for last is getting on.
    #[must_use]
    pub fn taking(&self) -> Vec<Sentence> {
        match &self.taking {
            Taking::Idle => Vec::new(),
            Taking::Making(..) => vec![Sentence::Making],
            Taking::Collecting(collecting) => vec![collecting.progress()],
            Taking::Done(sentences) => sentences.clone(),
        }
    }

    /// Places of the picked instances that files can be made of: they are on the photo and have pixels.
    #[must_use]
    pub fn picked_places(&self) -> Vec<usize> {
        self.selected.iter().copied().filter(|&place| self.can_take(place)).collect()
    }

    /// Places of all instances that files can be made of.
    #[must_use]
    pub fn shown_places(&self) -> Vec<usize> {
        (0..self.instances.len()).filter(|&place| self.can_take(place)).collect()
    }

    /// How many instances of the list no file can be made of.
    #[must_use]
    pub fn left_out_count(&self) -> usize {
        (0..self.instances.len()).filter(|&place| self.is_listed(place) && !self.can_take(place)).count()
    }

    fn can_take(&self, place: usize) -> bool {
        self.is_shown(place) && self.instances[place].area > 0
    }

    /// Forgets what became of a file; or, where the worker is gone, the file that is being made, too.
    pub(super) fn forget_taking(&mut self, is_gone: bool) {
        if is_gone || matches!(self.taking, Taking::Done(_)) {
            self.taking = Taking::Idle;
        }
    }

    /// Only the newest wish is kept.
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

    /// The browser took what was copied or shared, did not, or was told not to.
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

    /// Whether it was a file that could not be made.
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
