use super::*;
use crate::export::PictureFormat;
use crate::web::export::{Export, Product};
use crate::web::protocol::{Found, Presence, Size};
use crate::web::state::Purpose;
use crate::web::state::Status;
use crate::web::state::testing;

const GONE: &str = "unreachable";

fn new() -> AppState {
    AppState::new(bundled(), "https://hub.example".into(), BackendChoice::Auto)
}

fn bundled() -> Place {
    Place::Site("weights/mae-tiny".into())
}

fn other() -> Place {
    Place::Hub("owner/name".parse().unwrap())
}

fn ready() -> Event {
    Event::Replied(Reply::Ready { protocol_version: PROTOCOL_VERSION })
}

fn sent_load(effects: &[Effect]) -> (RequestId, BackendChoice) {
    match effects {
        [Effect::Send(Request::Load { id, backend, .. })] => (*id, *backend),
        other => panic!("expected one Load, got {other:?}"),
    }
}

fn sent_photo(effects: &[Effect]) -> RequestId {
    match effects.last() {
        Some(Effect::SendPhoto { id, .. }) => *id,
        other => panic!("expected SendPhoto, got {other:?}"),
    }
}

fn sent_paint(effects: &[Effect]) -> RequestId {
    match effects.last() {
        Some(Effect::Send(Request::Paint { id, .. })) => *id,
        other => panic!("expected Paint, got {other:?}"),
    }
}

fn model(backend: Backend) -> ModelInfo {
    testing::model(bundled(), backend)
}

fn sent_place(effects: &[Effect]) -> (RequestId, Place) {
    match effects.last() {
        Some(Effect::Send(Request::Load { id, place, .. })) => (*id, place.clone()),
        other => panic!("expected Load, got {other:?}"),
    }
}

fn found(score: f32) -> Found {
    Found {
        label: "cat".into(),
        score,
        area: 4,
        bbox: [0, 0, 2, 2],
        runs: 2,
        asked: false,
        presence: Presence::Visible,
    }
}

fn loaded(state: &mut AppState, backend: Backend) -> Vec<Effect> {
    state.update(Event::Started);
    let (id, _) = sent_load(&state.update(ready()));
    state.update(Event::Replied(Reply::Loaded { id, model: model(backend) }))
}

fn choose(state: &mut AppState) -> Vec<Effect> {
    state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "a.jpg".into())]))
}

fn segmented(state: &mut AppState, id: RequestId, scores: &[f32]) -> Vec<Effect> {
    let size = Size { width: 2, height: 2 };
    state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    let instances = scores.iter().map(|&score| found(score)).collect();
    state.update(Event::Replied(Reply::Segmented { id, instances, elapsed_ms: 1.0 }))
}

#[test]
fn a_photo_goes_from_file_to_overlay() {
    let mut state = new();
    assert_eq!(state.status(), Status::Loading);
    assert_eq!(loaded(&mut state, Backend::Cpu), [Effect::ShareModel(bundled()), Effect::AnnounceModel]);
    assert_eq!(state.status(), Status::Ready);

    let id = sent_photo(&choose(&mut state));
    assert_eq!(state.status(), Status::Busy);
    let size = Size { width: 2, height: 2 };
    let effects =
        state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    assert_eq!(effects, [Effect::ClearOverlay, Effect::ShowPhoto(size)]);
    let effects = segmented(&mut state, id, &[0.9, 0.3]);
    assert_eq!(effects[0], Effect::KeepMasks);
    assert_eq!(state.status(), Status::Ready);
    assert_eq!(state.shown_count(), 1, "the model's own threshold hides the second");

    let paint = sent_paint(&effects);
    assert_eq!(
        state.update(Event::Replied(Reply::Painted { id: paint, history: [false; 2] })),
        [Effect::ShowOverlay]
    );
}

