//! Which model finds the objects, and where to get another.

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

/// The model in use; opened, the others.
#[component]
pub(super) fn ModelMenu(app: App) -> impl IntoView {
    let state = app.state;
    let menu = NodeRef::<Details>::new();
    let close = move || menu.get_untracked().into_iter().for_each(|menu| menu.set_open(false));
    let place = Memo::new(move |_| {
        state.with(|state| state.model.as_ref().map_or(&state.wanted, |model| &model.place).clone())
    });
    let facts = Memo::new(move |_| state.with(|state| state.model.as_ref().map(facts)).unwrap_or_default());
    view! {
        <details class="model" data-testid="model-menu" node_ref=menu>
            <summary>
                <span class="caption">"Model"</span>
                <span class="title">{move || title(&place.get())}</span>
                <span class="facts" data-testid="model-facts">{facts}</span>
            </summary>
            <ul class="models" aria-label="Models of the menu">
                {CATALOGUE.map(|listed| view! { <ModelOption app listed place close/> }).into_iter().collect_view()}
            </ul>
            <HubName
                app
                choose=move |place: Place| {
                    close();
                    app.dispatch(Event::ModelChosen(place));
                }
                id="hub-name"
                caption="Another model from the Hugging Face Hub"
                example="owner/name"
            />
            <OpenWeights app close/>
            <p class="hint">
                "Models from the Hub are downloaded straight to your browser, under their authors' licences. Encoders alone, such \
                as Meta's MAE (CC BY-NC 4.0, not for commercial use), find objects only after fine-tuning."
            </p>
            <Backend app/>
            <Measure app/>
            <Labels app/>
        </details>
    }
}

/// Where the model runs.
#[component]
fn Backend(app: App) -> impl IntoView {
    let backend = Memo::new(move |_| app.state.with(|state| state.backend));
    let choices = [
        (BackendChoice::Auto, "Whatever is fastest"),
        (BackendChoice::WebGpu, "The graphics processor (WebGPU)"),
        (BackendChoice::Cpu, "The CPU"),
    ];
    let chosen = move |event| {
        app.dispatch(Event::BackendChosen(BackendChoice::from_query(Some(&event_target_value(&event)))));
    };
    view! {
        <label class="choice">
            "Compute with"
            <select data-testid="backend-choice" on:change=chosen>
                {choices.map(|(choice, words)| view! {
                    <option value=choice.query().unwrap_or_default() selected=move || backend.get() == choice>{words}</option>
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
    let accuracy =
        listed.accuracy.map(|percent| format!("accuracy {percent:.1} (AP50) · ")).unwrap_or_default();
    let facts =
        format!("{} · {labels} labels · {accuracy}{licence} · {}", megabytes(bytes), origin(&listed.place()));
    view! {
        <li>
            <button
                data-testid="model-option"
                data-model=listed.id()
                aria-current=move || is_used.get().then_some("true")
                on:click=choose
            >
                <span class="title">{listed.title}</span>
                <span class="about">{listed.about}</span>
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
            Err(reason) => app.refuse(FailureKind::Choice, format!("{reason}.")),
        }
    };
    view! {
        <form class="hub" on:submit=submit novalidate>
            <label for=id>{caption}</label>
            <input
                id=id
                data-testid=id
                node_ref=input
                placeholder=example
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            />
            <button>"Load"</button>
        </form>
    }
}

/// A picker for a folder of this device; dropping one works anywhere on the page.
#[component]
fn OpenWeights(app: App, close: impl Fn() + Copy + 'static) -> impl IntoView {
    let input = NodeRef::<Input>::new();
    let picked = move |_| {
        if let Some(input) = input.get_untracked() {
            app.take(Dropped::picked(input.files().as_ref()));
            // The same folder may be picked again.
            input.set_value("");
            close();
        }
    };
    view! {
        <label class="open">
            <input type="file" data-testid="open-weights" node_ref=input prop:webkitdirectory=true multiple on:change=picked/>
            <span class="button">"Open a folder of weights"</span>
            <span class="hint">"or drop it on the page"</span>
        </label>
    }
}

/// What the model in use has names for.
#[component]
fn Labels(app: App) -> impl IntoView {
    let labels = Memo::new(move |_| {
        app.state.with(|state| state.model.as_ref().map(|model| model.labels.join(", "))).unwrap_or_default()
    });
    view! {
        <Show when=move || !labels.with(String::is_empty)>
            <details class="labels">
                <summary>"Labels it knows"</summary>
                <p data-testid="model-labels">{labels}</p>
            </details>
        </Show>
    }
}

/// `12 labels · 11.9 MB · bundled`
fn facts(model: &ModelInfo) -> String {
    let labels = model.labels.len();
    let noun = if labels == 1 { "label" } else { "labels" };
    format!("{labels} {noun} · {} · {}", megabytes(model.weight_bytes), origin(&model.place))
}
