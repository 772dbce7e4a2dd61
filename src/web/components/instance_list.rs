//! The objects, best first.

use leptos::html::Li;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent};

use crate::instance::colour;
use crate::web::app::App;
use crate::web::protocol::{Found, LOWEST_SCORE};
use crate::web::state::{AppState, Event};

/// One row for each object that reaches the threshold.
#[component]
pub(super) fn InstanceList(app: App) -> impl IntoView {
    let rows = Memo::new(move |_| app.state.with(shown));
    let photo_area = Memo::new(move |_| {
        let size = app.state.with(|state| state.photo.as_ref().map(|photo| photo.size));
        size.map_or(1, |size| size.area().max(1))
    });
    let more = Memo::new(move |_| app.state.with(|state| state.instances.len() - state.shown_count()));
    let threshold = Memo::new(move |_| app.state.with(|state| state.threshold));
    let empty =
        Memo::new(move |_| app.state.with(|state| state.elapsed_ms.is_some() && state.shown_count() == 0));
    view! {
        <ul class="instances" aria-label="Objects found" on:keydown=move |event| step(&event)>
            <For
                each=move || rows.get()
                key=|(index, found)| (*index, found.label.clone(), found.score.to_bits(), found.area)
                children=move |(index, found)| view! { <Row app index found photo_area=photo_area.get_untracked()/> }
            />
        </ul>
        <Show when=move || empty.get()>
            <p class="hint">"No object is this certain. Lower the threshold, or click one on the photo."</p>
        </Show>
        <Show when=move || { more.get() > 0 }>
            <p class="hint" data-testid="more">
                {move || format!("{} more below {:.0} %. ", more.get(), 100.0 * threshold.get())}
                <button class="link" on:click=move |_| app.dispatch(Event::ThresholdMoved(LOWEST_SCORE))>"Show them"</button>
            </p>
        </Show>
    }
}

/// Label, score and area of one object; pointing at it lights its mask.
#[component]
fn Row(app: App, index: usize, found: Found, photo_area: usize) -> impl IntoView {
    let state = app.state;
    let hovered = Memo::new(move |_| state.with(|state| state.hovered == Some(index)));
    let selected = Memo::new(move |_| state.with(|state| state.selected == Some(index)));
    let row = NodeRef::<Li>::new();
    Effect::new(move |_| {
        if selected.get()
            && let Some(row) = row.get()
        {
            reveal(&row);
        }
    });
    let [r, g, b] = colour(index);
    let percent = 100.0 * found.area as f64 / photo_area as f64;
    view! {
        <li
            node_ref=row
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

/// Moves the focus to another row.
fn step(event: &KeyboardEvent) {
    let row = event.target().and_then(|target| target.dyn_into::<Element>().ok()?.closest("li").ok()?);
    let Some((row, list)) = row.and_then(|row| Some((row.clone(), row.parent_element()?))) else { return };
    let to = match event.key().as_str() {
        "ArrowDown" => row.next_element_sibling(),
        "ArrowUp" => row.previous_element_sibling(),
        "Home" => list.first_element_child(),
        "End" => list.last_element_child(),
        _ => return,
    };
    event.prevent_default();
    let button = to.and_then(|row| row.query_selector("button").ok()?);
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        // Where there is no focus to be had, nothing changes.
        drop(button.focus());
    }
}

/// Scrolls the list, never the page, to a row that was picked on the photo; a row under the pointer stays there.
fn reveal(row: &HtmlElement) {
    let Some(list) = row.parent_element().filter(|_| !row.matches(":hover").unwrap_or_default()) else {
        return;
    };
    let (top, bottom) = (row.offset_top(), row.offset_top() + row.offset_height());
    if top < list.scroll_top() {
        list.set_scroll_top(top);
    } else if bottom > list.scroll_top() + list.client_height() {
        list.set_scroll_top(bottom - list.client_height());
    }
}