#[test]
fn another_model_brings_its_own_threshold() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    state.update(Event::ThresholdMoved(0.7));
    let (id, place) = sent_place(&state.update(Event::ModelChosen(other())));
    let model = ModelInfo { place, threshold: 0.2, ..model(Backend::Cpu) };
    state.update(Event::Replied(Reply::Loaded { id, model }));
    assert_eq!(state.threshold, 0.2);
}

#[test]
fn a_photo_chosen_while_loading_waits_for_the_model() {
    let mut state = new();
    state.update(Event::Started);
    assert_eq!(choose(&mut state), []);
    let effects = {
        let (id, _) = sent_load(&state.update(ready()));
        state.update(Event::Replied(Reply::Loaded { id, model: model(Backend::Cpu) }))
    };
    sent_photo(&effects);
}

#[test]
fn replies_to_an_earlier_photo_are_dropped() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let first = sent_photo(&choose(&mut state));
    let second = sent_photo(&choose(&mut state));
    assert_eq!(segmented(&mut state, first, &[0.9]), []);
    assert_eq!(state.status(), Status::Busy);
    assert!(state.instances.is_empty());
    assert_eq!(segmented(&mut state, second, &[0.9])[0], Effect::KeepMasks);
}

#[test]
fn the_slider_repaints_but_never_segments_again() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let id = sent_photo(&choose(&mut state));
    let paint = sent_paint(&segmented(&mut state, id, &[0.9, 0.6]));
    state.update(Event::Replied(Reply::Painted { id: paint, history: [false; 2] }));
    state.update(Event::Picked(Some(1)));
    state.update(Event::ThresholdMoved(0.7));
    assert_eq!(
        (state.shown_count(), state.selected_one()),
        (1, None),
        "a hidden instance is no longer picked"
    );
    for step in 0..20 {
        let effects = state.update(Event::ThresholdMoved(0.7 + 0.01 * step as f32));
        assert_eq!(effects, [], "one paint at a time");
    }
}

#[test]
fn only_the_newest_wish_is_painted() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let id = sent_photo(&choose(&mut state));
    let paint = sent_paint(&segmented(&mut state, id, &[0.9, 0.8, 0.7]));
    state.update(Event::Hovered(Some(0)));
    state.update(Event::Hovered(Some(2)));
    let effects = state.update(Event::Replied(Reply::Painted { id: paint, history: [false; 2] }));
    assert!(matches!(
        effects[..],
        [Effect::ShowOverlay, Effect::Send(Request::Paint { hovered: Some(2), .. })]
    ));
}

#[test]
fn a_bad_photo_leaves_the_page_usable() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let id = sent_photo(&choose(&mut state));
    let failure = Failure::new(FailureKind::Photo, Sentence::PhotoUnusable);
    state.update(Event::Replied(Reply::Failed { id, failure }));
    assert_eq!(state.status(), Status::Error);
    sent_photo(&choose(&mut state));
    assert_eq!(state.status(), Status::Busy);
}

#[test]
fn a_crash_on_webgpu_moves_the_photo_to_the_cpu() {
    let mut state = new();
    loaded(&mut state, Backend::WebGpu);
    sent_photo(&choose(&mut state));
    assert_eq!(state.update(Event::WorkerDied(GONE.into())), [Effect::SpawnWorker]);
    assert_eq!(state.status(), Status::Loading);
    let (id, backend) = sent_load(&state.update(ready()));
    assert_eq!(backend, BackendChoice::Cpu);
    sent_photo(&state.update(Event::Replied(Reply::Loaded { id, model: model(Backend::Cpu) })));
    assert!(
        state.model.as_ref().is_some_and(|model| model.fallback == Some(Fallback::Failed)),
        "which is said"
    );
}

#[test]
fn a_crash_on_the_cpu_offers_a_restart() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    choose(&mut state);
    assert_eq!(state.update(Event::WorkerDied(GONE.into())), []);
    assert_eq!(state.status(), Status::Error);
    assert_eq!(state.update(Event::Retried), [Effect::SpawnWorker]);
    assert_eq!(state.status(), Status::Loading);
}

