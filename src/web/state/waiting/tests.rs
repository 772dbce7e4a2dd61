use super::*;
use crate::web::protocol::{BackendChoice, FailureKind, Found, Presence, Reply, Size};
use crate::web::state::Event;
use crate::web::state::testing::loaded;

const SIZE: Size = Size { width: 2, height: 2 };

/// A state with four photos, the first of which is shown and done.
fn four() -> (AppState, Vec<Effect>) {
    let mut state = loaded(BackendChoice::Auto);
    let photos = (0..4).map(|key| (PhotoKey(key), format!("{key}.jpg"))).collect();
    let effects = state.update(Event::PhotosChosen(photos));
    let [Effect::SendPhoto { id, key: PhotoKey(0), .. }] = effects[..] else { panic!("{effects:?}") };
    state.update(Event::Replied(Reply::Decoded { id, photo: SIZE, view: SIZE, notes: Vec::new() }));
    let cat = Found { score: 0.9, presence: Presence::Visible, ..Found::deleted() };
    let effects =
        state.update(Event::Replied(Reply::Segmented { id, instances: vec![cat], elapsed_ms: 1.0 }));
    (state, effects)
}

fn sent(effects: &[Effect]) -> (RequestId, u32) {
    match effects.last() {
        Some(Effect::SendFind { id, key }) => (*id, key.0),
        other => panic!("{other:?}"),
    }
}

fn found(state: &mut AppState, id: RequestId) -> Vec<Effect> {
    state.update(Event::Replied(Reply::FoundIn { id, scores: vec![0.9, 0.5, 0.1] }))
}

fn standing(state: &AppState, place: usize) -> &Standing {
    &state.gallery.entries()[place].standing
}

#[test]
fn photos_that_wait_are_looked_at_one_after_another() {
    let (mut state, effects) = four();
    let (id, key) = sent(&effects);
    assert_eq!((key, standing(&state, 0)), (1, &Standing::Done(1)));
    assert_eq!(state.update(Event::Hovered(None)), [], "one at a time");
    let (id, key) = sent(&found(&mut state, id));
    assert_eq!((key, standing(&state, 1)), (2, &Standing::Done(2)));
    let unknown = Sentence::PhotoUnknown { name: "2.jpg".into() };
    let failure = Failure::new(FailureKind::Photo, unknown.clone());
    let (id, key) = sent(&state.update(Event::Replied(Reply::Failed { id, failure })));
    assert_eq!((key, standing(&state, 2)), (3, &Standing::Failed(unknown)));
    assert!(state.failure.is_none(), "it is named where it is");
    assert_eq!(found(&mut state, id), []);
}

#[test]
fn waiting_photos_can_be_paused_stopped_and_go_on() {
    let (mut state, effects) = four();
    let (id, _) = sent(&effects);
    state.update(Event::Paused(true));
    assert_eq!(found(&mut state, id), []);
    let (id, key) = sent(&state.update(Event::Paused(false)));
    assert_eq!(key, 2);
    state.update(Event::Stopped(true));
    assert_eq!((found(&mut state, id), standing(&state, 3)), (Vec::new(), &Standing::Stopped));
    assert_eq!(sent(&state.update(Event::Stopped(false))).1, 3);
}

#[test]
fn the_photo_that_the_worker_died_of_is_not_tried_again_and_again() {
    let (mut state, _) = four();
    state.update(Event::WorkerDied("unreachable".into()));
    assert!(matches!(standing(&state, 1), Standing::Failed(_)));
    let (mut state, _) = four();
    state.update(Event::ModelChosen(crate::web::place::Place::Site("weights/mae-small".into())));
    state.update(Event::ModelChosen(crate::web::place::Place::Site("weights/mae-tiny".into())));
    assert_eq!(standing(&state, 1), &Standing::Waiting, "it was the visitor who stopped the worker");
}

#[test]
fn a_worker_without_memory_says_so_in_every_browser() {
    for error in [
        "Uncaught RuntimeError: unreachable",
        "RuntimeError: unreachable executed",
        "RuntimeError: Unreachable code should not be executed (evaluating 'wasm.run(this)')",
    ] {
        let mut state = loaded(BackendChoice::Cpu);
        state.update(Event::WorkerDied(error.into()));
        let sentence = state.failure.map(|failure| failure.sentence);
        assert_eq!(sentence, Some(Sentence::OutOfMemory), "{error}");
    }
}
