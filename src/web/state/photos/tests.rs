use super::*;
use crate::web::gallery::{PhotoKey, Standing};
use crate::web::place::Place;
use crate::web::protocol::{Backend, BackendChoice, FailureKind, Found, Look, Presence, Reply, Request};
use crate::web::state::Event;
use crate::web::state::testing::{loaded, model};

const SIZE: Size = Size { width: 2, height: 2 };

fn finish_loading(state: &mut AppState, effects: &[Effect]) -> Vec<Effect> {
    let Some(Effect::Send(Request::Load { id, place, .. })) = effects.last() else { panic!("{effects:?}") };
    state.update(Event::Replied(Reply::Loaded { id: *id, model: model(place.clone(), Backend::Cpu) }))
}

fn choose(state: &mut AppState, name: &str) -> RequestId {
    sent(&state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), name.into())])))
}

/// Returns the number under which the photo was sent.
fn sent(effects: &[Effect]) -> RequestId {
    let Some(Effect::SendPhoto { id, .. }) = effects.last() else { panic!("{effects:?}") };
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
    let failure = Failure::new(FailureKind::Photo, Sentence::PhotoUnusable);
    state.update(Event::Replied(Reply::Failed { id, failure }))
}

/// Returns the name of the photo shown, and the number of its objects.
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
    let effects = fail(&mut state, id);
    assert_eq!(effects[0], Effect::ForgetPhotos(vec![PhotoKey(1)]), "it came alone");
    assert_eq!((shown(&state), state.selected_one()), (("a.jpg", 1), Some(0)));
    assert!(state.failure.is_some() && state.can_ask());
    let refused = Failure::new(FailureKind::Photo, Sentence::PhotoFileTooLarge { name: "a".into() });
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
    state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "notes.txt".into())]));
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

fn give(state: &mut AppState, names: &[&str]) -> RequestId {
    let first = state.gallery.next_key().0;
    let photos = (first..).map(PhotoKey).zip(names.iter().map(|name| (*name).to_owned()));
    sent(&state.update(Event::PhotosChosen(photos.collect())))
}

fn opened(state: &mut AppState, key: u32) -> (RequestId, PhotoKey, Look) {
    let effects = state.update(Event::PhotoOpened(PhotoKey(key)));
    let Some(Effect::SendPhoto { id, key, look }) = effects.last() else { panic!("{effects:?}") };
    (*id, *key, *look)
}

#[test]
fn a_photo_is_opened_again_with_what_is_known_of_it() {
    let mut state = loaded(BackendChoice::Auto);
    let id = give(&mut state, &["a.jpg", "b.jpg"]);
    finish(&mut state, id);
    let (id, key, look) = opened(&mut state, 1);
    assert_eq!((key, look), (PhotoKey(1), Look::IfUnknown));
    finish(&mut state, id);
    assert_eq!(shown(&state), ("b.jpg", 1));
    let (id, key, _) = opened(&mut state, 0);
    assert_eq!(state.update(Event::PhotoOpened(PhotoKey(0))), [], "it is on its way");
    assert_eq!(key, PhotoKey(0));
    finish(&mut state, id);
    let loading = state.update(Event::ModelChosen(Place::Site("weights/mae-small".into())));
    let effects = finish_loading(&mut state, &loading);
    let afresh = Effect::SendPhoto { id: sent(&effects), key: PhotoKey(0), look: Look::Again };
    assert_eq!(effects.last(), Some(&afresh), "another model looks again");
    finish(&mut state, sent(&effects));
    let (_, _, look) = opened(&mut state, 1);
    assert_eq!(look, Look::IfUnknown, "what the first model found in others stays");
}

