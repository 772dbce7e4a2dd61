use super::*;
use crate::web::protocol::{BackendChoice, FailureKind, Reply, Sentence, Size};
use crate::web::state::Event;
use crate::web::state::testing::loaded;

const GRID: usize = 2;

fn send(state: &mut AppState, event: RedrawEvent) -> Vec<Effect> {
    state.update(Event::Redraw(event))
}

fn reply(state: &mut AppState, id: RequestId, reply: RedrawReply) -> Vec<Effect> {
    state.update(Event::Replied(Reply::Redraw { id, reply }))
}

/// Returns the only request.
fn asked(effects: &[Effect]) -> (RequestId, RedrawRequest) {
    let requests = effects.iter().filter_map(|effect| match effect {
        Effect::Send(Request::Redraw { id, request }) => Some((*id, request.clone())),
        _ => None,
    });
    let [one] = &requests.collect::<Vec<_>>()[..] else { panic!("{effects:?}") };
    one.clone()
}

fn percents(request: &RedrawRequest) -> Vec<(u32, u32)> {
    let RedrawRequest::Draw(wish) = request else { panic!("{request:?}") };
    let of = |hiding: &Hiding| match hiding {
        Hiding::Chance { percent, seed, .. } => (*percent, *seed),
        Hiding::ByHand(_) => panic!("by hand"),
    };
    wish.hidings.iter().map(of).collect()
}

fn photo(state: &mut AppState) -> Vec<Effect> {
    let effects = state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "a.jpg".into())]));
    let Some(Effect::SendPhoto { id, .. }) = effects.last() else { panic!("{effects:?}") };
    let (id, size) = (*id, Size { width: 2, height: 2 });
    state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    state.update(Event::Replied(Reply::Segmented { id, instances: Vec::new(), elapsed_ms: 1.0 }))
}

fn model() -> RedrawReply {
    let place = Place::Site(PRETRAINED.into());
    RedrawReply::Loaded(RedrawModel { place, grid: GRID, side: 32, weight_bytes: 1 })
}

fn drawn(hidden: [bool; GRID * GRID]) -> RedrawReply {
    RedrawReply::Drawn(vec![Drawn { hidden: hidden.into(), likeness: None, elapsed_ms: 9.0 }])
}

/// A state with a photo and the view with its first drawing.
fn opened() -> AppState {
    let mut state = loaded(BackendChoice::Cpu);
    photo(&mut state);
    let (id, request) = asked(&send(&mut state, RedrawEvent::Opened(true)));
    assert!(matches!(request, RedrawRequest::Load { place: Place::Site(path), .. } if path == PRETRAINED));
    let (id, request) = asked(&reply(&mut state, id, model()));
    assert_eq!(percents(&request), [(75, 0)]);
    assert_eq!(reply(&mut state, id, drawn([true, true, true, false])), [Effect::ShowRedrawn]);
    state
}

#[test]
fn nothing_is_fetched_until_the_view_is_opened() {
    let mut state = loaded(BackendChoice::Cpu);
    assert!(!photo(&mut state).iter().any(|effect| matches!(effect, Effect::Send(Request::Redraw { .. }))));
    asked(&send(&mut state, RedrawEvent::Opened(true)));
    assert_eq!(send(&mut state, RedrawEvent::Opened(false)), [], "it goes on meanwhile");
    assert_eq!(send(&mut state, RedrawEvent::Opened(true)), [], "once is enough");
    assert_eq!(state.redraw.word(), "loading");
}

#[test]
fn the_model_may_be_there_before_the_photo() {
    let mut state = loaded(BackendChoice::Cpu);
    let (id, _) = asked(&send(&mut state, RedrawEvent::Opened(true)));
    state.update(Event::Replied(Reply::Progress { id, progress: Progress::WarmingUp }));
    assert_eq!(state.redraw.progress(), Some(Progress::WarmingUp));
    assert_eq!(reply(&mut state, id, model()), []);
    let (_, request) = asked(&photo(&mut state));
    assert_eq!(percents(&request), [(75, 0)]);
}

#[test]
fn only_the_newest_wish_is_kept_while_one_is_drawn() {
    let mut state = opened();
    let (first, _) = asked(&send(&mut state, RedrawEvent::PercentMoved(50)));
    for percent in [51, 52, 200] {
        assert_eq!(send(&mut state, RedrawEvent::PercentMoved(percent)), []);
    }
    let effects = reply(&mut state, first, drawn([false; 4]));
    assert_eq!(effects[0], Effect::ShowRedrawn);
    let (second, request) = asked(&effects);
    assert_eq!(percents(&request), [(MOST_PERCENT, 0)]);
    assert_eq!(reply(&mut state, first, drawn([true; 4])), [], "late ones are not shown");
    assert_eq!(reply(&mut state, second, drawn([true; 4])), [Effect::ShowRedrawn]);
    assert_eq!(send(&mut state, RedrawEvent::PercentMoved(95)), [], "it is there");
}

