//! Controls for what is hidden, how it is shown, by which model, and what to save.

use std::slice;

use leptos::html::Details;
use leptos::prelude::*;

use super::super::model_menu::HubName;
use super::super::status_bar::{Bar, is_ready, progress_words};
use super::super::words::{megabytes, origin, title};
use super::figures::Figures;
use crate::web::app::App;
use crate::web::place::Place;
use crate::web::protocol::{RedrawModel, Sampling};
use crate::web::state::{AppState, Event, PRETRAINED, RedrawEvent};

/// The ways to hide patches, and the text keys of their names.
const WAYS: [(Option<Sampling>, &str, &str); 4] = [
    (Some(Sampling::Random), "way-random", "way-random-about"),
    (Some(Sampling::Block), "way-block", "way-block-about"),
    (Some(Sampling::Grid), "way-grid", "way-grid-about"),
    (None, "way-by-hand", "way-by-hand-about"),
];

/// The panel beside the pictures.
#[component]
pub(in crate::web::components) fn RedrawPanel(app: App) -> impl IntoView {
    let state = app.state;
    let failure = Memo::new(move |_| state.with(|state| state.redraw.failure.clone()));
    let progress =
        Memo::new(move |_| state.with(|state| state.redraw.progress().or_else(|| state.progress())));
    view! {
        <p class="hint">
            {app.says("redraw-about")}
        </p>
        <RedrawModelMenu app/>
        <div class="status">
            <p role="status" data-testid="redraw-status">{move || state.with(|state| words(app, state))}</p>
            <Bar app progress/>
        </div>
        {move || failure.get().map(|failure| view! {
            <div class="failure" role="alert" data-testid="redraw-error">
                <p>{move || app.sentences(slice::from_ref(&failure.sentence))}</p>
                <button on:click=move |_| app.dispatch(Event::Redraw(RedrawEvent::Retried))>{app.says("try-again")}</button>
            </div>
        })}
        <Figures app/>
        <Ways app/>
        <TakeHome app/>
    }
}

/// Returns the text of the current status.
fn words(app: App, state: &AppState) -> String {
    let redraw = &state.redraw;
    if let Some(progress) = redraw.progress().or_else(|| state.progress()) {
        return progress_words(app, progress);
    }
    match &redraw.drawn[..] {
        _ if redraw.failure.is_some() => app.text("nothing-drawn"),
        [one] => app.tells("drawn-in", [("first", one.elapsed_ms.into())]),
        [one, other, ..] => {
            let times = [("first", one.elapsed_ms.into()), ("second", other.elapsed_ms.into())];
            app.tells("both-drawn-in", times)
        }
        [] if !is_ready(state) => app.text("not-ready"),
        [] if state.can_ask() => app.text("drawing-now"),
        [] => app.text("ready"),
    }
}

/// Controls for which patches are hidden, and how the drawing is shown.
#[component]
fn Ways(app: App) -> impl IntoView {
    let state = app.state;
    let send = move |event| app.dispatch(Event::Redraw(event));
    let way = Memo::new(move |_| {
        state.with(|state| state.redraw.by_hand.is_none().then_some(state.redraw.sampling))
    });
    let nothing = Memo::new(move |_| state.with(|state| state.redraw.drawn.is_empty()));
    let choose = move |way: Option<Sampling>| match way {
        Some(sampling) => {
            send(RedrawEvent::ByHand(false));
            send(RedrawEvent::SamplingChosen(sampling));
        }
        None => send(RedrawEvent::ByHand(true)),
    };
    let by_hand = move || way.get().is_none();
    view! {
        <div class="ways" role="group" aria-label=app.says("ways")>
            <div class="segments">
                {WAYS.map(|(each, key, about)| view! {
                    <button
                        title=app.says(about)
                        data-way=key
                        disabled=move || each.is_none() && nothing.get()
                        aria-pressed=move || (way.get() == each).to_string()
                        on:click=move |_| choose(each)
                    >{app.says(key)}</button>
                }).into_iter().collect_view()}
            </div>
            <Show when=by_hand fallback=move || view! {
                <div class="buttons">
                    <button data-testid="redraw-seed" on:click=move |_| send(RedrawEvent::SeedChanged)>{app.says("other-patches")}</button>
                </div>
            }>
                <p class="hint">{app.says("paint-hint")}</p>
                <div class="buttons">
                    <button data-testid="redraw-none" on:click=move |_| send(RedrawEvent::Painted(all(app), false))>{app.says("show-all")}</button>
                    <button data-testid="redraw-all" on:click=move |_| send(RedrawEvent::Painted(all(app), true))>{app.says("hide-all")}</button>
                </div>
            </Show>
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="redraw-compare"
                    disabled=by_hand
                    prop:checked=move || state.with(|state| state.redraw.compares)
                    on:change=move |event| send(RedrawEvent::Compared(event_target_checked(&event)))
                />
                <span>{app.says("compare")}</span>
            </label>
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="redraw-paste"
                    prop:checked=move || state.with(|state| state.redraw.pastes)
                    on:change=move |event| send(RedrawEvent::Pasted(event_target_checked(&event)))
                />
                <span>{app.says("keep-seen")}</span>
            </label>
        </div>
    }
}

