use super::*;
use crate::web::protocol::{BackendChoice, Failure, FailureKind, Presence, Reply};
use crate::web::state::Event;
use crate::web::state::testing::loaded;

/// A state with a photo of 200 × 100 pixels on which two objects were found.
fn segmented() -> AppState {
    let mut state = loaded(BackendChoice::Auto);
    choose(&mut state);
    state
}

fn choose(state: &mut AppState) {
    let chosen = state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "a.jpg".into())]));
    let Some(Effect::SendPhoto { id, .. }) = chosen.last().cloned() else { panic!("{chosen:?}") };
    let size = Size { width: 200, height: 100 };
    state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    let instances = vec![found(0.9), found(0.5)];
    let effects = state.update(Event::Replied(Reply::Segmented { id, instances, elapsed_ms: 1.0 }));
    painted(state, &effects);
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

/// Returns the prompt of the last overlay request.
fn painted(state: &mut AppState, effects: &[Effect]) -> Option<Prompt> {
    let Some(Effect::Send(Request::Paint { id, pointed, .. })) = effects.last() else {
        panic!("{effects:?}")
    };
    state.update(Event::Replied(Reply::Painted { id: *id, history: [false; 2] }));
    pointed.clone()
}

fn aim(x: usize, y: usize, over: Option<usize>, gesture: Gesture) -> Aim {
    Aim { pixel: [x, y], over, gesture }
}

fn click(state: &mut AppState, x: usize, y: usize, gesture: Gesture) -> Vec<Effect> {
    state.update(Event::Clicked(aim(x, y, None, gesture)))
}

/// Returns number, prompt, choice and replacement of the question that was sent.
fn sent(effects: &[Effect]) -> (RequestId, Prompt, usize, bool) {
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Send(Request::Ask { id, prompt, choice, replaces, .. }) => {
            Some((*id, prompt.clone(), *choice, *replaces))
        }
        _ => None,
    });
    asked.unwrap_or_else(|| panic!("no question in {effects:?}"))
}

/// Lets the worker answer; returns the effects except those for the overlay.
fn answer(state: &mut AppState, id: RequestId, area: usize) -> Vec<Effect> {
    let instance = Found { area, asked: true, score: 0.1, ..found(0.1) };
    let reply = Reply::Asked { id, instance, choices: 3, elapsed_ms: 1.0 };
    let effects = state.update(Event::Replied(reply));
    let is_paint = |effect: &Effect| matches!(effect, Effect::Send(Request::Paint { .. }));
    for paint in effects.iter().filter(|effect| is_paint(effect)) {
        painted(state, std::slice::from_ref(paint));
    }
    effects.into_iter().filter(|effect| !is_paint(effect)).collect()
}

fn areas(state: &AppState) -> Vec<usize> {
    state.instances.iter().map(|found| found.area).collect()
}

#[test]
fn a_click_on_nothing_asks_for_the_object_there() {
    let mut state = segmented();
    let (id, prompt, choice, replaces) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    assert_eq!((prompt, choice, replaces), (Prompt::point(30, 40), 0, false));
    assert_eq!(answer(&mut state, id, 7), [Effect::KeepMask { replaces: false }]);
    assert_eq!((areas(&state), state.selected_one()), (vec![4, 4, 7], Some(2)));
    assert!(state.is_shown(2), "though its score is low");
    assert_eq!(state.choice(), Some([1, 3]));
}

#[test]
fn the_same_spot_goes_round_the_masks() {
    let mut state = segmented();
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    answer(&mut state, id, 7);
    for (time, area) in [(1, 9), (2, 5), (3, 7)] {
        let (id, prompt, choice, replaces) = sent(&click(&mut state, 31, 40, Gesture::Pick));
        assert_eq!((prompt, choice, replaces), (Prompt::point(30, 40), time, true));
        assert_eq!(answer(&mut state, id, area), [Effect::KeepMask { replaces: true }]);
        assert_eq!(areas(&state), [4, 4, area]);
        assert_eq!(state.choice(), Some([time % 3 + 1, 3]));
    }
    let (_, prompt, _, replaces) = sent(&click(&mut state, 60, 40, Gesture::Pick));
    assert_eq!((prompt, replaces), (Prompt::point(60, 40), false), "another place is another object");
}

