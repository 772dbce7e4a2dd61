//! The photos of this visit as a strip of thumbnails, with controls for those that wait.

use std::slice;

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::gallery::{Gallery, PhotoKey, Standing};
use crate::web::state::{AppState, Event};

/// The strip, shown once there are several photos.
#[component]
pub(super) fn Strip(app: App) -> impl IntoView {
    // A memo, so that other changes of the state do not update the items of all photos.
    let gallery = Memo::new(move |_| app.state.with(|state| state.gallery.clone()));
    let keys = Memo::new(move |_| {
        gallery.with(|gallery| gallery.entries().iter().map(|entry| entry.key).collect::<Vec<_>>())
    });
    view! {
        <Show when=move || keys.with(|keys| keys.len() > 1)>
            <section class="gallery" aria-label=app.says("photos")>
                <Progress app gallery/>
                <ul class="strip" data-testid="strip">
                    <For each=move || keys.get() key=|key| *key children=move |key| view! { <Item app gallery key/> }/>
                </ul>
            </section>
        </Show>
    }
}

/// One photo: a button that shows it, and one that removes it.
#[component]
fn Item(app: App, gallery: Memo<Gallery>, key: PhotoKey) -> impl IntoView {
    let entry = Memo::new(move |_| gallery.with(|gallery| gallery.entry(key).cloned()));
    let name = Memo::new(move |_| {
        entry.with(|entry| entry.as_ref().map_or_else(String::new, |entry| entry.name.clone()))
    });
    let is_shown = Memo::new(move |_| app.state.with(|state| shown(state) == Some(key)));
    let live = Memo::new(move |_| app.state.with(|state| live_count(state, key)));
    let standing = Memo::new(move |_| match live.get() {
        Some(count) => Some(Standing::Done(count)),
        None => entry.with(|entry| entry.as_ref().map(|entry| entry.standing.clone())),
    });
    let picture = move || app.thumbnails.with(|all| all.get(&key).cloned());
    let told = move || {
        let standing = standing.with(|standing| words(app, standing.as_ref()));
        app.tells("photo-standing", [("name", name.get().into()), ("standing", standing.into())])
    };
    view! {
        <li class:current=is_shown data-testid="photo" data-standing=move || standing.with(|standing| mark(standing.as_ref()).0)>
            <button
                class="shows"
                title=told
                aria-label=told
                aria-current=move || is_shown.get().then_some("true")
                on:click=move |_| app.dispatch(Event::PhotoOpened(key))
            >
                {move || match picture() {
                    Some(address) => view! { <img src=address alt="" loading="lazy"/> }.into_any(),
                    None => view! { <span class="blank"></span> }.into_any(),
                }}
                <span class="file-name">{name}</span>
                <span class="mark" aria-hidden="true">{move || standing.with(|standing| mark(standing.as_ref()).1)}</span>
            </button>
            <button
                class="remove"
                aria-label=move || app.tells("remove-photo", [("name", name.get().into())])
                on:click=move |_| app.dispatch(Event::PhotoRemoved(key))
            >
                "×"
            </button>
        </li>
    }
}

/// The number of photos that are done, and buttons for those that wait.
#[component]
fn Progress(app: App, gallery: Memo<Gallery>) -> impl IntoView {
    let count =
        move |is_so: fn(&Standing) -> bool| Memo::new(move |_| gallery.with(|gallery| gallery.count(is_so)));
    let all = count(|_| true);
    let done = count(|standing| matches!(standing, Standing::Done(_)));
    let failed = count(|standing| matches!(standing, Standing::Failed(_)));
    let waiting = count(|standing| matches!(standing, Standing::Waiting | Standing::Working));
    let stopped = count(|standing| *standing == Standing::Stopped);
    let is_paused = Memo::new(move |_| app.state.with(|state| state.is_paused));
    let told = move || {
        let key = if failed.get() > 0 { "photos-done-some-failed" } else { "photos-done" };
        let counts = [("done", done), ("count", all), ("failed", failed)];
        app.tells(key, counts.map(|(name, count)| (name, count.get().into())))
    };
    view! {
        <div class="progress">
            <p role="status" data-testid="photos-done">{told}</p>
            <Show when=move || { waiting.get() > 0 }>
                <button class="link" data-testid="pause" on:click=move |_| app.dispatch(Event::Paused(!is_paused.get_untracked()))>
                    {move || app.text(if is_paused.get() { "resume" } else { "pause" })}
                </button>
                <button class="link" data-testid="stop" on:click=move |_| app.dispatch(Event::Stopped(true))>{app.says("stop")}</button>
            </Show>
            <Show when=move || { waiting.get() == 0 && stopped.get() > 0 }>
                <button class="link" data-testid="go-on" on:click=move |_| app.dispatch(Event::Stopped(false))>
                    {move || app.tells("go-on-with", [("count", stopped.get().into())])}
                </button>
            </Show>
        </div>
    }
}

fn shown(state: &AppState) -> Option<PhotoKey> {
    state.coming.or_else(|| state.photo.as_ref().map(|photo| photo.key))
}

/// Returns the number of objects on the photo if it is the one shown, since that changes without the gallery.
fn live_count(state: &AppState, key: PhotoKey) -> Option<usize> {
    let is_here = state.photo.as_ref().is_some_and(|photo| photo.key == key) && state.can_ask();
    is_here.then(|| state.shown_count())
}

fn words(app: App, standing: Option<&Standing>) -> String {
    match standing {
        Some(Standing::Waiting) => app.text("standing-waiting"),
        Some(Standing::Working) => app.text("standing-working"),
        Some(Standing::Done(count)) => app.tells("objects", [("count", (*count).into())]),
        Some(Standing::Failed(sentence)) => app.sentences(slice::from_ref(sentence)),
        Some(Standing::Stopped) | None => app.text("standing-stopped"),
    }
}

/// Returns the standing's value of `data-standing`, and the mark on the thumbnail.
fn mark(standing: Option<&Standing>) -> (&'static str, String) {
    match standing {
        Some(Standing::Waiting) => ("waiting", "…".into()),
        Some(Standing::Working) => ("working", "…".into()),
        Some(Standing::Done(count)) => ("done", count.to_string()),
        Some(Standing::Failed(_)) => ("failed", "!".into()),
        Some(Standing::Stopped) | None => ("stopped", "–".into()),
    }
}