#[test]
fn a_worker_that_never_starts_is_not_restarted_for_ever() {
    let mut state = new();
    state.update(Event::Started);
    assert_eq!(state.update(Event::WorkerDied(GONE.into())), []);
    assert_eq!(state.status(), Status::Error);
}

#[test]
fn missing_weights_can_be_tried_again() {
    let mut state = new();
    state.update(Event::Started);
    let (id, _) = sent_load(&state.update(ready()));
    let failure = Failure::new(FailureKind::Weights, Sentence::NoModelYet);
    state.update(Event::Replied(Reply::Failed { id, failure }));
    assert_eq!(state.status(), Status::Error);
    sent_load(&state.update(Event::Retried));
    assert_eq!(state.status(), Status::Loading);
}

#[test]
fn a_worker_of_another_version_asks_for_a_reload() {
    let mut state = new();
    state.update(Event::Started);
    state.update(Event::Replied(Reply::Ready { protocol_version: PROTOCOL_VERSION + 1 }));
    assert!(state.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Outdated));
}

#[test]
fn picking_twice_puts_back() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let id = sent_photo(&choose(&mut state));
    segmented(&mut state, id, &[0.9]);
    state.update(Event::Picked(Some(0)));
    assert_eq!((state.picked_places(), state.shown_places()), (vec![0], vec![0]));
    state.update(Event::Picked(Some(0)));
    assert_eq!(state.selected_one(), None);
}

/// Requests a file of what is shown; returns the request's id.
fn export(state: &mut AppState, purpose: Purpose) -> RequestId {
    let places = state.shown_places();
    let export = Export { product: Product::Overlay, places, format: PictureFormat::Png };
    match &state.update(Event::ExportWanted(export.clone(), purpose))[..] {
        [Effect::SendExport { id, export: sent, purpose: to }] if (sent, *to) == (&export, purpose) => *id,
        other => panic!("expected one export, got {other:?}"),
    }
}

#[test]
fn a_file_goes_where_it_was_to_go_and_the_newest_wish_counts() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let id = sent_photo(&choose(&mut state));
    let wish = Export { product: Product::Overlay, places: vec![0], format: PictureFormat::Png };
    assert_eq!(state.update(Event::ExportWanted(wish, Purpose::Save)), [], "nothing was found yet");
    segmented(&mut state, id, &[0.9]);
    let made =
        |id| Event::Replied(Reply::Exported { id, file_name: "a.png".into(), mime: "image/png".into() });
    let handed =
        |id, purpose| Effect::HandOver { id, purpose, file_name: "a.png".into(), mime: "image/png".into() };
    let late = export(&mut state, Purpose::Save);
    let id = export(&mut state, Purpose::Save);
    assert_eq!((state.update(made(late)), state.taking()), (vec![], vec![Sentence::Making]));
    assert_eq!(state.update(made(id)), [handed(id, Purpose::Save)]);
    assert_eq!(state.taking(), [Sentence::Saved { name: "a.png".into() }]);
    let id = export(&mut state, Purpose::Copy);
    assert_eq!(state.update(made(id)), [handed(id, Purpose::Copy)]);
    state.update(Event::HandedOver(id, Ok(true)));
    assert_eq!(state.taking(), [Sentence::Copied]);
    let id = export(&mut state, Purpose::Share);
    state.update(made(id));
    state.update(Event::HandedOver(id, Ok(false)));
    assert_eq!((state.taking(), &state.failure), (vec![], &None), "the visitor changed their mind");
    let id = export(&mut state, Purpose::Copy);
    let failure = Failure::new(FailureKind::Internal, Sentence::FileNoPixels);
    assert_eq!(state.update(Event::Replied(Reply::Failed { id, failure })), [Effect::BreakPromise]);
    assert!(state.taking().is_empty() && state.failure.is_some());
    let id = export(&mut state, Purpose::Copy);
    assert!(state.failure.is_none());
    state.update(made(id));
    state.update(Event::HandedOver(id, Err("not allowed".into())));
    assert!(
        state
            .failure
            .as_ref()
            .is_some_and(|failure| failure.sentence == Sentence::NotCopied { reason: "not allowed".into() })
    );
}

