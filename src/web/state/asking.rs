//! Asking for the object at a place: clicks, boxes, and what the pointer previews.

use std::collections::BTreeSet;

use super::{AppState, Effect};
use crate::prompt::{Point, Prompt};
use crate::web::protocol::{Found, Request, RequestId, Sentence, Size};

/// Clicks closer together than this share of the photo's longer side are on the same spot.
const SAME_SPOT: f64 = 0.01;

/// Where the pointer is, and what a click there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aim {
    /// The photo's pixel.
    pub pixel: [usize; 2],
    /// The instance there, if any.
    pub over: Option<usize>,
    /// What a click means.
    pub gesture: Gesture,
}

/// What a click means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Pick, or ask for, what is there.
    Pick,
    /// Add what is there to the object asked for; or an object there to those picked, if none is being asked for.
    Add,
    /// Take what is there away from the object asked for.
    Remove,
}

/// What clicks on the photo do where no key says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// [`Gesture::Pick`]
    Pick,
    /// [`Gesture::Add`]
    Add,
    /// [`Gesture::Remove`]
    Remove,
    /// Fingers draw a box, as a mouse always does.
    Box,
    /// A brush puts pixels inside the picked objects.
    Restore,
    /// A brush puts pixels outside the picked objects.
    Erase,
    /// The photo is moved in its frame.
    Hand,
}

impl Tool {
    /// Whether it draws.
    #[must_use]
    pub const fn is_brush(self) -> bool {
        matches!(self, Self::Restore | Self::Erase)
    }

    /// Whether clicks pick objects or ask for them.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        !matches!(self, Self::Restore | Self::Erase | Self::Hand)
    }
}

/// The object being asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asking {
    prompt: Prompt,
    /// The instance that is there already, where another mask than its is wanted.
    unlike: Option<usize>,
    /// Which of the answers is wanted.
    choice: usize,
    /// How many answers there are, once that is known.
    choices: usize,
    /// Whether the last instance is its answer.
    answered: bool,
}

/// A question on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InFlight {
    id: RequestId,
    /// Whether the answer takes the place of the last instance.
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
    /// It is not wanted any more.
    Withdrawn,
}

impl AppState {
    /// Of the object being asked for: which of its masks is shown, counted from 1, and how many there are.
    #[must_use]
    pub fn choice(&self) -> Option<[usize; 2]> {
        let asking = self.asking.as_ref().filter(|asking| asking.answered)?;
        Some([asking.choice % asking.choices.max(1) + 1, asking.choices])
    }

    /// Whether there is something to put back: an object that is picked, or asked for.
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

    /// The object being asked for goes, or what is picked is put back.
    pub(super) fn dismissed(&mut self) -> Vec<Effect> {
        self.notice.clear();
        if !self.is_picking() {
            return Vec::new();
        }
        // What is on its way goes when it is here.
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

    /// The question found no answer; what was there before stays, unless it is not wanted any more.
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

    /// What a click would ask for.
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

    /// What is asked for, or else the place where an object was picked, with another point; `None` if that says only where the
    /// object is not.
    fn with_point(&self, aim: Aim) -> Option<Prompt> {
        let [x, y] = aim.pixel;
        let asked = self.asking.as_ref().map(|asking| asking.prompt.clone());
        let picked = || self.picked_at.map(|[x, y]| Prompt::point(x, y));
        let mut prompt = asked.or_else(picked).unwrap_or_default();
        let positive = aim.gesture == Gesture::Add;
        // A place beyond the box says that the object is larger: what was in the middle of the box belongs to it still.
        if positive && let Some(bounds) = prompt.bounds.take_if(|bounds| !is_inside(*bounds, aim.pixel)) {
            let [left, top, width, height] = bounds;
            prompt.points.push(Point { x: left + width / 2, y: top + height / 2, positive });
        }
        prompt.points.push(Point { x, y, positive });
        let names_object = prompt.anchors().next().is_some();
        names_object.then_some(prompt)
    }

    /// What was asked for is as good as found; asked again, there is another object.
    pub(super) fn keep_asked(&mut self) {
        self.settle(Fate::Kept);
        self.picked_at = None;
    }

    /// Whether an answer is on its way.
    pub(super) const fn is_asking(&self) -> bool {
        self.ask_in_flight.is_some()
    }

    fn begin(&mut self, prompt: Prompt, unlike: Option<usize>) -> Vec<Effect> {
        self.settle(Fate::Kept);
        self.asking = Some(Asking { prompt, unlike, choice: 0, choices: 0, answered: false });
        self.ask()
    }

    /// No object is being asked for any more.
    fn settle(&mut self, fate: Fate) {
        self.asking = None;
        self.ask_again = false;
        self.preview = None;
        if let Some(sent) = self.ask_in_flight.as_mut().filter(|sent| sent.fate == Fate::Current) {
            sent.fate = fate;
        }
    }

    /// Asks; while a question is on its way only the newest wish is kept.
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
