//! The transitions of the state.

use super::{AppState, Effect, Event, Measuring, STARTING, Worker};
use crate::web::gallery::PhotoKey;
use crate::web::place::Place;
use crate::web::protocol::{
    Backend, BackendChoice, Failure, FailureKind, Fallback, ModelInfo, PROTOCOL_VERSION, Progress, Reply,
    Request, RequestId, Sentence,
};

impl AppState {
    /// Handles one event.
    pub fn update(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = self.take_in(event);
        effects.extend(self.find_next());
        effects
    }

    fn take_in(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Started => self.spawn(),
            Event::Replied(reply) => self.replied(reply),
            Event::WorkerDied(message) => self.died(message),
            Event::PhotosChosen(photos) => self.photos_chosen(photos),
            Event::Restored(earlier) => self.restored(earlier),
            Event::PhotoOpened(key) => self.photo_opened(key),
            Event::PhotoRemoved(key) => self.photo_removed(key),
            Event::StartedFresh => self.started_fresh(),
            Event::Paused(is_paused) => self.paused(is_paused),
            Event::Stopped(is_stopped) => self.stopped(is_stopped),
            Event::ModelChosen(place) => self.model_chosen(place),
            Event::BackendChosen(backend) => self.backend_chosen(backend),
            Event::Refused(failure) => {
                self.failure = Some(failure);
                Vec::new()
            }
            Event::Noticed(sentences) => {
                self.notice = sentences;
                Vec::new()
            }
            Event::ModelKept => self.model_kept(),
            Event::ThresholdMoved(threshold) => {
                self.threshold = threshold;
                self.hovered = self.hovered.filter(|&index| self.is_shown(index));
                self.keep_selected();
                self.paint()
            }
            Event::Hovered(index) if index == self.hovered => Vec::new(),
            Event::Hovered(index) => {
                self.hovered = index;
                self.paint()
            }
            Event::ToolChosen(tool) => {
                self.tool = tool;
                Vec::new()
            }
            Event::Pointed(aim) => self.pointed(aim),
            Event::Clicked(aim) => self.clicked(aim),
            Event::Boxed(bounds) => self.boxed(bounds),
            Event::Dismissed => self.dismissed(),
            Event::Picked(index) => self.picked(index),
            Event::Toggled(index) => self.toggled(index),
            Event::AllPicked => self.all_picked(),
            Event::PickedInside(bounds) => self.picked_inside(bounds),
            Event::EditWanted(edit) => self.change(|id| Request::Edit { id, edit }),
            Event::UndoWanted => self.change(|id| Request::Undo { id }),
            Event::RedoWanted => self.change(|id| Request::Redo { id }),
            Event::ExportWanted(export, purpose) => self.take(export, purpose),
            Event::CollectionWanted(product, format) => self.collect(product, format),
            Event::HandedOver(id, outcome) => self.handed_over(id, outcome),
            Event::Redraw(event) => self.redraw_changed(event),
            Event::ForgetWeights => self.send(|id| Request::ForgetWeights { id }),
            Event::CloserWanted => self.look_closely(),
            Event::MeasureWanted => self.measure(),
            Event::WeightsGone => self.weights_gone(),
            Event::Retried => self.retried(),
        }
    }

    fn replied(&mut self, reply: Reply) -> Vec<Effect> {
        match reply {
            Reply::Starting { done_bytes, total_bytes } => {
                if let Worker::Starting(progress) = &mut self.worker {
                    *progress = Progress::Starting { done_bytes, total_bytes: Some(total_bytes) };
                }
                Vec::new()
            }
            Reply::Ready { protocol_version: PROTOCOL_VERSION } => self.load(),
            Reply::Ready { .. } => {
                self.worker = Worker::Dead;
                self.fail(FailureKind::Outdated, Sentence::Updated)
            }
            Reply::Progress { id, progress: news } => {
                self.redraw.progressed(id, news);
                match &mut self.worker {
                    Worker::Loading { id: current, progress }
                    | Worker::Segmenting { id: current, progress }
                        if *current == id =>
                    {
                        *progress = news;
                    }
                    _ => {}
                }
                Vec::new()
            }
            Reply::Loaded { id, model } if self.is_loading(id) => self.loaded(model),
            Reply::Decoded { id, photo, view, notes } => self.decoded(id, photo, view, notes),
            Reply::Segmented { id, instances, elapsed_ms } if self.is_segmenting(id) => {
                self.segmented(instances, elapsed_ms)
            }
            Reply::Painted { id, history } if self.paint_in_flight == Some(id) => {
                (self.paint_in_flight, self.history) = (None, history);
                let mut effects = vec![Effect::ShowOverlay];
                if self.paint_again {
                    effects.extend(self.paint());
                }
                effects
            }
            Reply::Asked { id, instance, choices, .. } => self.answered(id, instance, choices),
            Reply::Edited { id, places, instances, count } => self.edited(id, &places, instances, count),
            Reply::Exported { id, file_name, mime } => self.exported(id, file_name, mime),
            Reply::Collected { id, file_name } => self.collected(id, file_name),
            Reply::FoundIn { id, scores } => self.found_in(id, &scores),
            Reply::Known { key } => self.kept(Effect::KeepObjects(key), key),
            Reply::Small { key } => self.kept(Effect::KeepThumbnail(key), key),
            Reply::Redraw { id, reply } => self.redraw_replied(id, reply),
            Reply::Measured { id, times_ms, workers } => self.measured(id, times_ms, workers),
            Reply::WeightsForgotten { .. } => {
                let mut effects = self.weights_gone();
                effects.push(Effect::AnnounceWeightsGone);
                effects
            }
            Reply::Failed { id, failure } => self.failed(id, failure),
            Reply::Crashed { message } => self.died(message),
            Reply::Loaded { .. }
            | Reply::Segmented { .. }
            | Reply::Painted { .. }
            | Reply::Logits { .. }
            | Reply::Swapped => Vec::new(),
        }
    }

    fn loaded(&mut self, mut model: ModelInfo) -> Vec<Effect> {
        if self.gpu_failed && model.fallback.is_none() {
            model.fallback = Some(Fallback::Failed);
        }
        if self.model.as_ref().is_none_or(|before| before.place != model.place) {
            let earlier = self.earlier_threshold.take().filter(|(place, _)| *place == model.place);
            self.threshold = earlier.map_or(model.threshold, |(_, threshold)| threshold);
        }
        let asked = std::mem::replace(&mut self.wanted, model.place.clone());
        let mut effects = Vec::new();
        if asked != Place::Suited {
            effects.push(Effect::ShareModel(model.place.clone()));
        }
        self.model = Some(model);
        self.measuring = Measuring::Idle;
        self.worker = Worker::Idle;
        effects.push(Effect::AnnounceModel);
        if self.waiting {
            self.held = false;
            if self.coming.is_none() {
                self.forget_result();
                effects.push(Effect::ClearOverlay);
            }
            effects.extend(self.submit());
        }
        effects.extend(self.redraw_next());
        effects
    }

    /// Loads another model. The worker keeps the model in use until the new one runs, unless a third is
    /// requested while that is loading.
    fn model_chosen(&mut self, place: Place) -> Vec<Effect> {
        self.failure = None;
        self.wanted = place;
        self.waiting = self.has_photo();
        match self.worker {
            Worker::Idle | Worker::Empty | Worker::Segmenting { .. } => self.load(),
            Worker::Loading { .. } | Worker::Dead => self.spawn(),
            Worker::Starting(_) => Vec::new(),
        }
    }

    /// Changes the backend, for which the worker has to be restarted.
    fn backend_chosen(&mut self, backend: BackendChoice) -> Vec<Effect> {
        self.failure = None;
        (self.backend, self.gpu_failed) = (backend, false);
        self.waiting = self.has_photo();
        let mut effects = vec![Effect::ShareBackend(backend)];
        effects.extend(self.spawn());
        effects
    }

    fn weights_gone(&mut self) -> Vec<Effect> {
        self.model.iter_mut().for_each(|model| model.kept = false);
        Vec::new()
    }

    fn model_kept(&mut self) -> Vec<Effect> {
        self.failure = None;
        let Some(model) = &self.model else { return Vec::new() };
        self.wanted = model.place.clone();
        if !matches!(self.worker, Worker::Loading { .. }) {
            return Vec::new();
        }
        // A download can only be stopped together with the worker.
        self.waiting = self.has_photo();
        self.spawn()
    }

    fn failed(&mut self, id: RequestId, failure: Failure) -> Vec<Effect> {
        if self.is_loading(id) {
            self.worker = if self.model.is_some() { Worker::Idle } else { Worker::Empty };
            self.failure = Some(failure);
            // What is shown is still the result of the model in use.
            let unseen =
                self.model.is_some() && self.waiting && (self.coming.is_some() || !self.is_answered());
            self.waiting &= self.model.is_none();
            return if unseen { self.submit() } else { Vec::new() };
        }
        self.not_measured(id);
        if let Some(effects) = self.not_collected(id, &failure) {
            return effects;
        }
        let leaves_gpu = failure.kind == FailureKind::Gpu && self.can_leave_gpu();
        if !leaves_gpu && self.not_found_in(id, &failure) {
            return Vec::new();
        }
        if self.is_segmenting(id) {
            return if leaves_gpu { self.leave_gpu() } else { self.not_segmented(failure) };
        }
        if leaves_gpu {
            return self.leave_gpu();
        }
        if self.redraw.failed(id, &failure) {
            return Vec::new();
        }
        match failure.kind {
            // Nothing was found there, which is an answer.
            FailureKind::Choice => self.notice = vec![failure.sentence],
            _ if matches!(self.worker, Worker::Idle) => self.failure = Some(failure),
            _ => {}
        }
        if self.paint_in_flight == Some(id) {
            // If it were requested again, it would fail again.
            (self.paint_in_flight, self.preview) = (None, None);
        }
        let mut effects = self.not_exported(id);
        effects.extend(self.unanswered(id));
        effects
    }

    fn died(&mut self, reason: String) -> Vec<Effect> {
        if self.can_leave_gpu() {
            return self.leave_gpu();
        }
        self.worker = Worker::Dead;
        self.lose_finding(true);
        self.forget_result();
        if let Some(model) = &self.model {
            self.wanted = model.place.clone();
        }
        let sentence =
            if is_out_of_memory(&reason) { Sentence::OutOfMemory } else { Sentence::Crashed { reason } };
        self.fail(FailureKind::Crashed, sentence)
    }

    /// Returns whether a worker that may have died of WebGPU gets a second attempt on the CPU.
    fn can_leave_gpu(&self) -> bool {
        let on_cpu = self.model.as_ref().is_some_and(|model| model.backend == Backend::Cpu);
        self.backend != BackendChoice::Cpu && !on_cpu && !matches!(self.worker, Worker::Starting(_))
    }

    fn leave_gpu(&mut self) -> Vec<Effect> {
        self.backend = BackendChoice::Cpu;
        self.gpu_failed = true;
        self.waiting = self.has_photo();
        self.spawn()
    }

    fn retried(&mut self) -> Vec<Effect> {
        self.failure = None;
        match self.worker {
            Worker::Dead => {
                self.waiting = self.has_photo();
                self.spawn()
            }
            Worker::Empty => self.load(),
            Worker::Idle if self.model.as_ref().is_some_and(|model| model.place != self.wanted) => {
                self.model_chosen(self.wanted.clone())
            }
            Worker::Idle if self.photo.is_some() && !self.is_answered() => self.submit(),
            _ => Vec::new(),
        }
    }

    /// Requests the overlay; while one is being painted, only the newest wish is kept.
    pub(super) fn paint(&mut self) -> Vec<Effect> {
        if !self.is_answered() {
            return Vec::new();
        }
        self.paint_again = self.paint_in_flight.is_some();
        if self.paint_again {
            return Vec::new();
        }
        let id = self.issue_id();
        self.paint_in_flight = Some(id);
        let (threshold, hovered) = (self.threshold, self.hovered);
        let selected = self.selected.iter().copied().filter(|&index| self.is_shown(index)).collect();
        let pointed = self.preview.clone();
        vec![Effect::Send(Request::Paint { id, threshold, hovered, selected, pointed })]
    }

    pub(super) fn spawn(&mut self) -> Vec<Effect> {
        self.worker = Worker::Starting(STARTING);
        self.lose_finding(false);
        (self.model, self.held) = (None, false);
        self.measuring = Measuring::Idle;
        self.forget_taking(true);
        self.redraw.forget_worker();
        vec![Effect::SpawnWorker]
    }

    pub(super) fn load(&mut self) -> Vec<Effect> {
        let id = self.issue_id();
        self.worker = Worker::Loading { id, progress: Progress::Probing };
        let (place, hub) = (self.wanted.clone(), self.hub.clone());
        vec![Effect::Send(Request::Load { id, place, hub, backend: self.backend })]
    }

    /// Returns the effect if its photo still exists.
    fn kept(&self, effect: Effect, key: PhotoKey) -> Vec<Effect> {
        if self.gallery.entry(key).is_some() { vec![effect] } else { Vec::new() }
    }

    fn send(&mut self, request: impl FnOnce(RequestId) -> Request) -> Vec<Effect> {
        vec![Effect::Send(request(self.issue_id()))]
    }

    fn fail(&mut self, kind: FailureKind, sentence: Sentence) -> Vec<Effect> {
        self.failure = Some(Failure::new(kind, sentence));
        Vec::new()
    }

    pub(super) fn forget_result(&mut self) {
        self.instances.clear();
        self.forget_taking(false);
        self.redraw.forget_photo();
        self.elapsed_ms = None;
        self.hovered = None;
        self.selected.clear();
        self.history = [false; 2];
        self.edits_in_flight.clear();
        self.picked_at = None;
        self.paint_in_flight = None;
        self.paint_again = false;
        self.asking = None;
        self.ask_in_flight = None;
        self.ask_again = false;
        self.preview = None;
    }

    pub(super) const fn issue_id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId(self.next_id)
    }

    fn is_loading(&self, id: RequestId) -> bool {
        matches!(self.worker, Worker::Loading { id: current, .. } if current == id)
    }

    pub(super) fn is_segmenting(&self, id: RequestId) -> bool {
        matches!(self.worker, Worker::Segmenting { id: current, .. } if current == id)
    }
}

/// Returns whether a worker that died of an error with this message was refused memory: Rust ends WebAssembly
/// where it is, without a panic, if an allocation fails. Safari's word has a capital.
fn is_out_of_memory(error: &str) -> bool {
    error.to_lowercase().contains("runtimeerror: unreachable")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
