//! Asking for the object at a place: clicks, boxes, and previews under the pointer.

use std::collections::BTreeSet;

use super::{AppState, Effect};
use crate::prompt::{Point, Prompt};
use crate::web::protocol::{Found, Request, RequestId, Sentence, Size};

/// Clicks closer together than this share of the photo's longer side are on the same spot.
const SAME_SPOT: f64 = 0.01;

/// Where the pointer is, and what a click there does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim {
    /// The photo's pixel.
    pub pixel: [usize; 2],
    /// The instance there, if any.
    pub over: Option<usize>,
    /// The meaning of a click.
    pub gesture: Gesture,
}

/// The meaning of a click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Pick, or ask for, the object there.
    Pick,
    /// Add the part there to the object being asked for; if none is being asked for, add an object there to
    /// the picked ones.
    Add,
    /// Remove the part there from the object being asked for.
    Remove,
}

/// What clicks on the photo do unless a held key says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// Clicks mean [`Gesture::Pick`].
    Pick,
    /// Clicks mean [`Gesture::Add`].
    Add,
    /// Clicks mean [`Gesture::Remove`].
    Remove,
    /// Fingers draw a box, as a mouse always does.
    Box,
    /// A brush adds pixels to the picked objects.
    Restore,
    /// A brush removes pixels from the picked objects.
    Erase,
    /// The photo is moved in its frame.
    Hand,
}

impl Tool {
    /// Returns whether it is a brush.
    #[must_use]
    pub const fn is_brush(self) -> bool {
        matches!(self, Self::Restore | Self::Erase)
    }

    /// Returns whether clicks pick objects or ask for them.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        !matches!(self, Self::Restore | Self::Erase | Self::Hand)
    }
}

/// The object being asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asking {
    prompt: Prompt,
    /// An existing instance, if another mask than its own is wanted.
    unlike: Option<usize>,
    /// Index of the wanted answer.
    choice: usize,
    /// Number of answers, once known.
    choices: usize,
    /// Whether the last instance is its answer.
    answered: bool,
}

/// A question that is not answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InFlight {
    id: RequestId,
    /// Whether the answer replaces the last instance.
    replaces: bool,
    fate: Fate,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is the object being asked for.
    Current,
    /// It stays, but another object is being asked for, or none.
    Kept,
    /// It is no longer wanted.
    Withdrawn,
}

impl AppState {
    /// Returns which mask of the object being asked for is shown, counted from 1, and how many there are.
    #[must_use]
    pub fn choice(&self) -> Option<[usize; 2]> {
        let asking = self.asking.as_ref().filter(|asking| asking.answered)?;
        Some([asking.choice % asking.choices.max(1) + 1, asking.choices])
    }

    /// Returns whether there is something to put back: an object that is picked or being asked for.
    #[must_use]
    pub fn is_picking(&self) -> bool {
        self.asking.is_some() || !self.selected.is_empty()
    }

    pub(super) fn pointed(&mut self, aim: Option<Aim>) -> Vec<Effect> {
        let hovered = aim.filter(|aim| aim.gesture == Gesture::Pick).and_then(|aim| aim.over);
        let pointed = aim.filter(|_| self.can_ask()).and_then(|aim| self.would_ask(aim));
        if (hovered, &pointed) == (self.hovered, &self.preview) {
            return Vec::new();
        }
        (self.hovered, self.preview) = (hovered, pointed);
        self.paint()
    }

