//! The status of the app.

use std::slice;

use leptos::prelude::*;

use super::words::{keep_words, megabytes, named};
use crate::web::app::App;
use crate::web::protocol::{Failure, FailureKind, Progress};
use crate::web::state::{AppState, Event, Status};

/// Maximum number of objects that are named.
const MOST_NAMED: usize = 10;

/// One line of status with a progress bar.
#[component]
pub(super) fn StatusBar(app: App) -> impl IntoView {
    let state = app.state;
    let progress = Memo::new(move |_| state.with(AppState::progress));
    let notes = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.notes.clone()).unwrap_or_default())
    });
    let changing = Memo::new(move |_| state.with(|state| state.is_changing_model()));
    view! {
        <div class="status">
            <p role="status" data-testid="status" data-state=move || state.with(|state| state.status().name())>
                {move || state.with(|state| status_words(app, state))}
            </p>
            <p class="unseen" role="status" data-testid="found">{move || state.with(|state| found_words(app, state))}</p>
            <Bar app progress/>
            <Show when=move || changing.get()>
                <button class="link" on:click=move |_| app.dispatch(Event::ModelKept)>{move || keep_words(app)}</button>
            </Show>
        </div>
        {move || notes.get().into_iter().map(|note| view! { <p class="hint" data-testid="note">{move || app.sentences(slice::from_ref(&note))}</p> }).collect_view()}
    }
}

/// The progress bar, which keeps its space while nothing is in progress, so that nothing below it moves.
#[component]
pub(super) fn Bar(app: App, progress: Memo<Option<Progress>>) -> impl IntoView {
    move || match progress.get().map(share) {
        Some(Some(share)) => {
            view! { <progress max="1" value=share.to_string() aria-label=app.says("progress")></progress> }
                .into_any()
        }
        Some(None) => view! { <progress aria-label=app.says("working")></progress> }.into_any(),
        None => view! { <div class="no-progress"></div> }.into_any(),
    }
}

/// Lists the objects by name for screen readers.
fn found_words(app: App, state: &AppState) -> String {
    let shown = state.instances.iter().enumerate().filter(|(index, _)| state.is_listed(*index));
    let named: Vec<String> = shown.take(MOST_NAMED).map(|(_, found)| named(app, found)).collect();
    named.join(&app.text("list-separator"))
}

fn status_words(app: App, state: &AppState) -> String {
    if let Some(progress) = state.progress() {
        return progress_words(app, progress);
    }
    let count = ("count", state.shown_count().into());
    match state.elapsed_ms {
        // The objects were known before.
        Some(0.0) => app.tells("objects", [count]),
        Some(elapsed_ms) => app.tells("objects-in", [count, ("seconds", (elapsed_ms / 1000.0).into())]),
        None if is_ready(state) => app.text("ready"),
        None => app.text("not-ready"),
    }
}

/// Returns whether a photo can be segmented, whatever was wrong with the last one.
pub(super) fn is_ready(state: &AppState) -> bool {
    let is_photo = |failure: &Failure| matches!(failure.kind, FailureKind::Photo | FailureKind::Choice);
    state.status() != Status::Error || state.model.is_some() && state.failure.as_ref().is_some_and(is_photo)
}

pub(super) fn progress_words(app: App, progress: Progress) -> String {
    let size = |bytes| megabytes(app, bytes).into();
    match progress {
        Progress::Starting { done_bytes, total_bytes: Some(total) } => {
            app.tells("starting-of", [("done", size(done_bytes)), ("total", size(total))])
        }
        Progress::Starting { total_bytes: None, .. } => app.text("starting"),
        Progress::Probing => app.text("getting-ready"),
        Progress::Downloading { done_bytes, total_bytes: Some(total) } => {
            app.tells("downloading-of", [("done", size(done_bytes)), ("total", size(total))])
        }
        Progress::Downloading { done_bytes, total_bytes: None } => {
            app.tells("downloading", [("done", size(done_bytes))])
        }
        Progress::WarmingUp => app.text("warming-up"),
        Progress::Decoding => app.text("reading-photo"),
        Progress::Segmenting => app.text("looking"),
    }
}

fn share(progress: Progress) -> Option<f64> {
    match progress {
        Progress::Starting { done_bytes, total_bytes: Some(total @ 1..) }
        | Progress::Downloading { done_bytes, total_bytes: Some(total @ 1..) } => {
            Some(done_bytes as f64 / total as f64)
        }
        _ => None,
    }
}
