use super::*;
use crate::web::place::Place;
use crate::web::protocol::{Backend, BackendChoice, FailureKind, Found, Presence, Reply, Request};
use crate::web::state::Event;
use crate::web::state::testing::{loaded, model};

const SIZE: Size = Size { width: 2, height: 2 };

fn finish_loading(state: &mut AppState, effects: &[Effect]) -> Vec<Effect> {
    let Some(Effect::Send(Request::Load { id, place, .. })) = effects.last() else { panic!("{effects:?}") };
    state.update(Event::Replied(Reply::Loaded { id: *id, model: model(place.clone(), Backend::Cpu) }))
}

fn choose(state: &mut AppState, name: &str) -> RequestId {
    sent(&state.update(Event::PhotoChosen { name: name.into() }))
}

/// The number under which the photo was sent.
fn sent(effects: &[Effect]) -> RequestId {
    let Some(Effect::SendPhoto(id)) = effects.last() else { panic!("{effects:?}") };
    *id
}

fn decode(state: &mut AppState, id: RequestId) -> Vec<Effect> {
    state.update(Event::Replied(Reply::Decoded { id, photo: SIZE, view: SIZE, notes: Vec::new() }))
}

fn finish(state: &mut AppState, id: RequestId) {
    decode(state, id);
    let cat = Found { score: 0.9, presence: Presence::Visible, ..Found::deleted() };
    state.update(Event::Replied(Reply::Segmented { id, instances: vec![cat], elapsed_ms: 1.0 }));
}

fn fail(state: &mut AppState, id: RequestId) -> Vec<Effect> {
    let failure = Failure::new(FailureKind::Photo, "not a photo");
    state.update(Event::Replied(Reply::Failed { id, failure }))
}

/// Name of the photo shown, and number of its objects.
fn shown(state: &AppState) -> (&str, usize) {
    (state.photo.as_ref().map_or("", |photo| photo.name.as_str()), state.instances.len())
}

#[test]
fn a_file_that_cannot_be_read_leaves_photo_and_result() {
    let mut state = loaded(BackendChoice::Auto);
    let id = choose(&mut state, "a.jpg");
    finish(&mut state, id);
    state.update(Event::Picked(Some(0)));
    let id = choose(&mut state, "notes.txt");
    assert_eq!(shown(&state), ("a.jpg", 1), "until the other was read");
    assert_eq!(fail(&mut state, id), [Effect::DropPhoto]);
    assert_eq!((shown(&state), state.selected_one()), (("a.jpg", 1), Some(0)));
    assert!(state.failure.is_some() && state.can_ask());
    let refused = Failure::new(FailureKind::Photo, "too large");
    assert_eq!(state.update(Event::Refused(refused)), []);
    assert_eq!(shown(&state), ("a.jpg", 1));
}

#[test]
fn another_photo_takes_the_place_of_the_one_shown_when_it_was_read() {
    let mut state = loaded(BackendChoice::Auto);
    let id = choose(&mut state, "a.jpg");
    finish(&mut state, id);
    let id = choose(&mut state, "b.jpg");
    assert_eq!(decode(&mut state, id), [Effect::ClearOverlay, Effect::ShowPhoto(SIZE)]);
    assert_eq!(shown(&state), ("b.jpg", 0));
    finish(&mut state, id);
    assert_eq!(shown(&state), ("b.jpg", 1));
}

#[test]
fn a_photo_that_the_worker_holds_no_more_is_looked_at_again() {
    let mut state = loaded(BackendChoice::Auto);
    let id = choose(&mut state, "a.jpg");
    finish(&mut state, id);
    let passed_over = choose(&mut state, "b.jpg");
    let unread = choose(&mut state, "notes.txt");
    assert_eq!(decode(&mut state, passed_over), [], "nobody waits for it any more");
    let effects = fail(&mut state, unread);
    finish(&mut state, sent(&effects));
    assert_eq!(shown(&state), ("a.jpg", 1));
    assert!(state.can_ask());
}

#[test]
fn after_another_model_was_loaded_an_unread_photo_leaves_the_one_shown() {
    let mut state = loaded(BackendChoice::Auto);
    let id = choose(&mut state, "a.jpg");
    finish(&mut state, id);
    let loading = state.update(Event::ModelChosen(Place::Site("weights/mae-small".into())));
    state.update(Event::PhotoChosen { name: "notes.txt".into() });
    let id = sent(&finish_loading(&mut state, &loading));
    let effects = fail(&mut state, id);
    finish(&mut state, sent(&effects));
    assert_eq!(shown(&state), ("a.jpg", 1), "by the other model");
}

#[test]
fn what_failed_after_the_photo_was_read_can_be_tried_again() {
    let mut state = loaded(BackendChoice::Auto);
    let id = choose(&mut state, "a.jpg");
    decode(&mut state, id);
    fail(&mut state, id);
    assert_eq!(shown(&state), ("a.jpg", 0));
    let id = sent(&state.update(Event::Retried));
    finish(&mut state, id);
    assert_eq!(shown(&state), ("a.jpg", 1));
}