/// Prepares a state with a segmented photo, and another model loading.
fn changing(state: &mut AppState) -> RequestId {
    loaded(state, Backend::Cpu);
    let id = sent_photo(&choose(state));
    segmented(state, id, &[0.9]);
    let (id, place) = sent_place(&state.update(Event::ModelChosen(other())));
    assert_eq!((place, state.status()), (other(), Status::Loading));
    assert!(
        state.is_changing_model() && state.instances.len() == 1,
        "the result stays until there is another"
    );
    id
}

#[test]
fn another_model_looks_at_the_photo_again() {
    let mut state = new();
    let id = changing(&mut state);
    let model = ModelInfo { place: other(), ..model(Backend::Cpu) };
    let effects = state.update(Event::Replied(Reply::Loaded { id, model }));
    assert_eq!(effects[..3], [Effect::ShareModel(other()), Effect::AnnounceModel, Effect::ClearOverlay]);
    sent_photo(&effects);
    assert!(state.instances.is_empty());
}

#[test]
fn a_model_that_cannot_be_had_leaves_the_one_in_use() {
    let mut state = new();
    let id = changing(&mut state);
    let failure = Failure::new(FailureKind::Weights, Sentence::NoModelYet);
    assert_eq!(state.update(Event::Replied(Reply::Failed { id, failure })), []);
    assert_eq!((state.status(), state.instances.len()), (Status::Error, 1));
    assert_eq!(sent_place(&state.update(Event::Retried)).1, other(), "tried again when told to");

    let mut state = new();
    let id = changing(&mut state);
    let failure = Failure::new(FailureKind::Weights, Sentence::NoModelYet);
    state.update(Event::Replied(Reply::Failed { id, failure }));
    assert_eq!(state.update(Event::ModelKept), []);
    assert_eq!((state.status(), &state.wanted), (Status::Ready, &bundled()));
}

#[test]
fn a_photo_that_waited_for_a_model_that_failed_is_given_to_the_one_in_use() {
    let mut state = new();
    let id = changing(&mut state);
    choose(&mut state);
    let failure = Failure::new(FailureKind::Weights, Sentence::NoModelYet);
    sent_photo(&state.update(Event::Replied(Reply::Failed { id, failure })));
}

#[test]
fn a_download_that_is_not_wanted_any_more_ends_with_its_worker() {
    let mut state = new();
    changing(&mut state);
    assert_eq!(state.update(Event::ModelKept), [Effect::SpawnWorker]);
    assert_eq!(sent_place(&state.update(ready())).1, bundled());

    let mut state = new();
    changing(&mut state);
    assert_eq!(state.update(Event::ModelChosen(bundled())), [Effect::SpawnWorker]);
    assert_eq!(sent_place(&state.update(ready())).1, bundled());
}

#[test]
fn a_model_that_stops_the_worker_is_not_loaded_again_by_the_restart() {
    let mut state = new();
    changing(&mut state);
    state.update(Event::WorkerDied(GONE.into()));
    assert_eq!(state.status(), Status::Error);
    state.update(Event::Retried);
    assert_eq!(sent_place(&state.update(ready())).1, bundled());
}

#[test]
fn what_is_no_model_changes_nothing_but_is_said() {
    let mut state = new();
    loaded(&mut state, Backend::Cpu);
    let refused = Failure::new(FailureKind::Choice, Sentence::NoModelName { name: "a".into() });
    assert_eq!(state.update(Event::Refused(refused)), []);
    assert_eq!(state.status(), Status::Error);
    assert_eq!(state.update(Event::Retried), []);
    assert_eq!(state.status(), Status::Ready);
}
