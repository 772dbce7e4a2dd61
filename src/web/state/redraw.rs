//! The view in which parts of the photo are hidden and drawn again by a masked autoencoder.
//!
//! After every event, what is wanted is compared with what is shown: only the newest wish is sent, one at a
//! time.

use super::taking::Taking;
use super::{AppState, Effect, Purpose, Worker};
use crate::web::place::Place;
use crate::web::protocol::{
    Drawn, Failure, Hiding, MOST_PERCENT, Progress, RedrawModel, RedrawReply, RedrawRequest, Request,
    RequestId, Sampling, Wish,
};

/// The bundled masked autoencoder.
pub const PRETRAINED: &str = "weights/mae-tiny-pretrained";

/// An event in the view.
#[derive(Debug, Clone, PartialEq)]
pub enum RedrawEvent {
    /// The view was opened or left.
    Opened(bool),
    /// Hide this percentage of the patches.
    PercentMoved(u32),
    /// Choose hidden patches in this way.
    SamplingChosen(Sampling),
    /// Hide other patches.
    SeedChanged,
    /// Show two choices of patches, or one.
    Compared(bool),
    /// Keep the photo in visible patches, or not.
    Pasted(bool),
    /// Choose patches by hand, beginning with those hidden now, or at random.
    ByHand(bool),
    /// Hide these patches, or show them.
    Painted(Vec<usize>, bool),
    /// Draw with another masked autoencoder.
    ModelChosen(Place),
    /// Try again what failed.
    Retried,
    /// Save a picture or an animation.
    SaveWanted {
        /// Whether to save an animation.
        moves: bool,
    },
    /// Show the features, or stop showing them.
    FeaturesOpened(bool),
}

/// The state of the view.
#[derive(Debug, Clone, PartialEq)]
pub struct Redraw {
    /// Whether it is open.
    pub is_open: bool,
    /// Percentage of patches that are hidden at random.
    pub percent: u32,
    /// How they are chosen.
    pub sampling: Sampling,
    /// Seed of the choice.
    pub seed: u32,
    /// Whether the choice of the next seed is shown, too.
    pub compares: bool,
    /// Whether the photo is kept in visible patches.
    pub pastes: bool,
    /// The hidden patches, if chosen by hand.
    pub by_hand: Option<Vec<bool>>,
    /// The requested model; the bundled one by default.
    pub place: Option<Place>,
    /// The model in use.
    pub model: Option<RedrawModel>,
    /// The latest drawings.
    pub drawn: Vec<Drawn>,
    /// Why nothing is drawn, until it is tried again.
    pub failure: Option<Failure>,
    /// Whether features are wanted.
    pub shows_features: bool,
    /// Columns and rows of the patches of each encoder, once their features have arrived.
    pub features: Option<[[usize; 2]; 2]>,
    loading: Option<(RequestId, Progress)>,
    drawing: Option<(RequestId, Wish)>,
    shown: Option<Wish>,
    looking: Option<RequestId>,
}

impl Redraw {
    /// Creates the initial state.
    pub(super) const fn new() -> Self {
        Self {
            is_open: false,
            percent: 75,
            sampling: Sampling::Random,
            seed: 0,
            compares: false,
            pastes: true,
            by_hand: None,
            place: None,
            model: None,
            drawn: Vec::new(),
            failure: None,
            shows_features: false,
            features: None,
            loading: None,
            drawing: None,
            shown: None,
            looking: None,
        }
    }

    /// Returns the progress of the loading model.
    #[must_use]
    pub fn progress(&self) -> Option<Progress> {
        self.loading.as_ref().map(|(_, progress)| *progress)
    }

