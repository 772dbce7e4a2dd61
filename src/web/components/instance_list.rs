//! The list of objects, best first.

use leptos::html::Li;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent};

use super::object_menu;
use super::words::percent;
use crate::instance::colour;
use crate::web::app::App;
use crate::web::document::{Action, Edit};
use crate::web::protocol::{Found, LOWEST_SCORE, Presence};
use crate::web::state::{AppState, Event};

/// One row for each object that reaches the threshold.
#[component]
pub(super) fn InstanceList(app: App) -> impl IntoView {
    let rows = Memo::new(move |_| app.state.with(listed));
    let photo_area = Memo::new(move |_| {
        let size = app.state.with(|state| state.photo.as_ref().map(|photo| photo.size));
        size.map_or(1, |size| size.area().max(1))
    });
    let more = Memo::new(move |_| app.state.with(left_out));
    let threshold = Memo::new(move |_| app.state.with(|state| state.threshold));
    let closer = Memo::new(move |_| app.state.with(AppState::can_look_closely));
    let empty =
        Memo::new(move |_| app.state.with(|state| state.elapsed_ms.is_some() && listed(state).is_empty()));
    view! {
        <ul class="instances" aria-label=app.says("objects-found") on:keydown=move |event| step(&event)>
            <For each=move || rows.get() key=|index| *index children=move |index| view! { <Row app index photo_area/> }/>
        </ul>
        <Show when=move || empty.get()>
            <p class="hint">{app.says("nothing-certain")}</p>
        </Show>
        <Show when=move || closer.get()>
            <p class="hint">
                <button class="link" data-testid="closer" on:click=move |_| app.dispatch(Event::CloserWanted)>{app.says("look-closer")}</button>
            </p>
        </Show>
        <Show when=move || { more.get() > 0 }>
            <p class="hint" data-testid="more">
                {move || app.tells("more-below", [("count", more.get().into()), ("share", threshold.get().into())])} " "
                <button class="link" on:click=move |_| app.dispatch(Event::ThresholdMoved(LOWEST_SCORE)) data-testid="show-more">{app.says("show-them")}</button>
            </p>
        </Show>
    }
}

/// Label, score and area of one object; hovering over it highlights its mask.
#[component]
fn Row(app: App, index: usize, photo_area: Memo<usize>) -> impl IntoView {
    let state = app.state;
    let found = Memo::new(move |_| {
        state.with(|state| state.instances.get(index).cloned()).unwrap_or_else(Found::deleted)
    });
    let hidden = Memo::new(move |_| found.with(|found| found.presence == Presence::Hidden));
    let hovered = Memo::new(move |_| state.with(|state| state.hovered == Some(index)));
    let selected = Memo::new(move |_| state.with(|state| state.selected.contains(&index)));
    let row = NodeRef::<Li>::new();
    Effect::new(move |_| {
        if selected.get()
            && let Some(row) = row.get()
        {
            reveal(&row);
        }
    });
    let [r, g, b] = colour(index);
    let share = move || found.with(|found| found.area) as f64 / photo_area.get() as f64;
    let label = move || found.with(|found| app.label(&found.label));
    let picked = move |event: MouseEvent| {
        let several = event.shift_key() || event.ctrl_key() || event.meta_key();
        app.dispatch(if several { Event::Toggled(index) } else { Event::Picked(Some(index)) });
    };
    let eye = move |_| {
        let action = if hidden.get_untracked() { Action::Show } else { Action::Hide };
        app.dispatch(Event::EditWanted(Edit { places: vec![index], action }));
    };
    view! {
        <li
            node_ref=row
            data-testid="instance"
            data-label=move || found.with(|found| found.label.clone())
            data-score=move || found.with(|found| found.score.to_string())
            data-area=move || found.with(|found| found.area.to_string())
            data-asked=move || found.with(|found| found.asked.to_string())
            class:hovered=hovered
            class:hidden=hidden
            style:--colour=format!("rgb({r} {g} {b})")
        >
            <button
                class="row"
                aria-pressed=move || selected.get().to_string()
                on:click=picked
                on:contextmenu=move |event| object_menu::open(app, index, &event)
                on:pointerenter=move |_| app.dispatch(Event::Hovered(Some(index)))
                on:pointerleave=move |_| app.dispatch(Event::Hovered(None))
                on:focus=move |_| app.dispatch(Event::Hovered(Some(index)))
                on:blur=move |_| app.dispatch(Event::Hovered(None))
            >
                <span class="swatch" aria-hidden="true"></span>
                <span class="label">{label}</span>
                <span class="area" title=move || app.tells("pixels", [("count", found.with(|found| found.area).into())])>
                    {move || app.tells("share-of-photo", [("share", share().into())])}
                </span>
                <span class="score">{move || percent(app, found.with(|found| found.score))}</span>
            </button>
            <button
                class="eye"
                data-testid="eye"
                aria-label=move || app.tells(if hidden.get() { "show-object" } else { "hide-object" }, [("label", label().into())])
                title=move || app.text(if hidden.get() { "show" } else { "hide" })
                on:click=eye
            >
                <span aria-hidden="true">{move || if hidden.get() { "○" } else { "●" }}</span>
            </button>
        </li>
    }
}

fn listed(state: &AppState) -> Vec<usize> {
    (0..state.instances.len()).filter(|&index| state.is_listed(index)).collect()
}

/// Returns the number of objects below the threshold.
fn left_out(state: &AppState) -> usize {
    let is_there = |found: &&Found| found.presence != Presence::Deleted;
    state.instances.iter().filter(is_there).count() - listed(state).len()
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
        // If the element cannot be focused, nothing changes.
        drop(button.focus());
    }
}

/// Scrolls the list, never the page, to a row that was picked on the photo; a row under the pointer stays
/// where it is.
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
