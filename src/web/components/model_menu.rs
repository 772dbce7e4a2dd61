//! The model in use, and the choice of another one.

use leptos::html::{Details, Input};
use leptos::prelude::*;
use web_sys::SubmitEvent;

use super::measure::Measure;
use super::words::{megabytes, origin, title};
use crate::web::app::App;
use crate::web::catalogue::{CATALOGUE, Listed};
use crate::web::dropped::Dropped;
use crate::web::place::Place;
use crate::web::protocol::{BackendChoice, FailureKind, ModelInfo};
use crate::web::state::Event;

/// The model in use; when opened, the others.
#[component]
pub(super) fn ModelMenu(app: App) -> impl IntoView {
    let state = app.state;
    let menu = NodeRef::<Details>::new();
    let close = move || menu.get_untracked().into_iter().for_each(|menu| menu.set_open(false));
    let place = Memo::new(move |_| {
        state.with(|state| state.model.as_ref().map_or(&state.wanted, |model| &model.place).clone())
    });
    let facts = Memo::new(move |_| {
        state.with(|state| state.model.as_ref().map(|model| facts(app, model))).unwrap_or_default()
    });
    view! {
        <details class="model" data-testid="model-menu" node_ref=menu>
            <summary>
                <span class="caption">{app.says("model")}</span>
                <span class="title">{move || title(app, &place.get())}</span>
                <span class="facts" data-testid="model-facts">{facts}</span>
            </summary>
            <ul class="models" aria-label=app.says("models")>
                {CATALOGUE.map(|listed| view! { <ModelOption app listed place close/> }).into_iter().collect_view()}
            </ul>
            <HubName
                app
                choose=move |place: Place| {
                    close();
                    app.dispatch(Event::ModelChosen(place));
                }
                id="hub-name"
                caption="hub-name"
                example="owner/name"
            />
            <OpenWeights app close/>
            <p class="hint">
                {app.says("hub-terms")}
            </p>
            <Backend app/>
            <Measure app/>
            <Labels app/>
        </details>
    }
}

/// The choice of the device to compute on.
#[component]
fn Backend(app: App) -> impl IntoView {
    let backend = Memo::new(move |_| app.state.with(|state| state.backend));
    let choices = [
        (BackendChoice::Auto, "compute-fastest"),
        (BackendChoice::WebGpu, "compute-gpu"),
        (BackendChoice::Cpu, "compute-cpu"),
    ];
    let chosen = move |event| {
        app.dispatch(Event::BackendChosen(BackendChoice::from_query(Some(&event_target_value(&event)))));
    };
    view! {
        <label class="choice">
            {app.says("compute-with")}
            <select data-testid="backend-choice" on:change=chosen>
                {choices.map(|(choice, key)| view! {
                    <option value=choice.query().unwrap_or_default() selected=move || backend.get() == choice>{app.says(key)}</option>
                }).into_iter().collect_view()}
            </select>
        </label>
    }
}

/// A model of the catalogue, and what to know before its download.
#[component]
fn ModelOption(
    app: App,
    listed: Listed,
    place: Memo<Place>,
    close: impl Fn() + Copy + 'static,
) -> impl IntoView {
    let is_used = Memo::new(move |_| listed.is_at(&place.get()));
    let choose = move |_| {
        close();
        if !listed.is_at(&app.state.with_untracked(|state| state.wanted.clone())) || !is_used.get_untracked()
        {
            app.dispatch(Event::ModelChosen(listed.place()));
        }
    };
    let Listed { bytes, labels, licence, .. } = listed;
    let facts = move || {
        let size = megabytes(app, bytes);
        let labels = app.tells("labels", [("count", labels.into())]);
        let accuracy = listed.accuracy.map(|percent| app.tells("accuracy", [("percent", percent.into())]));
        let end = [app.text(licence), origin(app, &listed.place())];
        [size, labels].into_iter().chain(accuracy).chain(end).collect::<Vec<_>>().join(" · ")
    };
    view! {
        <li>
            <button
                data-testid="model-option"
                data-model=listed.id()
                aria-current=move || is_used.get().then_some("true")
                on:click=choose
            >
                <span class="title">{listed.title}</span>
                <span class="about">{app.says(listed.about)}</span>
                <span class="facts">{facts}</span>
            </button>
        </li>
    }
}

/// A field for the name of any model on the Hub.
#[component]
pub(super) fn HubName(
    app: App,
    choose: impl Fn(Place) + Copy + 'static,
    id: &'static str,
    caption: &'static str,
    example: &'static str,
) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let text = input.get_untracked().map(|input| input.value()).unwrap_or_default();
        match Place::parse_hub_name(&text) {
            Ok(place) => choose(place),
            Err(reason) => app.refuse(FailureKind::Choice, reason),
        }
    };
    view! {
        <form class="hub" on:submit=submit novalidate>
            <label for=id>{app.says(caption)}</label>
            <input
                id=id
                data-testid=id
                node_ref=input
                placeholder=example
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            />
            <button>{app.says("load")}</button>
        </form>
    }
}

/// A picker for a folder on this device; dropping one works anywhere on the page.
#[component]
fn OpenWeights(app: App, close: impl Fn() + Copy + 'static) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let picked = move |_| {
        if let Some(input) = input.get_untracked() {
            app.take(Dropped::picked(input.files().as_ref()));
            // Allows the same folder to be picked again.
            input.set_value("");
            close();
        }
    };
    view! {
        <label class="open">
            <input type="file" data-testid="open-weights" node_ref=input prop:webkitdirectory=true multiple on:change=picked/>
            <span class="button">{app.says("open-model")}</span>
            <span class="hint">{app.says("open-model-hint")}</span>
        </label>
    }
}

/// The labels of the model in use.
#[component]
fn Labels(app: App) -> impl IntoView {
    let labels = Memo::new(move |_| {
        let labels = app.state.with(|state| state.model.as_ref().map(|model| model.labels.clone()));
        let named: Vec<String> = labels.iter().flatten().map(|label| app.label(label)).collect();
        named.join(&app.text("list-separator"))
    });
    view! {
        <Show when=move || !labels.with(String::is_empty)>
            <details class="labels">
                <summary>{app.says("known-labels")}</summary>
                <p data-testid="model-labels">{labels}</p>
            </details>
        </Show>
    }
}

/// Formats facts such as `12 labels · 11.9 MB · bundled`.
fn facts(app: App, model: &ModelInfo) -> String {
    let labels = app.tells("labels", [("count", model.labels.len().into())]);
    [labels, megabytes(app, model.weight_bytes), origin(app, &model.place)].join(" · ")
}