#[test]
fn what_was_found_is_picked_first_and_asked_for_when_clicked_again() {
    let mut state = segmented();
    let over = Event::Clicked(aim(5, 5, Some(1), Gesture::Pick));
    let effects = state.update(over.clone());
    painted(&mut state, &effects);
    assert_eq!((state.selected_one(), effects.len()), (Some(1), 1));
    let effects = state.update(over);
    assert_eq!(sent(&effects).1, Prompt::point(5, 5));
    let is_other = |effect: &Effect| matches!(effect, Effect::Send(Request::Ask { unlike: Some(1), .. }));
    assert!(effects.iter().any(is_other), "another mask than the one that is there");
}

#[test]
fn a_place_beyond_the_box_belongs_to_the_object_with_the_middle_of_the_box() {
    let mut state = segmented();
    let (id, ..) = sent(&state.update(Event::Boxed([10, 10, 20, 20])));
    answer(&mut state, id, 7);
    let (id, prompt, ..) = sent(&click(&mut state, 15, 15, Gesture::Add));
    assert_eq!(prompt.bounds, Some([10, 10, 20, 20]), "a place in it");
    answer(&mut state, id, 7);
    let (_, prompt, ..) = sent(&click(&mut state, 90, 15, Gesture::Add));
    let places: Vec<[usize; 2]> = prompt.points.iter().map(|point| [point.x, point.y]).collect();
    assert_eq!((prompt.bounds, places), (None, vec![[15, 15], [20, 20], [90, 15]]));
}

#[test]
fn shift_adds_and_alt_takes_away() {
    let mut state = segmented();
    assert_eq!(click(&mut state, 9, 9, Gesture::Remove), [], "there is nothing to take away from");
    assert_eq!(state.notice, [Sentence::ClickFirst], "and that is said");
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    answer(&mut state, id, 7);
    let (id, prompt, ..) = sent(&click(&mut state, 90, 40, Gesture::Add));
    assert_eq!(prompt.points.len(), 2);
    answer(&mut state, id, 8);
    let (id, prompt, choice, replaces) = sent(&click(&mut state, 60, 40, Gesture::Remove));
    assert_eq!(prompt.points[2], Point { x: 60, y: 40, positive: false });
    assert_eq!((choice, replaces), (0, true));
    answer(&mut state, id, 6);
    assert_eq!(areas(&state), [4, 4, 6]);
}

#[test]
fn what_was_picked_by_a_click_is_added_to_from_there() {
    let mut state = segmented();
    let effects = state.update(Event::Clicked(aim(5, 5, Some(1), Gesture::Pick)));
    painted(&mut state, &effects);
    let (_, prompt, _, replaces) = sent(&click(&mut state, 90, 40, Gesture::Remove));
    let points = [(5, 5, true), (90, 40, false)].map(|(x, y, positive)| Point { x, y, positive });
    assert_eq!((prompt.points.as_slice(), replaces), (points.as_slice(), false));
}

#[test]
fn where_nothing_can_be_told_apart_the_page_says_so_and_goes_on() {
    let mut state = segmented();
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    let failure = Failure::new(FailureKind::Choice, Sentence::NoObjectHere);
    let effects = state.update(Event::Replied(Reply::Failed { id, failure }));
    painted(&mut state, &effects);
    assert_eq!((&state.notice, &state.failure), (&vec![Sentence::NoObjectHere], &None));
    sent(&click(&mut state, 60, 40, Gesture::Pick));
    assert!(state.notice.is_empty());
}

