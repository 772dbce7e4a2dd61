//! The objects, best first.

use leptos::prelude::*;

use crate::instance::colour;
use crate::web::app::App;
use crate::web::protocol::Found;
use crate::web::state::{AppState, Event};

/// One row for each object that reaches the threshold.
#[component]
pub(super) fn InstanceList(app: App) -> impl IntoView {
    let rows = Memo::new(move |_| app.state.with(shown));
    let photo_area = Memo::new(move |_| {
        let size = app.state.with(|state| state.photo.as_ref().and_then(|photo| photo.size));
        size.map_or(1, |size| size.area().max(1))
    });
    let empty =
        Memo::new(move |_| app.state.with(|state| state.elapsed_ms.is_some() && state.shown_count() == 0));
    view! {
        <ul class="instances" aria-label="Objects found">
            <For
                each=move || rows.get()
                key=|(index, found)| (*index, found.label.clone(), found.score.to_bits(), found.area)
                children=move |(index, found)| view! { <Row app index found photo_area=photo_area.get_untracked()/> }
            />
        </ul>
        <Show when=move || empty.get()>
            <p class="hint">"No object is this certain. Lower the threshold, or try another photo."</p>
        </Show>
    }
}

/// Label, score and area of one object; pointing at it lights its mask.
#[component]
fn Row(app: App, index: usize, found: Found, photo_area: usize) -> impl IntoView {
    let state = app.state;
    let hovered = Memo::new(move |_| state.with(|state| state.hovered == Some(index)));
    let selected = Memo::new(move |_| state.with(|state| state.selected == Some(index)));
    let [r, g, b] = colour(index);
    let percent = 100.0 * found.area as f64 / photo_area as f64;
    view! {
        <li
            data-testid="instance"
            data-label=found.label.clone()
            data-score=found.score.to_string()
            data-area=found.area.to_string()
            data-asked=found.asked.to_string()
            class:hovered=hovered
            style=format!("--colour: rgb({r} {g} {b})")
        >
            <button
                aria-pressed=move || selected.get().to_string()
                on:click=move |_| app.dispatch(Event::Picked(Some(index)))
                on:pointerenter=move |_| app.dispatch(Event::Hovered(Some(index)))
                on:pointerleave=move |_| app.dispatch(Event::Hovered(None))
                on:focus=move |_| app.dispatch(Event::Hovered(Some(index)))
                on:blur=move |_| app.dispatch(Event::Hovered(None))
            >
                <span class="swatch" aria-hidden="true"></span>
                <span class="label">{found.label.clone()}</span>
                <span class="area" title=format!("{} pixels", found.area)>{format!("{percent:.1} % of photo")}</span>
                <span class="score">{format!("{:.0} %", found.score * 100.0)}</span>
            </button>
        </li>
    }
}

fn shown(state: &AppState) -> Vec<(usize, Found)> {
    let rows = state.instances.iter().enumerate();
    rows.filter(|(index, _)| state.is_shown(*index)).map(|(index, found)| (index, found.clone())).collect()
}
