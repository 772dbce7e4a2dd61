//! The steps that can be undone and redone.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Change, Object};
use crate::mask::SoftPixel;

/// Changes that are made together.
pub(super) type Step = Vec<Change>;

/// Maximum runs of masks that are kept for undo, 4 bytes each; beyond them the oldest steps are dropped.
const MOST_RUNS: usize = 16_000_000;
/// Number of runs that take as much memory as a soft pixel.
const SOFT_RUNS: usize = size_of::<SoftPixel>() / size_of::<u32>();

/// The inverses of the steps done, and of those undone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    undo: VecDeque<Step>,
    redo: Vec<Step>,
}

impl History {
    pub(super) fn can_undo_and_redo(&self) -> [bool; 2] {
        [!self.undo.is_empty(), !self.redo.is_empty()]
    }

    /// Records the inverse of a new step; steps undone before cannot be redone any more.
    pub(super) fn did(&mut self, inverse: Step) {
        self.redo.clear();
        self.undo.push_back(inverse);
        self.forget_beyond(MOST_RUNS);
    }

    /// Drops the oldest steps until all masks together have at most `most_runs` runs; the last step stays.
    pub(super) fn forget_beyond(&mut self, most_runs: usize) {
        let mut runs: usize = self.undo.iter().map(weight).sum();
        while runs > most_runs && self.undo.len() > 1 {
            runs -= self.undo.pop_front().as_ref().map_or(0, weight);
        }
    }

    /// Returns the objects in all steps.
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.undo.iter().chain(&self.redo).flatten().filter_map(|change| change.object.as_ref())
    }

    pub(super) fn take_undo(&mut self) -> Option<Step> {
        self.undo.pop_back()
    }

    pub(super) fn undone(&mut self, redo: Step) {
        self.redo.push(redo);
    }

    pub(super) fn take_redo(&mut self) -> Option<Step> {
        self.redo.pop()
    }

    pub(super) fn redone(&mut self, undo: Step) {
        self.undo.push_back(undo);
    }

    /// Takes the inverse of the last step if it is wanted.
    pub(super) fn take_last_if(&mut self, is_wanted: impl FnOnce(&Step) -> bool) -> Option<Step> {
        if self.undo.back().is_some_and(is_wanted) { self.undo.pop_back() } else { None }
    }
}

fn weight(step: &Step) -> usize {
    let objects = step.iter().filter_map(|change| change.object.as_ref());
    objects.map(|object| object.mask.counts.len() + SOFT_RUNS * object.soft.len()).sum()
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::mask::Rle;
    use crate::web::document::Object;

    #[test]
    fn the_oldest_steps_go_where_memory_ends() {
        let object = |runs: usize, soft: usize| Object {
            label: String::new(),
            score: 1.0,
            by_hand: true,
            hidden: false,
            mask: Rc::new(Rle { size: [1, 1], counts: vec![0; runs] }),
            soft: vec![SoftPixel { x: 0, y: 0, alpha: 9 }; soft].into(),
            bbox: [0; 4],
        };
        for object in [object(MOST_RUNS / 4, 0), object(MOST_RUNS / 16, MOST_RUNS / 16)] {
            let mut history = History::default();
            for place in 0..9 {
                history.did(vec![Change { place, object: Some(object.clone()) }]);
            }
            let kept: Vec<usize> =
                std::iter::from_fn(|| history.take_undo()).map(|step| step[0].place).collect();
            assert_eq!(kept, [8, 7, 6, 5]);
        }
    }
}