#[test]
fn of_quick_clicks_the_last_one_wins() {
    let mut state = segmented();
    let (first, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    assert_eq!(click(&mut state, 90, 40, Gesture::Add), []);
    assert_eq!(click(&mut state, 95, 40, Gesture::Add), []);
    let (id, prompt, _, replaces) = sent(&answer(&mut state, first, 7));
    assert_eq!((prompt.points.len(), replaces), (3, true));
    assert_eq!(click(&mut state, 10, 10, Gesture::Pick), [], "another object");
    let (id, prompt, _, replaces) = sent(&answer(&mut state, id, 8));
    assert_eq!((prompt, replaces), (Prompt::point(10, 10), false));
    answer(&mut state, id, 3);
    assert_eq!((areas(&state), state.selected_one()), (vec![4, 4, 8, 3], Some(3)));
}

#[test]
fn escape_drops_the_object_asked_for_be_it_answered_or_on_its_way() {
    let withdrawn = |effects: &[Effect]| {
        let is_sent = |effect: &Effect| matches!(effect, Effect::Send(Request::Withdraw { .. }));
        effects.iter().any(is_sent) && effects.contains(&Effect::DropMask)
    };
    let mut state = segmented();
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    answer(&mut state, id, 7);
    let effects = state.update(Event::Dismissed);
    assert!(withdrawn(&effects), "{effects:?}");
    painted(&mut state, &effects);
    assert_eq!((areas(&state), state.selected_one(), state.choice()), (vec![4, 4], None, None));

    for answered in [false, true] {
        let (mut id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
        if answered {
            answer(&mut state, id, 7);
            id = sent(&click(&mut state, 90, 40, Gesture::Add)).0;
        }
        let effects = state.update(Event::Dismissed);
        painted(&mut state, &effects);
        let effects = answer(&mut state, id, 8);
        assert!(withdrawn(&effects), "{effects:?}");
        assert_eq!(areas(&state), [4, 4]);
    }
}

#[test]
fn the_pointer_previews_what_a_click_would_find() {
    let mut state = segmented();
    let point = |state: &mut AppState, aim| {
        let effects = state.update(Event::Pointed(aim));
        painted(state, &effects)
    };
    let pick = |x, over| Some(aim(x, 40, over, Gesture::Pick));
    assert_eq!(point(&mut state, pick(30, None)), Some(Prompt::point(30, 40)));
    assert_eq!(state.update(Event::Pointed(pick(30, None))), [], "nothing new");
    assert_eq!(point(&mut state, pick(30, Some(1))), None, "that is there already");
    assert_eq!(state.hovered, Some(1));
    assert_eq!(point(&mut state, None), None);
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    answer(&mut state, id, 7);
    let added = point(&mut state, Some(aim(90, 40, Some(0), Gesture::Add)));
    assert_eq!(added.map(|prompt| prompt.points.len()), Some(2));
}

#[test]
fn while_a_preview_is_painted_only_the_newest_is_kept() {
    let mut state = segmented();
    let pointed = |x| Event::Pointed(Some(aim(x, 40, None, Gesture::Pick)));
    let effects = state.update(pointed(30));
    let Some(Effect::Send(Request::Paint { id, .. })) = effects.last() else { panic!("{effects:?}") };
    assert_eq!(state.update(pointed(31)), []);
    assert_eq!(state.update(pointed(32)), []);
    let effects = state.update(Event::Replied(Reply::Painted { id: *id, history: [false; 2] }));
    assert_eq!(painted(&mut state, &effects), Some(Prompt::point(32, 40)));
}

#[test]
fn a_question_that_fails_is_told_and_nothing_is_stuck() {
    let mut state = segmented();
    let (id, ..) = sent(&click(&mut state, 30, 40, Gesture::Pick));
    let failure = Failure::new(FailureKind::Internal, Sentence::NoResultYet);
    let effects = state.update(Event::Replied(Reply::Failed { id, failure: failure.clone() }));
    painted(&mut state, &effects);
    assert_eq!(state.failure, Some(failure.clone()));
    assert_eq!(areas(&state), [4, 4]);
    let effects = state.update(Event::Pointed(Some(aim(30, 40, None, Gesture::Pick))));
    let Some(Effect::Send(Request::Paint { id, .. })) = effects.last() else { panic!("{effects:?}") };
    state.update(Event::Replied(Reply::Failed { id: *id, failure }));
    let effects = state.update(Event::Hovered(Some(0)));
    assert_eq!(painted(&mut state, &effects), None);
    sent(&click(&mut state, 30, 40, Gesture::Pick));
}

#[test]
fn another_photo_ends_all_questions() {
    let mut state = segmented();
    let (id, ..) = sent(&state.update(Event::Boxed([1, 2, 30, 40])));
    choose(&mut state);
    assert_eq!(answer(&mut state, id, 7), []);
    assert_eq!(areas(&state), [4, 4]);
    let (_, prompt, ..) = sent(&state.update(Event::Boxed([1, 2, 30, 40])));
    assert_eq!(prompt, Prompt { points: Vec::new(), bounds: Some([1, 2, 30, 40]) });
}
