//! What is going on.

use leptos::prelude::*;

use super::words::{keep_words, megabytes};
use crate::web::app::App;
use crate::web::protocol::Progress;
use crate::web::state::{AppState, Event, Status};

/// So many objects are named.
const MOST_NAMED: usize = 10;

/// One line of status with its progress.
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
                {move || state.with(status_words)}
            </p>
            <p class="unseen" role="status" data-testid="found">{move || state.with(found_words)}</p>
            <Bar progress/>
            <Show when=move || changing.get()>
                <button class="link" on:click=move |_| app.dispatch(Event::ModelKept)>{move || keep_words(app)}</button>
            </Show>
        </div>
        {move || notes.get().into_iter().map(|note| view! { <p class="hint" data-testid="note">{note}</p> }).collect_view()}
    }
}

/// How far it is; it keeps its place when nothing is worked on: what is below does not move.
#[component]
pub(super) fn Bar(progress: Memo<Option<Progress>>) -> impl IntoView {
    move || match progress.get().map(share) {
        Some(Some(share)) => {
            view! { <progress max="1" value=share.to_string() aria-label="Progress"></progress> }.into_any()
        }
        Some(None) => view! { <progress aria-label="Working"></progress> }.into_any(),
        None => view! { <div class="no-progress"></div> }.into_any(),
    }
}

/// The objects by name, for those who do not see them.
fn found_words(state: &AppState) -> String {
    let shown = state.instances.iter().enumerate().filter(|(index, _)| state.is_listed(*index));
    let named: Vec<String> = shown
        .take(MOST_NAMED)
        .map(|(_, found)| format!("{} {:.0} %", found.label, found.score * 100.0))
        .collect();
    named.join(", ")
}

fn status_words(state: &AppState) -> String {
    if let Some(progress) = state.progress() {
        return progress_words(progress);
    }
    match (state.status(), state.elapsed_ms) {
        (_, Some(elapsed_ms)) => {
            let count = state.shown_count();
            let noun = if count == 1 { "object" } else { "objects" };
            // They may have been known before.
            let took =
                if elapsed_ms > 0.0 { format!(" · {:.1} s", elapsed_ms / 1000.0) } else { String::new() };
            format!("{count} {noun}{took}")
        }
        (Status::Error, None) => "Something went wrong".into(),
        (_, None) => "Ready for a photo".into(),
    }
}

pub(super) fn progress_words(progress: Progress) -> String {
    match progress {
        Progress::Starting { done_bytes, total_bytes: Some(total) } => {
            format!("Fetching the program: {} of {}", megabytes(done_bytes), megabytes(total))
        }
        Progress::Starting { total_bytes: None, .. } => "Fetching the program…".into(),
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
        Progress::Starting { done_bytes, total_bytes: Some(total @ 1..) }
        | Progress::Downloading { done_bytes, total_bytes: Some(total @ 1..) } => {
            Some(done_bytes as f64 / total as f64)
        }
        _ => None,
    }
}