    /// Returns the view's status in one word, for tests.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self { failure: Some(_), .. } => "error",
            Self { loading: Some(_), .. } => "loading",
            Self { drawing: Some(_), .. } | Self { looking: Some(_), .. } => "drawing",
            Self { shown: Some(_), .. } => "ready",
            _ => "empty",
        }
    }

    /// Returns the number of hidden patches and of all patches, and the share to be hidden, from 0 to 1.
    #[must_use]
    pub fn hidden_count(&self) -> (Option<[usize; 2]>, f64) {
        let asked = f64::from(self.percent) / 100.0;
        let Some(hidden) = self.hidden() else { return (None, asked) };
        let [count, all] = [hidden.iter().filter(|hidden| **hidden).count(), hidden.len()];
        (Some([count, all]), if self.by_hand.is_some() { count as f64 / all.max(1) as f64 } else { asked })
    }

    /// Returns what is hidden in the first picture: by hand, or as drawn last.
    #[must_use]
    pub fn hidden(&self) -> Option<&[bool]> {
        self.by_hand.as_deref().or_else(|| self.drawn.first().map(|drawn| drawn.hidden.as_slice()))
    }

    /// Returns what is wanted now.
    #[must_use]
    pub fn wish(&self) -> Wish {
        let Self { percent, sampling, seed, pastes, .. } = *self;
        let chance = |seed| Hiding::Chance { percent, sampling, seed };
        let hidings = match &self.by_hand {
            Some(hidden) => vec![Hiding::ByHand(hidden.clone())],
            None if self.compares => vec![chance(seed), chance(seed.wrapping_add(1))],
            None => vec![chance(seed)],
        };
        Wish { hidings, pastes }
    }

    /// Drops the results of the previous photo.
    pub(super) fn forget_photo(&mut self) {
        (self.drawing, self.shown, self.looking, self.features) = (None, None, None, None);
        self.drawn.clear();
    }

    /// Drops everything that depends on the worker, including the model.
    pub(super) fn forget_worker(&mut self) {
        self.forget_photo();
        (self.model, self.loading) = (None, None);
    }

    /// Updates the progress of the loading model.
    pub(super) fn progressed(&mut self, id: RequestId, news: Progress) {
        if let Some((loading, progress)) = &mut self.loading
            && *loading == id
        {
            *progress = news;
        }
    }

    /// Handles a failed request; returns whether it was one of this view.
    pub(super) fn failed(&mut self, id: RequestId, failure: &Failure) -> bool {
        let is_loading = self.loading.as_ref().is_some_and(|(loading, _)| *loading == id);
        let is_drawing = self.drawing.as_ref().is_some_and(|(drawing, _)| *drawing == id);
        let is_looking = self.looking == Some(id);
        if is_loading {
            self.loading = None;
        }
        if is_drawing {
            self.drawing = None;
        }
        if is_looking {
            self.looking = None;
        }
        if is_loading || is_drawing || is_looking {
            self.failure = Some(failure.clone());
        }
        is_loading || is_drawing || is_looking
    }

    fn change(&mut self, event: RedrawEvent) {
        let is_retry =
            matches!(event, RedrawEvent::Retried | RedrawEvent::ModelChosen(_) | RedrawEvent::Opened(true));
        // What could not be fetched is not fetched again with every move of a slider.
        if is_retry || self.model.is_some() {
            self.failure = None;
        }
        match event {
            RedrawEvent::Opened(is_open) => self.is_open = is_open,
            RedrawEvent::PercentMoved(percent) => self.percent = percent.min(MOST_PERCENT),
            RedrawEvent::SamplingChosen(sampling) => self.sampling = sampling,
            // Skips the seed that is shown for comparison.
            RedrawEvent::SeedChanged => self.seed = self.seed.wrapping_add(1 + u32::from(self.compares)),
            RedrawEvent::Compared(compares) => self.compares = compares,
            RedrawEvent::Pasted(pastes) => self.pastes = pastes,
            RedrawEvent::ByHand(true) => self.by_hand = self.hidden().map(<[bool]>::to_vec),
            RedrawEvent::ByHand(false) => self.by_hand = None,
            RedrawEvent::Painted(patches, hides) => {
                let hidden = self.by_hand.iter_mut().flatten();
                hidden
                    .enumerate()
                    .filter(|(patch, _)| patches.contains(patch))
                    .for_each(|(_, hidden)| *hidden = hides);
            }
            RedrawEvent::ModelChosen(place) => (self.place, self.model) = (Some(place), None),
            RedrawEvent::FeaturesOpened(shows) => self.shows_features = shows,
            RedrawEvent::Retried | RedrawEvent::SaveWanted { .. } => {}
        }
    }
}