#[test]
fn a_photo_that_goes_makes_room_for_its_neighbour() {
    let mut state = loaded(BackendChoice::Auto);
    let id = give(&mut state, &["a.jpg", "b.jpg", "c.jpg"]);
    finish(&mut state, id);
    let (id, ..) = opened(&mut state, 1);
    finish(&mut state, id);
    let effects = state.update(Event::PhotoRemoved(PhotoKey(1)));
    assert!(effects.contains(&Effect::ForgetPhotos(vec![PhotoKey(1)])), "{effects:?}");
    assert!(effects.contains(&Effect::HidePhoto), "{effects:?}");
    assert!(effects.contains(&Effect::SendPhoto {
        id: sent(&effects),
        key: PhotoKey(2),
        look: Look::IfUnknown
    }));
    // A photo is removed while it is on its way: the one before is still shown, but the worker has dropped
    // it.
    let effects = state.update(Event::PhotoRemoved(PhotoKey(2)));
    finish(&mut state, sent(&effects));
    assert_eq!(shown(&state), ("a.jpg", 1));
    state.update(Event::PhotoRemoved(PhotoKey(0)));
    assert_eq!((shown(&state), state.gallery.entries().len()), (("", 0), 0));
    assert_eq!(state.gallery.next_key(), PhotoKey(3), "keys are given once");
}

#[test]
fn of_several_photos_one_that_cannot_be_read_stays_named() {
    let mut state = loaded(BackendChoice::Auto);
    let id = give(&mut state, &["notes.txt", "b.jpg"]);
    fail(&mut state, id);
    assert_eq!(state.gallery.entries()[0].standing, Standing::Failed(Sentence::PhotoUnusable));
    assert_eq!(shown(&state), ("", 0));
}

#[test]
fn an_earlier_visit_comes_back_when_the_model_is_there() {
    let mut before = loaded(BackendChoice::Auto);
    let id = give(&mut before, &["a.jpg", "b.jpg"]);
    finish(&mut before, id);
    before.update(Event::ThresholdMoved(0.8));
    let earlier = before.for_later();

    let place = before.model.as_ref().unwrap().place.clone();
    let mut state = AppState::new(place.clone(), String::new(), BackendChoice::Auto);
    state.update(Event::Started);
    assert_eq!(state.update(Event::Restored(earlier.clone())), []);
    let ready = Reply::Ready { protocol_version: crate::web::protocol::PROTOCOL_VERSION };
    let loading = state.update(Event::Replied(ready));
    let effects = finish_loading(&mut state, &loading);
    assert!(effects.contains(&Effect::SendPhoto {
        id: sent(&effects),
        key: PhotoKey(0),
        look: Look::IfUnknown
    }));
    assert_eq!((state.threshold, state.gallery.entries().len()), (0.8, 2));

    let mut state = loaded(BackendChoice::Auto);
    let id = give(&mut state, &["now.jpg"]);
    finish(&mut state, id);
    state.update(Event::Restored(earlier));
    assert_eq!(shown(&state), ("now.jpg", 1), "it takes nothing away");
}

#[test]
fn starting_fresh_leaves_nothing() {
    let mut state = loaded(BackendChoice::Auto);
    let id = give(&mut state, &["a.jpg", "b.jpg"]);
    finish(&mut state, id);
    let effects = state.update(Event::StartedFresh);
    assert_eq!(effects[0], Effect::ForgetPhotos(vec![PhotoKey(0), PhotoKey(1)]));
    assert!(effects.contains(&Effect::HidePhoto));
    assert_eq!((shown(&state), state.gallery.entries().len(), state.can_ask()), (("", 0), 0, false));
    let id = give(&mut state, &["c.jpg"]);
    finish(&mut state, id);
    assert_eq!(shown(&state), ("c.jpg", 1));
}

#[test]
fn a_photo_is_looked_at_closely_once() {
    let mut state = loaded(BackendChoice::Auto);
    assert_eq!(state.update(Event::CloserWanted), [], "there is none");
    let id = give(&mut state, &["a.jpg", "b.jpg"]);
    finish(&mut state, id);
    assert!(state.can_look_closely());
    let effects = state.update(Event::CloserWanted);
    let id = sent(&effects);
    assert_eq!(effects, [Effect::SendPhoto { id, key: PhotoKey(0), look: Look::Closely }]);
    assert!(!state.can_look_closely());
    finish(&mut state, id);
    assert!(!state.can_look_closely(), "it was");
    let (id, ..) = opened(&mut state, 1);
    finish(&mut state, id);
    assert!(state.can_look_closely());
}
