//! What is going on, and what went wrong.

use leptos::prelude::*;

use super::words::{megabytes, title};
use crate::web::app::App;
use crate::web::catalogue::CATALOGUE;
use crate::web::protocol::{Failure, FailureKind, Progress};
use crate::web::state::{AppState, Event, Status};

/// One line of status with its progress, and the failure if there is one.
#[component]
pub(super) fn StatusBar(app: App) -> impl IntoView {
    let state = app.state;
    let progress = Memo::new(move |_| state.with(AppState::progress));
    let failure = Memo::new(move |_| state.with(|state| state.failure.clone()));
    let notes = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.notes.clone()).unwrap_or_default())
    });
    let changing = Memo::new(move |_| state.with(|state| state.is_changing_model()));
    view! {
        <div class="status">
            <p role="status" data-testid="status" data-state=move || state.with(|state| state.status().name())>
                {move || state.with(status_words)}
            </p>
            {move || progress.get().map(|progress| match share(progress) {
                Some(share) => view! { <progress max="1" value=share.to_string() aria-label="Progress"></progress> }.into_any(),
                None => view! { <progress aria-label="Working"></progress> }.into_any(),
            })}
            <Show when=move || changing.get()>
                <button class="link" on:click=move |_| app.dispatch(Event::ModelKept)>{move || keep_words(app)}</button>
            </Show>
        </div>
        {move || notes.get().into_iter().map(|note| view! { <p class="hint" data-testid="note">{note}</p> }).collect_view()}
        {move || failure.get().map(|failure| view! { <FailureBox app failure/> })}
    }
}

/// A failure as a sentence, with the button that leads on.
#[component]
fn FailureBox(app: App, failure: Failure) -> impl IntoView {
    let way_on = match failure.kind {
        FailureKind::Photo | FailureKind::Choice => "Dismiss",
        FailureKind::Weights | FailureKind::Internal | FailureKind::Gpu => "Try again",
        FailureKind::Crashed => "Restart",
        FailureKind::Outdated => "Reload",
    };
    let take = move |_| match failure.kind {
        // A browser that cannot reload leaves the sentence on the page.
        FailureKind::Outdated => drop(window().location().reload()),
        _ => app.dispatch(Event::Retried),
    };
    let bundled = CATALOGUE[0];
    let (is_loaded, is_bundled) =
        app.state.with_untracked(|state| (state.model.is_some(), bundled.is_at(&state.wanted)));
    let other_way = match failure.kind {
        FailureKind::Weights if is_loaded => Some((keep_words(app), Event::ModelKept)),
        FailureKind::Weights if !is_bundled => {
            Some((format!("Use {}", bundled.title), Event::ModelChosen(bundled.place())))
        }
        _ => None,
    };
    view! {
        <div class="failure" role="alert" data-testid="error">
            <p>{failure.sentence.clone()}</p>
            <button on:click=take>{way_on}</button>
            {other_way.map(|(words, event)| view! {
                <button on:click=move |_| app.dispatch(event.clone())>{words}</button>
            })}
        </div>
    }
}

fn keep_words(app: App) -> String {
    let used = app.state.with_untracked(|state| state.model.as_ref().map(|model| title(&model.place)));
    format!("Keep using {}", used.unwrap_or_default())
}

fn status_words(state: &AppState) -> String {
    if let Some(progress) = state.progress() {
        return progress_words(progress);
    }
    match (state.status(), state.elapsed_ms) {
        (Status::Error, _) => "Something went wrong".into(),
        (_, Some(elapsed_ms)) => {
            let count = state.shown_count();
            let noun = if count == 1 { "object" } else { "objects" };
            format!("{count} {noun} · {:.1} s", elapsed_ms / 1000.0)
        }
        (_, None) => "Ready for a photo".into(),
    }
}

fn progress_words(progress: Progress) -> String {
    match progress {
        Progress::Probing => "Getting ready…".into(),
        Progress::Downloading { done_bytes, total_bytes: Some(total) } => {
            format!("Fetching the model: {} of {}", megabytes(done_bytes), megabytes(total))
        }
        Progress::Downloading { done_bytes, total_bytes: None } => {
            format!("Fetching the model: {}", megabytes(done_bytes))
        }
        Progress::WarmingUp => "Warming up…".into(),
        Progress::Decoding => "Reading the photo…".into(),
        Progress::Segmenting => "Looking for objects…".into(),
    }
}

fn share(progress: Progress) -> Option<f64> {
    match progress {
        Progress::Downloading { done_bytes, total_bytes: Some(total @ 1..) } => {
            Some(done_bytes as f64 / total as f64)
        }
        _ => None,
    }
}