    pub(super) fn clicked(&mut self, aim: Aim) -> Vec<Effect> {
        if !self.can_ask() {
            return Vec::new();
        }
        self.notice.clear();
        if let Some(asking) = &mut self.asking
            && aim.gesture == Gesture::Pick
            && is_same_spot(&asking.prompt, aim.pixel, self.photo.as_ref().map(|photo| photo.size))
        {
            asking.choice += 1;
            return self.ask();
        }
        match (aim.over, aim.gesture) {
            (Some(over), Gesture::Add) if self.asking.is_none() => self.toggled(over),
            (Some(over), Gesture::Pick) if !self.selected.contains(&over) => {
                let effects = self.picked(Some(over));
                self.picked_at = Some(aim.pixel);
                effects
            }
            (over, Gesture::Pick) => self.begin(Prompt::point(aim.pixel[0], aim.pixel[1]), over),
            (_, Gesture::Add | Gesture::Remove) => {
                let Some(prompt) = self.with_point(aim) else {
                    self.notice = vec![Sentence::ClickFirst];
                    return Vec::new();
                };
                let Some(asking) = &mut self.asking else { return self.begin(prompt, None) };
                (asking.prompt, asking.unlike, asking.choice) = (prompt, None, 0);
                self.ask()
            }
        }
    }

    pub(super) fn boxed(&mut self, bounds: [usize; 4]) -> Vec<Effect> {
        if !self.can_ask() {
            return Vec::new();
        }
        self.notice.clear();
        self.begin(Prompt { points: Vec::new(), bounds: Some(bounds) }, None)
    }

    pub(super) fn picked(&mut self, index: Option<usize>) -> Vec<Effect> {
        self.keep_asked();
        self.selected = match index {
            Some(index) if self.selected_one() != Some(index) => BTreeSet::from([index]),
            _ => BTreeSet::new(),
        };
        self.paint()
    }

    /// Drops the object being asked for, or puts back the picked ones.
    pub(super) fn dismissed(&mut self) -> Vec<Effect> {
        self.notice.clear();
        if !self.is_picking() {
            return Vec::new();
        }
        // An object on its way is dropped when it arrives.
        let answered = self.asking.as_ref().is_some_and(|asking| asking.answered);
        let mut effects = Vec::new();
        if answered && self.ask_in_flight.is_none() {
            effects.extend(self.withdraw());
        }
        self.settle(Fate::Withdrawn);
        self.selected.clear();
        effects.extend(self.paint());
        effects
    }

    pub(super) fn answered(&mut self, id: RequestId, found: Found, choices: usize) -> Vec<Effect> {
        let Some(InFlight { replaces, fate, .. }) = self.ask_in_flight.take_if(|sent| sent.id == id) else {
            return Vec::new();
        };
        if replaces {
            self.instances.pop();
        }
        self.instances.push(found);
        let mut effects = vec![Effect::KeepMask { replaces }];
        match (&mut self.asking, fate) {
            (Some(asking), Fate::Current) => {
                (asking.answered, asking.choices) = (true, choices);
                self.selected = BTreeSet::from([self.instances.len() - 1]);
            }
            (_, Fate::Withdrawn) => effects.extend(self.withdraw()),
            (_, Fate::Current | Fate::Kept) => {}
        }
        effects.extend(self.ask_next());
        effects.extend(self.paint());
        effects
    }

    /// Handles a question without an answer; the previous object stays, unless it is no longer wanted.
    pub(super) fn unanswered(&mut self, id: RequestId) -> Vec<Effect> {
        let Some(InFlight { replaces, fate, .. }) = self.ask_in_flight.take_if(|sent| sent.id == id) else {
            return Vec::new();
        };
        self.asking.take_if(|asking| fate == Fate::Current && !asking.answered && !self.ask_again);
        let mut effects = Vec::new();
        if replaces && fate == Fate::Withdrawn {
            effects.extend(self.withdraw());
        }
        effects.extend(self.ask_next());
        effects.extend(self.paint());
        effects
    }

    /// Returns what a click would ask for.
    fn would_ask(&self, aim: Aim) -> Option<Prompt> {
        let size = self.photo.as_ref().map(|photo| photo.size);
        let again = |asking: &Asking| is_same_spot(&asking.prompt, aim.pixel, size);
        match aim.gesture {
            Gesture::Pick if aim.over.is_some() || self.asking.as_ref().is_some_and(again) => None,
            Gesture::Pick => Some(Prompt::point(aim.pixel[0], aim.pixel[1])),
            Gesture::Add if aim.over.is_some() && self.asking.is_none() => None,
            Gesture::Add | Gesture::Remove => self.with_point(aim),
        }
    }

