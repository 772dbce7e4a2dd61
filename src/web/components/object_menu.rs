//! The context menu of an object, opened by a right click, a long press or the menu key.

use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent};

use crate::export::{Frame, PictureFormat};
use crate::web::app::App;
use crate::web::desk::Opened;
use crate::web::document::Action;
use crate::web::export::{Export, Product};
use crate::web::protocol::Presence;
use crate::web::state::{AppState, Event, Purpose};

/// Picks an object and opens its menu.
pub(super) fn open(app: App, index: usize, event: &MouseEvent) {
    event.prevent_default();
    open_at(app, index, [event.client_x().into(), event.client_y().into()]);
}

/// Picks an object and opens its menu at a place on the screen.
pub(super) fn open_at(app: App, index: usize, at: [f64; 2]) {
    if !app.state.with_untracked(|state| state.selected.contains(&index)) {
        app.dispatch(Event::Picked(Some(index)));
    }
    app.desk.menu.set(Some(Opened { index, at }));
}

/// The menu, while it is open.
#[component]
pub(super) fn ObjectMenu(app: App) -> impl IntoView {
    let opened = app.desk.menu;
    let close = move || opened.set(None);
    close_outside(close);
    move || {
        let Opened { index, at } = opened.get()?;
        let item = move |key: &'static str, act: Box<dyn Fn() + Send>| {
            view! {
                <button role="menuitem" tabindex="-1" data-menu=key on:click=move |_| { close(); act(); }>{app.says(key)}</button>
            }
        };
        let take = move |purpose| {
            Box::new(move || {
                let export = Export {
                    product: Product::CutOut(Frame::Tight),
                    places: vec![index],
                    format: PictureFormat::Png,
                };
                app.dispatch(Event::ExportWanted(export, purpose));
            })
        };
        let mend = move |action: fn() -> Action| Box::new(move || app.mend(action()));
        let is_hidden = app.state.with_untracked(|state| is_hidden(state, index));
        let menu = NodeRef::<Div>::new();
        // Keys go on where the menu was opened.
        let before = document().active_element();
        let back = move || before.iter().for_each(focus);
        Effect::new(move |_| {
            if let Some(first) = menu.get().and_then(|menu| menu.query_selector("button").ok()?) {
                focus(&first);
            }
        });
        let [across, down] = place(at);
        Some(view! {
            <div
                class="object-menu"
                role="menu"
                data-testid="object-menu"
                aria-label=app.says("object-menu")
                node_ref=menu
                style:left=across[0].clone()
                style:right=across[1].clone()
                style:top=down[0].clone()
                style:bottom=down[1].clone()
                on:keydown=move |event| if moved(&event) { close(); back() }
                on:contextmenu=|event| event.prevent_default()
            >
                {item("menu-save", take(Purpose::Save))}
                {item("menu-copy", take(Purpose::Copy))}
                {item("refine", mend(|| Action::Refine))}
                {if is_hidden { item("show", mend(|| Action::Show)) } else { item("hide", mend(|| Action::Hide)) }}
                {item("delete", mend(|| Action::Delete))}
            </div>
        })
    }
}

/// Closes the menu when something else is pressed.
fn close_outside(close: impl Fn() + 'static) {
    let listener = window_event_listener(ev::pointerdown, move |event| {
        let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if pressed.is_none_or(|pressed| pressed.closest(".object-menu").is_ok_and(|menu| menu.is_none())) {
            close();
        }
    });
    on_cleanup(move || listener.remove());
}

fn is_hidden(state: &AppState, index: usize) -> bool {
    state.instances.get(index).is_some_and(|found| found.presence == Presence::Hidden)
}

/// Returns the CSS position of the menu, which grows away from the nearer edge of the screen: left or right,
/// top or bottom.
fn place(at: [f64; 2]) -> [[Option<String>; 2]; 2] {
    let size = [window().inner_width(), window().inner_height()];
    [0, 1].map(|axis| {
        let side = size[axis].as_ref().ok().and_then(|side| side.as_f64()).unwrap_or_default();
        match at[axis] * 2.0 > side {
            true => [None, Some(format!("{}px", side - at[axis]))],
            false => [Some(format!("{}px", at[axis])), None],
        }
    })
}

/// Moves the focus by arrow keys; returns whether the menu should close.
fn moved(event: &KeyboardEvent) -> bool {
    let item = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let next = item.and_then(|item| match event.key().as_str() {
        "ArrowDown" => item.next_element_sibling().or_else(|| item.parent_element()?.first_element_child()),
        "ArrowUp" => item.previous_element_sibling().or_else(|| item.parent_element()?.last_element_child()),
        "Home" => item.parent_element()?.first_element_child(),
        "End" => item.parent_element()?.last_element_child(),
        _ => None,
    });
    if let Some(next) = next {
        event.prevent_default();
        focus(&next);
    }
    if event.key() == "Escape" {
        event.stop_propagation();
    }
    matches!(event.key().as_str(), "Escape" | "Tab")
}

fn focus(item: &Element) {
    if let Some(item) = item.dyn_ref::<HtmlElement>() {
        // If the element cannot be focused, nothing changes.
        drop(item.focus());
    }
}
