//! The current objects of a photo, and their edit history; pure, tested on the host.
//!
//! An [`Edit`] is what a person wants. It becomes changes, each of which puts an object in a place; putting
//! back what was there is the inverse. Undo and redo are nothing else, so no kind of edit needs an inverse of
//! its own.

mod edit;
mod history;
mod kept;

use std::rc::Rc;

pub use edit::{Action, Edit};
use history::{History, Step};
use serde::{Deserialize, Serialize};

use crate::image::RgbImage;
use crate::instance::Instance;
use crate::mask::{BinaryMask, Matte, Rle, SoftPixel};

/// One object of the photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The label.
    pub label: String,
    /// The model's score, 0 to 1; 1 for objects drawn by hand.
    pub score: f32,
    /// Whether it was asked for or edited by hand; then it is shown whatever its score.
    pub by_hand: bool,
    /// Whether it is hidden for now, so that it is neither shown nor saved.
    pub hidden: bool,
    /// Its mask at the photo's size; shared with the history.
    #[serde(with = "kept::shared")]
    pub mask: Rc<Rle>,
    /// The soft pixels of the [`Matte`] around the mask; shared as well.
    #[serde(with = "kept::shared")]
    pub soft: Rc<Vec<SoftPixel>>,
    /// The tight box around the mask in photo pixels, `[x, y, width, height]`.
    pub bbox: [usize; 4],
}

impl Object {
    /// Creates an object that the model found.
    #[must_use]
    pub fn found(instance: Instance, by_hand: bool) -> Self {
        let Instance { label, score, mask, bbox, .. } = instance;
        let mask = Rc::new(Rle::from_mask(&mask));
        Self { label, score, by_hand, hidden: false, mask, soft: Rc::default(), bbox }
    }

    /// Returns its mask, pixel by pixel.
    #[must_use]
    pub fn pixels(&self) -> BinaryMask {
        let [height, width] = self.mask.size;
        // Masks made from pixels can always be decoded.
        self.mask.to_mask().unwrap_or_else(|_| BinaryMask::empty(width, height))
    }

    /// Combines its mask and its soft edge.
    #[must_use]
    pub fn matte(&self) -> Matte {
        Matte::new(self.pixels(), &self.soft)
    }

    /// Returns the object with other pixels.
    fn reshaped(&self, matte: &Matte) -> Self {
        let mask = Rc::new(Rle::from_mask(matte.mask()));
        Self {
            by_hand: true,
            mask,
            soft: Rc::new(matte.soft().to_vec()),
            bbox: matte.mask().bbox(),
            ..self.clone()
        }
    }
}

/// The object to be put in a place, or the one that was there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    place: usize,
    object: Option<Object>,
}

/// The objects of a photo, each in a place of its own: deleting one leaves its place empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Width and height of the photo.
    size: [usize; 2],
    /// The places; the last one is never empty.
    places: Vec<Option<Object>>,
    history: History,
}

impl Document {
    /// Creates the document of what was found in a photo of `width` × `height` pixels, with nothing to undo.
    #[must_use]
    pub fn new([width, height]: [usize; 2], objects: impl IntoIterator<Item = Object>) -> Self {
        let places = objects.into_iter().map(Some).collect();
        Self { size: [width, height], places, history: History::default() }
    }

    /// Returns width and height of the photo in pixels.
    #[must_use]
    pub const fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Returns the number of places, including empty ones.
    #[must_use]
    pub const fn place_count(&self) -> usize {
        self.places.len()
    }

    /// Returns the object in a place, if there is one.
    #[must_use]
    pub fn object(&self, place: usize) -> Option<&Object> {
        self.places.get(place)?.as_ref()
    }

    /// Returns the current objects with their places, including hidden ones.
    pub fn objects(&self) -> impl Iterator<Item = (usize, &Object)> {
        self.places.iter().enumerate().filter_map(|(place, object)| Some((place, object.as_ref()?)))
    }

    /// Returns whether there is something to undo, and to redo.
    #[must_use]
    pub fn can_undo_and_redo(&self) -> [bool; 2] {
        self.history.can_undo_and_redo()
    }

    /// Carries out an edit on the objects of `photo`; returns the places that changed, none if the edit
    /// changes nothing.
    pub fn edit(&mut self, edit: &Edit, photo: &RgbImage) -> Vec<usize> {
        let changes = self.changes(edit, photo);
        self.do_step(changes)
    }

    /// Adds an object that was asked for. If it `replaces` the one asked for before, that one leaves no trace
    /// in the history.
    pub fn ask(&mut self, object: Object, replaces: bool) -> Vec<usize> {
        if replaces {
            self.withdraw();
        }
        let place = self.places.len();
        self.do_step(vec![Change { place, object: Some(object) }])
    }

    /// Removes the object that was asked for last, as if it had never been there.
    pub fn withdraw(&mut self) {
        let last = self.places.len().wrapping_sub(1);
        let is_asked = |step: &Step| matches!(step[..], [Change { place, object: None }] if place == last);
        if let Some(step) = self.history.take_last_if(is_asked) {
            self.swap(step);
        }
    }

    /// Adds what the model found. It replaces what the model found before, while objects asked for or edited
    /// by hand stay; that can be undone, but the first result cannot.
    pub fn take_in(&mut self, found: impl IntoIterator<Item = Object>) {
        let mut found = found.into_iter();
        if self.places.is_empty() {
            return self.places.extend(found.map(Some));
        }
        let before = self.objects().filter(|(_, object)| !object.by_hand).map(|(place, _)| place);
        let before: Vec<usize> = before.collect();
        let mut step: Step = before.into_iter().map(|place| Change { place, object: found.next() }).collect();
        let more = (self.place_count()..).zip(found);
        step.extend(more.map(|(place, object)| Change { place, object: Some(object) }));
        self.do_step(step);
    }

    /// Undoes the last step; returns the places that changed.
    pub fn undo(&mut self) -> Vec<usize> {
        let Some(step) = self.history.take_undo() else { return Vec::new() };
        let places = places(&step);
        let redo = self.swap(step);
        self.history.undone(redo);
        places
    }

    /// Redoes the step undone last; returns the places that changed.
    pub fn redo(&mut self) -> Vec<usize> {
        let Some(step) = self.history.take_redo() else { return Vec::new() };
        let places = places(&step);
        let undo = self.swap(step);
        self.history.redone(undo);
        places
    }

    fn do_step(&mut self, step: Step) -> Vec<usize> {
        if step.is_empty() {
            return Vec::new();
        }
        let places = places(&step);
        let inverse = self.swap(step);
        self.history.did(inverse);
        places
    }

    /// Puts objects in their places; returns the inverse, in reverse order.
    fn swap(&mut self, step: Step) -> Step {
        let mut inverse: Step = Vec::with_capacity(step.len());
        for Change { place, object } in step {
            self.places.resize(self.places.len().max(place + 1), None);
            inverse.push(Change { place, object: std::mem::replace(&mut self.places[place], object) });
        }
        while self.places.pop_if(|object| object.is_none()).is_some() {}
        inverse.reverse();
        inverse
    }
}

fn places(step: &Step) -> Vec<usize> {
    step.iter().map(|change| change.place).collect()
}

#[cfg(test)]
mod tests;