#[test]
fn two_choices_are_compared_and_neither_comes_again() {
    let mut state = opened();
    let (id, request) = asked(&send(&mut state, RedrawEvent::Compared(true)));
    assert_eq!(percents(&request), [(75, 0), (75, 1)]);
    reply(&mut state, id, drawn([true; 4]));
    let (_, request) = asked(&send(&mut state, RedrawEvent::SeedChanged));
    assert_eq!(percents(&request), [(75, 2), (75, 3)]);
}

#[test]
fn by_hand_begins_with_what_is_hidden_and_changes_what_is_painted() {
    let mut state = opened();
    let (id, request) = asked(&send(&mut state, RedrawEvent::ByHand(true)));
    let RedrawRequest::Draw(Wish { hidings, .. }) = request else { panic!("{request:?}") };
    assert_eq!(hidings, [Hiding::ByHand(vec![true, true, true, false])]);
    reply(&mut state, id, drawn([true, true, true, false]));
    let (_, request) = asked(&send(&mut state, RedrawEvent::Painted(vec![0, 1, 9], false)));
    let RedrawRequest::Draw(Wish { hidings, .. }) = request else { panic!("{request:?}") };
    assert_eq!(hidings, [Hiding::ByHand(vec![false, false, true, false])]);
    assert_eq!(state.redraw.hidden_count(), (Some([1, 4]), 0.25));
    send(&mut state, RedrawEvent::ByHand(false));
    assert_eq!(state.redraw.wish().hidings.len(), 1);
    assert_eq!(state.redraw.by_hand, None);
}

#[test]
fn another_photo_is_drawn_and_a_late_drawing_of_the_one_before_is_not_shown() {
    let mut state = opened();
    let (late, _) = asked(&send(&mut state, RedrawEvent::PercentMoved(10)));
    let (id, request) = asked(&photo(&mut state));
    assert_eq!(percents(&request), [(10, 0)]);
    assert_eq!(reply(&mut state, late, drawn([true; 4])), []);
    assert_eq!(reply(&mut state, id, drawn([true; 4])), [Effect::ShowRedrawn]);
}

#[test]
fn what_cannot_be_fetched_is_fetched_again_only_when_asked() {
    let mut state = loaded(BackendChoice::Cpu);
    photo(&mut state);
    let (id, _) = asked(&send(&mut state, RedrawEvent::Opened(true)));
    let failure = Failure::new(FailureKind::Weights, Sentence::NoModelYet);
    assert_eq!(state.update(Event::Replied(Reply::Failed { id, failure })), []);
    assert_eq!((state.redraw.word(), &state.failure), ("error", &None), "objects are found as before");
    assert_eq!(send(&mut state, RedrawEvent::PercentMoved(10)), []);
    let (_, request) = asked(&send(&mut state, RedrawEvent::Retried));
    assert!(matches!(request, RedrawRequest::Load { .. }));
}

#[test]
fn another_model_draws_at_once_and_a_restarted_worker_gets_it_again() {
    let mut state = opened();
    let mine = Place::Device("mine".into());
    let (id, request) = asked(&send(&mut state, RedrawEvent::ModelChosen(mine.clone())));
    assert!(matches!(request, RedrawRequest::Load { ref place, .. } if *place == mine));
    reply(&mut state, id, model());
    assert_eq!(state.redraw.word(), "drawing");
    state.update(Event::WorkerDied("x".into()));
    state.update(Event::Retried);
    assert_eq!((state.redraw.word(), &state.redraw.model), ("empty", &None));
}

#[test]
fn pictures_are_saved_and_features_come_after_the_drawing() {
    let mut state = opened();
    let (id, request) = asked(&send(&mut state, RedrawEvent::SaveWanted { moves: true }));
    assert!(matches!(request, RedrawRequest::Animation(_)));
    let (file_name, mime) = ("a.gif".to_owned(), "image/gif".to_owned());
    let effects = state.update(Event::Replied(Reply::Exported { id, file_name, mime }));
    assert!(matches!(effects[..], [Effect::HandOver { purpose: Purpose::Save, .. }]));
    assert_eq!(state.taking(), [Sentence::Saved { name: "a.gif".into() }]);
    let (id, request) = asked(&send(&mut state, RedrawEvent::FeaturesOpened(true)));
    assert_eq!(request, RedrawRequest::Features);
    assert_eq!(reply(&mut state, id, RedrawReply::Features([[2, 2], [3, 3]])), [Effect::ShowFeatures]);
    assert_eq!(state.redraw.features, Some([[2, 2], [3, 3]]));
}