impl AppState {
    pub(super) fn redraw_changed(&mut self, event: RedrawEvent) -> Vec<Effect> {
        if let RedrawEvent::SaveWanted { moves } = event {
            return self.save_redrawn(moves);
        }
        self.redraw.change(event);
        self.redraw_next()
    }

    pub(super) fn redraw_replied(&mut self, id: RequestId, reply: RedrawReply) -> Vec<Effect> {
        let redraw = &mut self.redraw;
        let mut effects = Vec::new();
        match reply {
            RedrawReply::Loaded(model)
                if redraw.loading.as_ref().is_some_and(|(loading, _)| *loading == id) =>
            {
                redraw.loading = None;
                let patches = model.grid * model.grid;
                redraw.by_hand = redraw.by_hand.take().filter(|hidden| hidden.len() == patches);
                redraw.forget_photo();
                redraw.place = Some(model.place.clone());
                redraw.model = Some(model);
            }
            RedrawReply::Drawn(drawn) => {
                if let Some((_, wish)) = redraw.drawing.take_if(|(drawing, _)| *drawing == id) {
                    (redraw.shown, redraw.drawn) = (Some(wish), drawn);
                    effects.push(Effect::ShowRedrawn);
                }
            }
            RedrawReply::Features(grids) if redraw.looking == Some(id) => {
                (redraw.looking, redraw.features) = (None, Some(grids));
                effects.push(Effect::ShowFeatures);
            }
            RedrawReply::Loaded(_) | RedrawReply::Features(_) => {}
        }
        effects.extend(self.redraw_next());
        effects
    }

    /// Requests what is wanted but neither present nor on its way.
    pub(super) fn redraw_next(&mut self) -> Vec<Effect> {
        let redraw = &self.redraw;
        let listens = matches!(self.worker, Worker::Idle | Worker::Segmenting { .. });
        if !redraw.is_open || !listens || redraw.loading.is_some() || redraw.failure.is_some() {
            return Vec::new();
        }
        if redraw.model.is_none() {
            let place = redraw.place.clone().unwrap_or_else(|| Place::Site(PRETRAINED.into()));
            let (id, hub) = (self.issue_id(), self.hub.clone());
            self.redraw.loading = Some((id, Progress::Probing));
            return vec![Effect::Send(Request::Redraw { id, request: RedrawRequest::Load { place, hub } })];
        }
        if !self.is_answered() || redraw.drawing.is_some() || redraw.looking.is_some() {
            return Vec::new();
        }
        let wish = redraw.wish();
        let (id, request) = if redraw.shown.as_ref() != Some(&wish) {
            let id = self.issue_id();
            self.redraw.drawing = Some((id, wish.clone()));
            (id, RedrawRequest::Draw(wish))
        } else if redraw.shows_features && redraw.features.is_none() {
            let id = self.issue_id();
            self.redraw.looking = Some(id);
            (id, RedrawRequest::Features)
        } else {
            return Vec::new();
        };
        vec![Effect::Send(Request::Redraw { id, request })]
    }

    fn save_redrawn(&mut self, moves: bool) -> Vec<Effect> {
        if self.redraw.model.is_none() || !self.can_ask() {
            return Vec::new();
        }
        let (id, wish) = (self.issue_id(), self.redraw.wish());
        self.taking = Taking::Making(id, Purpose::Save);
        let request = if moves { RedrawRequest::Animation(wish) } else { RedrawRequest::Picture(wish) };
        vec![Effect::Send(Request::Redraw { id, request })]
    }
}

#[cfg(test)]
mod tests;