/// Returns the indices of all patches.
fn all(app: App) -> Vec<usize> {
    app.state.with_untracked(|state| (0..state.redraw.by_hand.as_ref().map_or(0, Vec::len)).collect())
}

/// Buttons to save a picture or an animation.
#[component]
fn TakeHome(app: App) -> impl IntoView {
    let state = app.state;
    let nothing = Memo::new(move |_| state.with(|state| state.redraw.drawn.is_empty() || !state.can_ask()));
    let by_hand = Memo::new(move |_| state.with(|state| state.redraw.by_hand.is_some()));
    let save = move |moves| move |_| app.dispatch(Event::Redraw(RedrawEvent::SaveWanted { moves }));
    view! {
        <fieldset class="save" disabled=nothing>
            <legend>{app.says("save")}</legend>
            <div class="downloads">
                <button title=app.says("save-picture-about") data-testid="redraw-save" on:click=save(false)>
                    {app.says("save-picture")}
                </button>
                <button
                    title=app.says("save-animation-about")
                    disabled=by_hand
                    data-testid="redraw-animate"
                    on:click=save(true)
                >
                    {app.says("save-animation")}
                </button>
            </div>
            <p class="hint" role="status" data-testid="redraw-taken">{move || app.sentences(&state.with(AppState::taking))}</p>
        </fieldset>
    }
}

/// The model that draws; when opened, a way to choose another.
#[component]
fn RedrawModelMenu(app: App) -> impl IntoView {
    let state = app.state;
    let menu = NodeRef::<Details>::new();
    let place = Memo::new(move |_| {
        state.with(|state| state.redraw.place.clone()).unwrap_or_else(|| Place::Site(PRETRAINED.into()))
    });
    let facts = Memo::new(move |_| {
        state.with(|state| state.redraw.model.as_ref().map(|model| facts(app, model))).unwrap_or_default()
    });
    let choose = move |place| {
        menu.get_untracked().into_iter().for_each(|menu| menu.set_open(false));
        app.dispatch(Event::Redraw(RedrawEvent::ModelChosen(place)));
    };
    view! {
        <details class="model" node_ref=menu data-testid="redraw-model">
            <summary>
                <span class="caption">{app.says("drawn-by")}</span>
                <span class="title">{move || title(app, &place.get())}</span>
                <span class="facts" data-testid="redraw-facts">{facts}</span>
            </summary>
            <HubName app choose id="redraw-name" caption="redraw-hub-name" example="facebook/vit-mae-base"/>
            <p class="hint">
                {app.says("redraw-terms")}
            </p>
        </details>
    }
}

/// Formats facts such as `14 × 14 patches · 16.3 MB · bundled`.
fn facts(app: App, model: &RedrawModel) -> String {
    let patches = app.tells("patches", [("side", model.grid.into())]);
    let is_bundled = model.place == Place::Site(PRETRAINED.into());
    let from = if is_bundled { app.text("bundled") } else { origin(app, &model.place) };
    [patches, megabytes(app, model.weight_bytes), from].join(" · ")
}
