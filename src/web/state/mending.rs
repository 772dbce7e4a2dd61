//! Picking several instances, and editing them.

use super::{AppState, Effect};
use crate::web::protocol::{Found, Presence, Request, RequestId, Sentence};

impl AppState {
    /// Returns the picked instance if there is exactly one.
    #[must_use]
    pub fn selected_one(&self) -> Option<usize> {
        self.selected.first().copied().filter(|_| self.selected.len() == 1)
    }

    /// Returns whether an edit is on its way to the overlay.
    #[must_use]
    pub const fn is_mending(&self) -> bool {
        !self.edits_in_flight.is_empty() || self.paint_in_flight.is_some()
    }

    /// Puts back picked instances that are no longer listed.
    pub(super) fn keep_selected(&mut self) {
        let (instances, threshold) = (&self.instances, self.threshold);
        self.selected.retain(|&index| instances.get(index).is_some_and(|found| found.is_listed(threshold)));
    }

    pub(super) fn toggled(&mut self, index: usize) -> Vec<Effect> {
        self.keep_asked();
        if !self.selected.remove(&index) {
            self.selected.insert(index);
        }
        self.paint()
    }

    pub(super) fn all_picked(&mut self) -> Vec<Effect> {
        self.keep_asked();
        self.selected = (0..self.instances.len()).filter(|&index| self.is_shown(index)).collect();
        self.paint()
    }

    pub(super) fn picked_inside(&mut self, [left, top, width, height]: [usize; 4]) -> Vec<Effect> {
        self.keep_asked();
        let is_inside = |index: &usize| {
            let [x, y, w, h] = self.instances[*index].bbox;
            let is_within = x >= left && y >= top && x + w <= left + width && y + h <= top + height;
            is_within && self.is_shown(*index) && w > 0
        };
        let inside: Vec<usize> = (0..self.instances.len()).filter(is_inside).collect();
        self.selected.extend(inside);
        self.paint()
    }

    /// Requests a change. While a question is on its way, places are not certain.
    pub(super) fn change(&mut self, request: impl FnOnce(RequestId) -> Request) -> Vec<Effect> {
        if !self.can_ask() {
            return Vec::new();
        }
        if self.is_asking() {
            self.notice = vec![Sentence::StillAnswering];
            return Vec::new();
        }
        self.keep_asked();
        self.notice.clear();
        let id = self.issue_id();
        self.edits_in_flight.push(id);
        vec![Effect::Send(request(id))]
    }

    /// Handles the result of an edit; instances that it created or brought back are picked, together with the
    /// others that it changed.
    pub(super) fn edited(
        &mut self,
        id: RequestId,
        places: &[usize],
        instances: Vec<Found>,
        count: usize,
    ) -> Vec<Effect> {
        let Some(sent) = self.edits_in_flight.iter().position(|sent| *sent == id) else { return Vec::new() };
        self.edits_in_flight.remove(sent);
        if places.is_empty() {
            self.notice = vec![Sentence::NothingChanged];
        }
        let masks: Vec<(usize, usize)> =
            places.iter().zip(&instances).map(|(place, found)| (*place, found.runs)).collect();
        let is_there = |found: &Found| found.presence != Presence::Deleted;
        let mut made = false;
        let slots = self.instances.len().max(places.iter().max().map_or(0, |place| place + 1));
        self.instances.resize_with(slots, Found::deleted);
        for (&place, found) in places.iter().zip(instances) {
            made |= is_there(&found) && !is_there(&self.instances[place]);
            self.instances[place] = found;
        }
        self.instances.truncate(count);
        if made {
            self.selected = places.iter().copied().collect();
        }
        self.keep_selected();
        self.hovered = self.hovered.filter(|&index| self.is_shown(index));
        let mut effects = vec![Effect::ReplaceMasks { masks, count }];
        effects.extend(self.paint());
        effects
    }
}

#[cfg(test)]
mod tests;
