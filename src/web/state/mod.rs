//! The state of the page, and its transitions: a pure state machine, tested on the host.
//!
//! [`AppState::update`] takes one [`Event`] and returns [`Effect`]s for the caller to carry out. Buffers
//! never enter the state: an effect such as [`Effect::ShowOverlay`] refers to those that accompany the reply.

mod asking;
mod collecting;
mod effect;
mod event;
mod measuring;
mod mending;
mod photos;
mod redraw;
mod taking;
#[cfg(test)]
mod testing;
mod update;
mod waiting;

pub use asking::{Aim, Gesture, Tool};
pub use effect::{Effect, Purpose};
pub use event::Event;
pub use measuring::Measuring;
pub use photos::Earlier;
pub use redraw::{PRETRAINED, Redraw, RedrawEvent};

use std::collections::BTreeSet;

use super::gallery::{Gallery, PhotoKey};
use super::place::Place;
use super::protocol::{BackendChoice, Failure, Found, ModelInfo, Progress, RequestId, Sentence, Size};
use crate::prompt::Prompt;
use asking::{Asking, InFlight};
use taking::Taking;

/// The four states that a visitor, or a test, can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The model is loading.
    Loading,
    /// Waiting for a photo, or showing a result.
    Ready,
    /// A photo is being processed.
    Busy,
    /// Something failed; see [`AppState::failure`].
    Error,
}

impl Status {
    /// Returns the value of the page's `data-state`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Ready => "ready",
            Self::Busy => "busy",
            Self::Error => "error",
        }
    }
}

/// The worker, as far as the page knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Worker {
    Starting(Progress),
    Loading {
        id: RequestId,
        progress: Progress,
    },
    /// It is running, but has no model.
    Empty,
    Idle,
    Segmenting {
        id: RequestId,
        progress: Progress,
    },
    Dead,
}

/// The progress before anything of the worker was downloaded.
const STARTING: Progress = Progress::Starting { done_bytes: 0, total_bytes: None };

/// The photo shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Its key.
    pub key: PhotoKey,
    /// Its name.
    pub name: String,
    /// Its own size.
    pub size: Size,
    /// Notes on flaws of its file.
    pub notes: Vec<Sentence>,
}

/// The state of the page.
#[derive(Debug, Clone, PartialEq)]
pub struct AppState {
    /// The model requested last.
    pub wanted: Place,
    hub: String,
    /// The requested backend.
    pub backend: BackendChoice,
    worker: Worker,
    next_id: u32,
    /// The last failure, until the next attempt.
    pub failure: Option<Failure>,
    /// The last notice that is not a failure.
    pub notice: Vec<Sentence>,
    /// The model in use.
    pub model: Option<ModelInfo>,
    /// The photo shown.
    pub photo: Option<Photo>,
    /// All photos of this visit.
    pub gallery: Gallery,
    /// Whether photos that wait are paused.
    pub is_paused: bool,
    /// The photo being segmented in the background.
    finding: Option<(RequestId, PhotoKey)>,
    /// The photo to be shown next, once it is decoded.
    pub coming: Option<PhotoKey>,
    /// The photo that was searched for small objects last.
    closely: Option<PhotoKey>,
    /// Whether a photo waits for the worker.
    waiting: bool,
    /// The model that found the objects of the photo shown.
    found_by: Option<Place>,
    /// Whether the worker holds the photo shown, with its result by the model in use.
    held: bool,
    /// The photo's objects, best first.
    pub instances: Vec<Found>,
    /// Duration of the last photo in milliseconds.
    pub elapsed_ms: Option<f64>,
    /// Instances with a lower score are left out.
    pub threshold: f32,
    /// The threshold chosen in an earlier visit, and its model.
    earlier_threshold: Option<(Place, f32)>,
    /// The instance under the pointer or focus.
    pub hovered: Option<usize>,
    /// The picked instances.
    pub selected: BTreeSet<usize>,
    /// Where on the photo the only picked instance was picked.
    picked_at: Option<[usize; 2]>,
    /// What clicks on the photo do.
    pub tool: Tool,
    /// Whether there is something to undo, and to redo.
    pub history: [bool; 2],
    edits_in_flight: Vec<RequestId>,
    taking: Taking,
    /// The measurement of this device's speed.
    pub measuring: Measuring,
    /// The view that hides and draws.
    pub redraw: Redraw,
    /// Whether WebGPU was given up in this visit.
    gpu_failed: bool,
    paint_in_flight: Option<RequestId>,
    paint_again: bool,
    /// The object being asked for by hand.
    asking: Option<Asking>,
    ask_in_flight: Option<InFlight>,
    ask_again: bool,
    /// What a click at the pointer would ask for.
    preview: Option<Prompt>,
}

