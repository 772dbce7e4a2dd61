use super::*;
use crate::web::gallery::PhotoKey;
use crate::web::protocol::{BackendChoice, FailureKind, Found, Presence, Reply, Size};
use crate::web::state::Event;
use crate::web::state::testing::loaded;

/// A state with three photos whose objects are known, and the first request for a file of them.
fn begun() -> (AppState, RequestId) {
    let mut state = loaded(BackendChoice::Auto);
    let photos = (0..3).map(|key| (PhotoKey(key), format!("{key}.jpg"))).collect();
    let effects = state.update(Event::PhotosChosen(photos));
    let [Effect::SendPhoto { id, .. }] = effects[..] else { panic!("{effects:?}") };
    let size = Size { width: 2, height: 2 };
    state.update(Event::Replied(Reply::Decoded { id, photo: size, view: size, notes: Vec::new() }));
    let cat = Found { score: 0.9, presence: Presence::Visible, ..Found::deleted() };
    state.update(Event::Replied(Reply::Segmented { id, instances: vec![cat], elapsed_ms: 1.0 }));
    (1..3).for_each(|key| state.gallery.set(PhotoKey(key), Standing::Done(1)));
    let effects = state.update(Event::CollectionWanted(Product::Everything, PictureFormat::Png));
    let [Effect::DropParts, Effect::SendCollect { id, step: CollectStep::Begin { .. } }] = effects[..] else {
        panic!("{effects:?}")
    };
    (state, id)
}

fn collected(state: &mut AppState, id: RequestId, name: Option<&str>) -> Vec<Effect> {
    state.update(Event::Replied(Reply::Collected { id, file_name: name.map(str::to_owned) }))
}

fn sent(effects: &[Effect]) -> (RequestId, CollectStep) {
    match effects.last() {
        Some(Effect::SendCollect { id, step }) => (*id, step.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_of_all_photos_is_made_of_one_after_another() {
    let (mut state, mut id) = begun();
    for key in 0..3 {
        let (next, step) = sent(&collected(&mut state, id, None));
        assert_eq!(step, CollectStep::Add { key: PhotoKey(key), name: format!("{key}.jpg") });
        id = next;
    }
    assert_eq!(state.taking(), [Sentence::MakingOfPhotos { at: 3, count: 3 }]);
    let (id, step) = sent(&collected(&mut state, id, None));
    assert_eq!(step, CollectStep::Finish);
    let effects = collected(&mut state, id, Some("all.zip"));
    assert_eq!(effects, [Effect::KeepPart, Effect::SaveParts("all.zip".into())]);
    assert_eq!(state.taking(), [Sentence::Saved { name: "all.zip".into() }]);
}

#[test]
fn photos_that_cannot_be_taken_in_are_named() {
    let (mut state, id) = begun();
    let (id, _) = sent(&collected(&mut state, id, None));
    state.update(Event::PhotoRemoved(PhotoKey(1)));
    let gone = Sentence::PhotoGone { name: "0.jpg".into() };
    let failure = Failure::new(FailureKind::Photo, gone.clone());
    let (id, step) = sent(&state.update(Event::Replied(Reply::Failed { id, failure })));
    assert_eq!(step, CollectStep::Add { key: PhotoKey(2), name: "2.jpg".into() }, "the second went");
    let (id, _) = sent(&collected(&mut state, id, None));
    collected(&mut state, id, Some("all.zip"));
    assert_eq!(state.taking(), [Sentence::Saved { name: "all.zip".into() }, Sentence::LeftOut, gone]);
}