    /// Returns the current prompt, or else the place where an object was picked, with another point; `None`
    /// if that only says where the object is not.
    fn with_point(&self, aim: Aim) -> Option<Prompt> {
        let [x, y] = aim.pixel;
        let asked = self.asking.as_ref().map(|asking| asking.prompt.clone());
        let picked = || self.picked_at.map(|[x, y]| Prompt::point(x, y));
        let mut prompt = asked.or_else(picked).unwrap_or_default();
        let positive = aim.gesture == Gesture::Add;
        // A point outside of the box means that the object is larger; the centre of the box still belongs to
        // it.
        if positive && let Some(bounds) = prompt.bounds.take_if(|bounds| !is_inside(*bounds, aim.pixel)) {
            let [left, top, width, height] = bounds;
            prompt.points.push(Point { x: left + width / 2, y: top + height / 2, positive });
        }
        prompt.points.push(Point { x, y, positive });
        let names_object = prompt.anchors().next().is_some();
        names_object.then_some(prompt)
    }

    /// Keeps the object that was asked for; the next question asks for another one.
    pub(super) fn keep_asked(&mut self) {
        self.settle(Fate::Kept);
        self.picked_at = None;
    }

    /// Returns whether an answer is on its way.
    pub(super) const fn is_asking(&self) -> bool {
        self.ask_in_flight.is_some()
    }

    fn begin(&mut self, prompt: Prompt, unlike: Option<usize>) -> Vec<Effect> {
        self.settle(Fate::Kept);
        self.asking = Some(Asking { prompt, unlike, choice: 0, choices: 0, answered: false });
        self.ask()
    }

    /// Ends the current question.
    fn settle(&mut self, fate: Fate) {
        self.asking = None;
        self.ask_again = false;
        self.preview = None;
        if let Some(sent) = self.ask_in_flight.as_mut().filter(|sent| sent.fate == Fate::Current) {
            sent.fate = fate;
        }
    }

    /// Asks the question; while one is on its way, only the newest is kept.
    fn ask(&mut self) -> Vec<Effect> {
        self.preview = None;
        self.ask_again = self.ask_in_flight.is_some();
        if self.ask_again {
            return Vec::new();
        }
        let Some(Asking { prompt, unlike, choice, answered, .. }) = self.asking.clone() else {
            return Vec::new();
        };
        let id = self.issue_id();
        self.ask_in_flight = Some(InFlight { id, replaces: answered, fate: Fate::Current });
        vec![Effect::Send(Request::Ask { id, prompt, unlike, choice, replaces: answered })]
    }

    fn ask_next(&mut self) -> Vec<Effect> {
        if std::mem::take(&mut self.ask_again) { self.ask() } else { Vec::new() }
    }

    fn withdraw(&mut self) -> Vec<Effect> {
        self.instances.pop();
        let id = self.issue_id();
        vec![Effect::DropMask, Effect::Send(Request::Withdraw { id })]
    }
}

fn is_inside([left, top, width, height]: [usize; 4], [x, y]: [usize; 2]) -> bool {
    (left..left + width).contains(&x) && (top..top + height).contains(&y)
}

fn is_same_spot(prompt: &Prompt, [x, y]: [usize; 2], photo: Option<Size>) -> bool {
    let (Some(photo), [.., last], None) = (photo, prompt.points.as_slice(), prompt.bounds) else {
        return false;
    };
    let distance = (x.abs_diff(last.x) as f64).hypot(y.abs_diff(last.y) as f64);
    last.positive && distance <= SAME_SPOT * photo.width.max(photo.height) as f64
}

#[cfg(test)]
mod tests;
