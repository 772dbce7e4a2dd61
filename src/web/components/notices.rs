//! Failures and notices, shown over the photo wherever the page is scrolled to, without moving anything
//! below.

use std::slice;

use leptos::prelude::*;

use super::new_version::NewVersion;
use super::words::keep_words;
use crate::web::app::App;
use crate::web::catalogue::CATALOGUE;
use crate::web::protocol::{Failure, FailureKind};
use crate::web::state::Event;

/// The failure and the notice, if any.
#[component]
pub(super) fn Notices(app: App) -> impl IntoView {
    let failure = Memo::new(move |_| app.state.with(|state| state.failure.clone()));
    let notice = Memo::new(move |_| app.state.with(|state| state.notice.clone()));
    view! {
        <div class="notices">
            {move || failure.get().map(|failure| view! { <FailureBox app failure/> })}
            <div role="status">
                {move || Some(notice.get()).filter(|said| !said.is_empty()).map(|said| view! {
                    <div class="notice" data-testid="notice">
                        <p>{move || app.sentences(&said)}</p>
                        <button on:click=move |_| app.dispatch(Event::Noticed(Vec::new()))>{app.says("ok")}</button>
                    </div>
                })}
            </div>
            <NewVersion app/>
        </div>
    }
}

/// A failure as a sentence, with buttons to continue.
#[component]
fn FailureBox(app: App, failure: Failure) -> impl IntoView {
    let way_on = match failure.kind {
        FailureKind::Photo | FailureKind::Choice => "dismiss",
        FailureKind::Weights | FailureKind::Internal | FailureKind::Gpu => "try-again",
        FailureKind::Crashed => "restart",
        FailureKind::Outdated => "reload",
    };
    let take = move |_| match failure.kind {
        // In a browser that cannot reload, the sentence stays.
        FailureKind::Outdated => drop(window().location().reload()),
        _ => app.dispatch(Event::Retried),
    };
    let bundled = CATALOGUE[0];
    let (is_loaded, is_bundled) =
        app.state.with_untracked(|state| (state.model.is_some(), bundled.is_at(&state.wanted)));
    let other_way = match failure.kind {
        FailureKind::Weights if is_loaded => Some((true, Event::ModelKept)),
        FailureKind::Weights if !is_bundled => Some((false, Event::ModelChosen(bundled.place()))),
        _ => None,
    };
    view! {
        <div class="failure" role="alert" data-testid="error">
            <p>{move || app.sentences(slice::from_ref(&failure.sentence))}</p>
            <button on:click=take>{app.says(way_on)}</button>
            {other_way.map(|(keeps, event)| view! {
                <button on:click=move |_| app.dispatch(event.clone())>
                    {move || if keeps { keep_words(app) } else { app.tells("use-model", [("model", bundled.title.into())]) }}
                </button>
            })}
        </div>
    }
}
