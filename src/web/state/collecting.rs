//! Building one file of all photos, one after another.

use super::taking::{Collecting, Taking};
use super::{AppState, Effect};
use crate::export::PictureFormat;
use crate::web::export::Product;
use crate::web::gallery::Standing;
use crate::web::protocol::{CollectStep, Failure, RequestId, Sentence};

impl AppState {
    /// Returns the number of photos whose objects are known.
    #[must_use]
    pub fn known_count(&self) -> usize {
        self.gallery.count(|standing| matches!(standing, Standing::Done(_)))
    }

    /// Begins a file of all photos whose objects are known.
    pub(super) fn collect(&mut self, product: Product, format: PictureFormat) -> Vec<Effect> {
        self.note_count();
        let mut left = self.gallery.done();
        if left.is_empty() || !self.can_ask() {
            return Vec::new();
        }
        left.reverse();
        self.failure = None;
        let id = self.issue_id();
        let (total, threshold) = (left.len(), self.threshold);
        self.taking =
            Taking::Collecting(Box::new(Collecting { id, at: None, left, total, left_out: Vec::new() }));
        vec![
            Effect::DropParts,
            Effect::SendCollect { id, step: CollectStep::Begin { product, format, threshold } },
        ]
    }

    /// Handles a photo that was added, or the completed file, which has a name.
    pub(super) fn collected(&mut self, id: RequestId, file_name: Option<String>) -> Vec<Effect> {
        let Taking::Collecting(collecting) = &self.taking else { return Vec::new() };
        if collecting.id != id {
            return Vec::new();
        }
        let mut effects = vec![Effect::KeepPart];
        match file_name {
            Some(name) => {
                let left_out = collecting.left_out.clone();
                let begin = Some(Sentence::LeftOut).filter(|_| !left_out.is_empty());
                let saved = Sentence::Saved { name: name.clone() };
                self.taking = Taking::Done([saved].into_iter().chain(begin).chain(left_out).collect());
                effects.push(Effect::SaveParts(name));
            }
            None => effects.extend(self.collect_next()),
        }
        effects
    }

    /// Handles a photo that could not be added, which is left out and named; `None` if the request was
    /// another one.
    pub(super) fn not_collected(&mut self, id: RequestId, failure: &Failure) -> Option<Vec<Effect>> {
        let Taking::Collecting(collecting) = &mut self.taking else { return None };
        if collecting.id != id {
            return None;
        }
        if collecting.at.is_none() {
            self.taking = Taking::Idle;
            self.failure = Some(failure.clone());
            return Some(vec![Effect::DropParts]);
        }
        collecting.left_out.push(failure.sentence.clone());
        Some(self.collect_next())
    }

    fn collect_next(&mut self) -> Vec<Effect> {
        let id = self.issue_id();
        let Taking::Collecting(collecting) = &mut self.taking else { return Vec::new() };
        (collecting.id, collecting.at) = (id, collecting.left.pop());
        let step = match collecting.at {
            Some(key) => match self.gallery.entry(key) {
                Some(entry) => CollectStep::Add { key, name: entry.name.clone() },
                // It was removed in the meantime.
                None => return self.collect_next(),
            },
            None => CollectStep::Finish,
        };
        vec![Effect::SendCollect { id, step }]
    }
}

#[cfg(test)]
mod tests;