impl AppState {
    /// Creates the initial state.
    #[must_use]
    pub const fn new(wanted: Place, hub: String, backend: BackendChoice) -> Self {
        Self {
            wanted,
            hub,
            backend,
            worker: Worker::Starting(STARTING),
            next_id: 0,
            failure: None,
            notice: Vec::new(),
            model: None,
            photo: None,
            gallery: Gallery::new(),
            is_paused: false,
            finding: None,
            coming: None,
            closely: None,
            waiting: false,
            found_by: None,
            held: false,
            instances: Vec::new(),
            elapsed_ms: None,
            threshold: 0.5,
            earlier_threshold: None,
            hovered: None,
            selected: BTreeSet::new(),
            picked_at: None,
            tool: Tool::Pick,
            history: [false; 2],
            edits_in_flight: Vec::new(),
            taking: Taking::Idle,
            measuring: Measuring::Idle,
            redraw: Redraw::new(),
            gpu_failed: false,
            paint_in_flight: None,
            paint_again: false,
            asking: None,
            ask_in_flight: None,
            ask_again: false,
            preview: None,
        }
    }

    /// Returns the status in one word.
    #[must_use]
    pub const fn status(&self) -> Status {
        if self.failure.is_some() {
            return Status::Error;
        }
        match self.worker {
            Worker::Starting(_) | Worker::Loading { .. } | Worker::Empty => Status::Loading,
            Worker::Segmenting { .. } => Status::Busy,
            Worker::Idle => Status::Ready,
            Worker::Dead => Status::Error,
        }
    }

    /// Returns the progress of the current work, if any.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        match self.worker {
            Worker::Starting(progress)
            | Worker::Loading { progress, .. }
            | Worker::Segmenting { progress, .. } => Some(progress),
            Worker::Empty | Worker::Idle | Worker::Dead => None,
        }
    }

    /// Returns whether the photo shown has its result, and the worker is idle.
    #[must_use]
    pub const fn can_ask(&self) -> bool {
        self.is_answered() && matches!(self.worker, Worker::Idle)
    }

    /// Returns whether another model than the one in use is loading.
    #[must_use]
    pub const fn is_changing_model(&self) -> bool {
        self.model.is_some() && matches!(self.worker, Worker::Loading { .. })
    }

    /// Returns whether a click at the pointer would do something.
    #[must_use]
    pub const fn is_pointing(&self) -> bool {
        self.hovered.is_some() || self.preview.is_some()
    }

    /// Returns whether the instance at `index` is in the list.
    #[must_use]
    pub fn is_listed(&self, index: usize) -> bool {
        self.instances.get(index).is_some_and(|found| found.is_listed(self.threshold))
    }

    /// Returns whether the instance at `index` is on the photo.
    #[must_use]
    pub fn is_shown(&self, index: usize) -> bool {
        self.instances.get(index).is_some_and(|found| found.is_shown(self.threshold))
    }

    /// Returns the number of instances on the photo.
    #[must_use]
    pub fn shown_count(&self) -> usize {
        self.instances.iter().filter(|found| found.is_shown(self.threshold)).count()
    }
}
