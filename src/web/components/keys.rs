//! Keyboard shortcuts of the toolbar.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, KeyboardEvent};

use crate::web::app::App;
use crate::web::desk::SINGLE_KEYS;
use crate::web::document::Action;
use crate::web::dom;
use crate::web::state::{AppState, Event, Tool};

/// The factor by which a key or a button zooms.
pub(super) const ZOOM: f64 = 1.4;

/// Handles keys with Ctrl (or Command), and Delete, wherever the focus is except in text fields.
pub(super) fn anywhere(app: App, event: &KeyboardEvent) {
    let is_elsewhere = app.state.with_untracked(|state| state.redraw.is_open);
    if is_elsewhere || writes(event) || !app.state.with_untracked(AppState::can_ask) {
        return;
    }
    let with_control = event.ctrl_key() || event.meta_key();
    let wanted = match (with_control, event.shift_key(), event.key().to_lowercase().as_str()) {
        (true, false, "z") => Event::UndoWanted,
        (true, true, "z") | (true, _, "y") => Event::RedoWanted,
        (true, false, "a") => Event::AllPicked,
        (false, _, "delete" | "backspace") => app.wanted(Action::Delete),
        _ => return,
    };
    event.prevent_default();
    app.dispatch(wanted);
}

/// Handles single keys while the focus is on the photo, unless they are switched off; returns whether this
/// was one of them.
pub(super) fn on_photo(app: App, event: &KeyboardEvent) -> bool {
    let is_off = !app.desk.single_keys.get_untracked();
    if is_off || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return false;
    }
    let tool = match event.key().as_str() {
        "+" | "=" => return zoomed(app, ZOOM),
        "-" => return zoomed(app, 1.0 / ZOOM),
        "0" => {
            app.desk.fit();
            return true;
        }
        "[" => return widened(app, -5.0),
        "]" => return widened(app, 5.0),
        "v" => Tool::Pick,
        "b" => Tool::Restore,
        "e" => Tool::Erase,
        "h" => Tool::Hand,
        _ => return false,
    };
    app.dispatch(Event::ToolChosen(tool));
    true
}

/// A switch for single keys, since people who use speech input or hit keys by accident may not want them.
#[component]
pub(super) fn SingleKeys(app: App) -> impl IntoView {
    let on = app.desk.single_keys;
    let switched = move |event| {
        on.set(event_target_checked(&event));
        dom::remember(SINGLE_KEYS, if on.get_untracked() { None } else { Some("off") });
    };
    view! {
        <label class="single-keys">
            <input type="checkbox" data-testid="single-keys" prop:checked=move || on.get() on:change=switched/>
            " " {app.says("single-keys")}
        </label>
    }
}

fn zoomed(app: App, factor: f64) -> bool {
    app.desk.zoom(factor);
    true
}

fn widened(app: App, by: f64) -> bool {
    app.desk.widen(by);
    true
}

/// Returns whether keys enter text here.
pub(super) fn writes(event: &KeyboardEvent) -> bool {
    let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
    input.is_some_and(|input| !matches!(input.type_().as_str(), "range" | "file" | "checkbox" | "radio"))
}
