//! A model with better masks, offered once.

use js_sys::Reflect;
use leptos::prelude::*;

use super::words::megabytes;
use crate::web::app::App;
use crate::web::catalogue::{BETTER, CATALOGUE, Listed};
use crate::web::dom;
use crate::web::state::{AppState, Event, Status};

/// The `localStorage` key that is set once the offer was answered.
const ANSWERED: &str = "mae-seg-offer";

/// The offer, after the first result of a bundled model.
#[component]
pub(super) fn Offer(app: App) -> impl IntoView {
    let is_answered = RwSignal::new(dom::remembered(ANSWERED).is_some());
    let is_due = Memo::new(move |_| !is_answered.get() && app.state.with(is_due));
    let answer = move || {
        is_answered.set(true);
        dom::remember(ANSWERED, Some("yes"));
    };
    let Listed { title, bytes, licence, .. } = BETTER;
    view! {
        <Show when=move || is_due.get()>
            <div class="offer" data-testid="offer">
                <p>{move || app.tells("offer", [
                    ("model", title.into()),
                    ("size", megabytes(app, bytes).into()),
                    ("licence", app.text(licence).into()),
                ])}</p>
                <button on:click=move |_| { answer(); app.dispatch(Event::ModelChosen(BETTER.place())); }>{app.says("use-it")}</button>
                <button on:click=move |_| answer()>{app.says("no-thanks")}</button>
            </div>
        </Show>
    }
}

fn is_due(state: &AppState) -> bool {
    let is_bundled = state
        .model
        .as_ref()
        .is_some_and(|model| CATALOGUE[..2].iter().any(|listed| listed.is_at(&model.place)));
    let is_online =
        Reflect::get(&window().navigator(), &"onLine".into()).is_ok_and(|online| online.is_truthy());
    is_bundled && is_online && state.elapsed_ms.is_some() && state.status() == Status::Ready
}
