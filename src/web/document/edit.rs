//! The edits of objects, and the changes that they make.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{Change, Document, Object};
use crate::image::RgbImage;
use crate::mask::{BinaryMask, Matte, Rle, Stroke};

/// Maximum number of objects into which one is split.
const MOST_PIECES: usize = 50;

/// An edit of objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The places of the objects; empty places are skipped.
    pub places: Vec<usize>,
    /// What to do with them.
    pub action: Action,
}

/// What can be done with objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Rename them.
    Rename(String),
    /// Hide them for now, so that they are neither shown nor saved.
    Hide,
    /// Show hidden ones again.
    Show,
    /// Delete them.
    Delete,
    /// Merge them into one object, in the place of the largest.
    Merge,
    /// Split them into their connected components.
    Split,
    /// Create an empty object of this name, whatever the places.
    Create(String),
    /// Add the pixels that a brush covers to them; without an object, to a new one of this name.
    Restore(Stroke, String),
    /// Remove the pixels that a brush covers from them.
    Erase(Stroke),
    /// Fill their holes.
    FillHoles,
    /// Smooth their outlines by a number of pixels.
    Smooth(usize),
    /// Grow them by a number of pixels on all sides.
    Grow(usize),
    /// Shrink them by a number of pixels on all sides.
    Shrink(usize),
    /// Move their outlines to the edges in the photo; where these are soft, the outlines become soft, too.
    Refine,
}

impl Document {
    /// Returns the changes that an edit makes, without those that change nothing.
    pub(super) fn changes(&self, Edit { places, action }: &Edit, photo: &RgbImage) -> Vec<Change> {
        let mut places = places.clone();
        places.sort_unstable();
        places.dedup();
        let objects: Vec<(usize, &Object)> =
            places.into_iter().filter_map(|place| Some((place, self.object(place)?))).collect();
        let [width, height] = self.size;
        let changes = match action {
            Action::Rename(label) => {
                each(&objects, |object| Some(Object { label: label.clone(), ..by_hand(object) }))
            }
            Action::Hide => each(&objects, |object| Some(Object { hidden: true, ..object.clone() })),
            Action::Show => each(&objects, |object| Some(Object { hidden: false, ..object.clone() })),
            Action::Delete => each(&objects, |_| None),
            Action::Merge => merged(&objects),
            Action::Split => self.split(&objects),
            Action::Create(label) => vec![self.created(label, &BinaryMask::empty(width, height).into())],
            Action::Restore(stroke, label) if objects.is_empty() => {
                vec![self.created(label, &stroke.matte(width, height))]
            }
            Action::Restore(stroke, _) => {
                let covered = stroke.matte(width, height);
                mended(&objects, |matte| matte.add(&covered))
            }
            Action::Erase(stroke) => {
                let covered = stroke.matte(width, height);
                mended(&objects, |matte| matte.subtract(&covered))
            }
            Action::FillHoles => reshaped(&objects, |mask| mask.without_holes()),
            Action::Smooth(radius) => reshaped(&objects, |mask| mask.smoothed(*radius)),
            Action::Grow(radius) => reshaped(&objects, |mask| mask.grown(*radius)),
            Action::Shrink(radius) => reshaped(&objects, |mask| mask.shrunk(*radius)),
            Action::Refine => mended(&objects, |matte| *matte = matte.mask().refined(photo)),
        };
        changes.into_iter().filter(|change| change.object.as_ref() != self.object(change.place)).collect()
    }

    fn created(&self, label: &str, matte: &Matte) -> Change {
        let object = Object {
            label: label.to_owned(),
            score: 1.0,
            by_hand: true,
            hidden: false,
            mask: Rc::new(Rle::from_mask(matte.mask())),
            soft: Rc::new(matte.soft().to_vec()),
            bbox: matte.mask().bbox(),
        };
        Change { place: self.place_count(), object: Some(object) }
    }

    /// Splits objects; the largest component of each keeps its place.
    fn split(&self, objects: &[(usize, &Object)]) -> Vec<Change> {
        let mut next = self.place_count()..;
        let mut changes = Vec::new();
        for (place, object) in objects {
            let pieces = object.pixels().pieces(MOST_PIECES);
            if pieces.len() > 1 {
                let places = std::iter::once(*place).chain(next.by_ref());
                let object = |piece| object.reshaped(&Matte::new(piece, &object.soft));
                let change = |(piece, place)| Change { place, object: Some(object(piece)) };
                changes.extend(pieces.into_iter().zip(places).map(change));
            }
        }
        changes
    }
}

fn by_hand(object: &Object) -> Object {
    Object { by_hand: true, ..object.clone() }
}

fn each(objects: &[(usize, &Object)], change: impl Fn(&Object) -> Option<Object>) -> Vec<Change> {
    objects.iter().map(|(place, object)| Change { place: *place, object: change(object) }).collect()
}

/// Changes masks; soft pixels are kept where they agree with the new masks.
fn reshaped(objects: &[(usize, &Object)], reshape: impl Fn(&BinaryMask) -> BinaryMask) -> Vec<Change> {
    mended(objects, |matte| *matte = Matte::new(reshape(matte.mask()), matte.soft()))
}

/// Changes mattes; objects whose pixels stay the same are left unchanged.
fn mended(objects: &[(usize, &Object)], mend: impl Fn(&mut Matte)) -> Vec<Change> {
    let change = |object: &Object| {
        let before = object.matte();
        let mut after = before.clone();
        mend(&mut after);
        if after == before { object.clone() } else { object.reshaped(&after) }
    };
    each(objects, |object| Some(change(object)))
}

fn merged(objects: &[(usize, &Object)]) -> Vec<Change> {
    let largest = objects.iter().max_by_key(|(_, object)| object.mask.area());
    let Some((kept, first)) = largest.filter(|_| objects.len() > 1) else { return Vec::new() };
    let mut whole = objects[0].1.matte();
    objects.iter().skip(1).for_each(|(_, object)| whole.add(&object.matte()));
    let object = |place: &usize| (place == kept).then(|| first.reshaped(&whole));
    objects.iter().map(|(place, _)| Change { place: *place, object: object(place) }).collect()
}
