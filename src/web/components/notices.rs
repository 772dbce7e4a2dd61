//! What went wrong, and what else is to be said: over the photo, wherever the page was scrolled to. Nothing below it moves.

use leptos::prelude::*;

use super::new_version::NewVersion;
use super::words::keep_words;
use crate::web::app::App;
use crate::web::catalogue::CATALOGUE;
use crate::web::protocol::{Failure, FailureKind};
use crate::web::state::Event;

/// The failure and the notice, if there are any.
#[component]
pub(super) fn Notices(app: App) -> impl IntoView {
    let failure = Memo::new(move |_| app.state.with(|state| state.failure.clone()));
    let notice = Memo::new(move |_| app.state.with(|state| state.notice.clone()));
    view! {
        <div class="notices">
            {move || failure.get().map(|failure| view! { <FailureBox app failure/> })}
            <div role="status">
                {move || notice.get().map(|sentence| view! {
                    <div class="notice" data-testid="notice">
                        <p>{sentence}</p>
                        <button on:click=move |_| app.dispatch(Event::Noticed(None))>"OK"</button>
                    </div>
                })}
            </div>
            <NewVersion/>
        </div>
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
