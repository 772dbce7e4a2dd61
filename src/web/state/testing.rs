//! States in which tests begin.

use super::{AppState, Effect, Event};
use crate::web::place::Place;
use crate::web::protocol::{Backend, BackendChoice, ModelInfo, PROTOCOL_VERSION, Reply, Request};

/// A model with one label.
pub(super) fn model(place: Place, backend: Backend) -> ModelInfo {
    ModelInfo {
        place,
        backend,
        device: "test".into(),
        fallback: None,
        labels: vec!["cat".into()],
        threshold: 0.4,
        weight_bytes: 1,
        kept: true,
    }
}

/// A state in which the worker has loaded the bundled model on the CPU.
pub(super) fn loaded(choice: BackendChoice) -> AppState {
    let place = Place::Site("weights/mae-tiny".into());
    let mut state = AppState::new(place.clone(), String::new(), choice);
    state.update(Event::Started);
    let load = state.update(Event::Replied(Reply::Ready { protocol_version: PROTOCOL_VERSION }));
    let [Effect::Send(Request::Load { id, .. })] = load[..] else { panic!("{load:?}") };
    state.update(Event::Replied(Reply::Loaded { id, model: model(place, Backend::Cpu) }));
    state
}
