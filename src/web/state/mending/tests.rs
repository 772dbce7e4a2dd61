use super::*;
use crate::web::document::{Action, Edit};
use crate::web::protocol::{BackendChoice, Reply, Size};
use crate::web::state::testing::loaded;
use crate::web::state::{Aim, Event, Gesture};

/// A state with a photo of 200 × 100 pixels on which three objects were found, the last one below the
/// threshold.
fn segmented() -> AppState {
    let mut state = loaded(BackendChoice::Cpu);
    let chosen = state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "a.jpg".into())]));
    let Some(Effect::SendPhoto { id, .. }) = chosen.last().cloned() else { panic!("{chosen:?}") };
    let size = Size { width: 200, height: 100 };
    state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    let instances = vec![found(0.9, 10), found(0.5, 60), found(0.1, 90)];
    let effects = state.update(Event::Replied(Reply::Segmented { id, instances, elapsed_ms: 1.0 }));
    painted(&mut state, &effects);
    state
}

fn painted(state: &mut AppState, effects: &[Effect]) {
    let Some(Effect::Send(Request::Paint { id, .. })) = effects.last() else { panic!("{effects:?}") };
    state.update(Event::Replied(Reply::Painted { id: *id, history: [true, false] }));
}

/// An object 20 pixels wide and high whose left side is at `x`.
fn found(score: f32, x: usize) -> Found {
    let (label, bbox, presence) = ("cat".into(), [x, 10, 20, 20], Presence::Visible);
    Found { label, score, area: 400, bbox, runs: 3, asked: false, presence }
}

fn selected(state: &AppState) -> Vec<usize> {
    state.selected.iter().copied().collect()
}

fn delete(places: &[usize]) -> Event {
    Event::EditWanted(Edit { places: places.to_vec(), action: Action::Delete })
}

fn sent(effects: &[Effect]) -> RequestId {
    match effects {
        [Effect::Send(Request::Edit { id, .. } | Request::Undo { id } | Request::Redo { id })] => *id,
        other => panic!("{other:?}"),
    }
}

fn answer(state: &mut AppState, id: RequestId, changed: &[(usize, Found)], count: usize) -> Vec<Effect> {
    let (places, instances) = changed.iter().cloned().unzip();
    state.update(Event::Replied(Reply::Edited { id, places, instances, count }))
}

#[test]
fn several_are_picked_one_by_one_by_a_box_and_all_at_once() {
    let mut state = segmented();
    state.update(Event::Toggled(1));
    state.update(Event::Toggled(0));
    assert_eq!((selected(&state), state.selected_one()), (vec![0, 1], None));
    state.update(Event::Toggled(1));
    assert_eq!((selected(&state), state.selected_one()), (vec![0], Some(0)));
    state.update(Event::Picked(Some(0)));
    assert_eq!(selected(&state), [0; 0], "a second click lets go");
    state.update(Event::PickedInside([50, 0, 150, 40]));
    assert_eq!(selected(&state), [1], "wholly inside and shown");
    state.update(Event::PickedInside([15, 0, 50, 40]));
    assert_eq!(selected(&state), [1]);
    state.update(Event::AllPicked);
    assert_eq!(selected(&state), [0, 1], "what is shown");
    let over = Aim { pixel: [70, 15], over: Some(1), gesture: Gesture::Add };
    state.update(Event::Clicked(over));
    assert_eq!(selected(&state), [0]);
    state.update(Event::Dismissed);
    assert!(state.selected.is_empty());
}

#[test]
fn what_is_deleted_is_neither_shown_nor_picked_and_comes_back_picked() {
    let mut state = segmented();
    state.update(Event::AllPicked);
    let id = sent(&state.update(delete(&[1])));
    let effects = answer(&mut state, id, &[(1, Found::deleted())], 3);
    assert_eq!(effects[0], Effect::ReplaceMasks { masks: vec![(1, 0)], count: 3 });
    assert_eq!((selected(&state), state.is_shown(1), state.shown_count()), (vec![0], false, 1));
    let id = sent(&state.update(Event::UndoWanted));
    answer(&mut state, id, &[(1, found(0.5, 60))], 3);
    assert_eq!((selected(&state), state.shown_count()), (vec![1], 2));
}

#[test]
fn places_come_and_go_at_the_end() {
    let mut state = segmented();
    let id = sent(&state.update(delete(&[2])));
    answer(&mut state, id, &[(2, Found::deleted())], 2);
    assert_eq!(state.instances.len(), 2);
    let id = sent(&state.update(Event::UndoWanted));
    let new = Found { asked: true, ..found(0.1, 5) };
    answer(&mut state, id, &[(4, new)], 5);
    assert_eq!((state.instances.len(), selected(&state)), (5, vec![4]));
    assert!(!state.is_listed(3));
}

#[test]
fn hidden_objects_stay_in_the_list() {
    let mut state = segmented();
    let effects = state.update(Event::Picked(Some(0)));
    painted(&mut state, &effects);
    let id = sent(&state.update(Event::EditWanted(Edit { places: vec![0], action: Action::Hide })));
    let hidden = Found { presence: Presence::Hidden, ..found(0.9, 10) };
    let effects = answer(&mut state, id, &[(0, hidden)], 3);
    assert_eq!((state.is_listed(0), state.is_shown(0), selected(&state)), (true, false, vec![0]));
    let Some(Effect::Send(Request::Paint { selected, .. })) = effects.last() else { panic!("{effects:?}") };
    assert!(selected.is_empty(), "the photo is not darkened around nothing");
}

#[test]
fn an_edit_that_changes_nothing_says_so_until_the_next() {
    let mut state = segmented();
    let id = sent(&state.update(delete(&[])));
    answer(&mut state, id, &[], 3);
    assert!(!state.notice.is_empty());
    state.update(delete(&[0]));
    assert!(state.notice.is_empty());
}

#[test]
fn nothing_is_changed_without_a_result_or_by_answers_about_another_photo() {
    let mut state = segmented();
    let id = sent(&state.update(delete(&[0])));
    let chosen = state.update(Event::PhotosChosen(vec![(state.gallery.next_key(), "b.jpg".into())]));
    let Some(Effect::SendPhoto { id: next, .. }) = chosen.last().cloned() else { panic!("{chosen:?}") };
    let size = Size { width: 9, height: 9 };
    state.update(Event::Replied(Reply::Decoded { id: next, photo: size, view: size, notes: Vec::new() }));
    assert!(answer(&mut state, id, &[(0, Found::deleted())], 3).is_empty());
    assert!(state.update(Event::UndoWanted).is_empty());
}

#[test]
fn an_edit_ends_asking() {
    let mut state = segmented();
    let aim = Aim { pixel: [150, 50], over: None, gesture: Gesture::Pick };
    let asked = state.update(Event::Clicked(aim));
    let [Effect::Send(Request::Ask { id, .. })] = asked[..] else { panic!("{asked:?}") };
    assert!(state.update(delete(&[0])).is_empty(), "places are not certain yet");
    assert_eq!(state.notice, [Sentence::StillAnswering], "which is said");
    let instance = Found { asked: true, ..found(0.1, 140) };
    state.update(Event::Replied(Reply::Asked { id, instance, choices: 2, elapsed_ms: 1.0 }));
    sent(&state.update(delete(&[0])));
    assert_eq!(state.choice(), None);
    let again = state.update(Event::Clicked(aim));
    assert!(matches!(again[..], [Effect::Send(Request::Ask { replaces: false, .. })]), "{again:?}");
}
