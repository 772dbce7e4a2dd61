//! The photo with its overlay.

use leptos::ev;
use leptos::prelude::*;
use web_sys::MouseEvent;

use super::arrows::Arrows;
use super::ink::InkLayer;
use super::keys;
use super::pointer::{Drag, Pointer};
use super::tag::Tag;
use crate::web::app::App;
use crate::web::state::{AppState, Event, Status, Tool};

/// The zoom from which on pixels of the photo are drawn as squares.
const MAGNIFIED: f64 = 6.0;

/// The photo with its overlay. Pointing shows an object, or what a click would find; a click picks it or asks
/// for it, a box asks for the object in it, Escape puts it back. Brushes draw; wheel and fingers zoom.
#[component]
pub(super) fn Viewer(app: App) -> impl IntoView {
    let state = app.state;
    let size = Memo::new(move |_| state.with(|state| state.photo.as_ref().map(|photo| photo.size)));
    let name = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.name.clone())).unwrap_or_default()
    });
    let busy = Memo::new(move |_| state.with(AppState::status) == Status::Busy);
    let camera = app.desk.camera;
    let ratio = move || size.get().map_or(1.0, |size| size.width as f64 / size.height as f64);
    let pointer = Pointer::new(app);
    listen(app, pointer);
    // Another photo is shown whole.
    Effect::new(move |_| {
        name.track();
        size.track();
        app.desk.fit();
    });
    view! {
        <div
            class="viewer"
            class:empty=move || size.get().is_none()
            class:busy=busy
            class:bare=app.desk.is_bare
            style:--ratio=move || ratio().to_string()
            data-testid="viewer"
            on:wheel=move |event| pointer.wheeled(&event)
            on:touchstart=move |event| Pointer::touched(&event)
        >
        <div
            class="sheet"
            class:magnified=move || { camera.get().zoom() > MAGNIFIED }
            style:transform=move || camera.get().transform()
            style:--zoom=move || camera.get().zoom().to_string()
        >
            <canvas class="photo" node_ref=app.photo_canvas width="1" height="1" role="img" aria-label=name></canvas>
            <Overlay app pointer/>
        </div>
        </div>
    }
}

/// Listens for keys that work wherever the focus is.
fn listen(app: App, pointer: Pointer) {
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && !app.state.with_untracked(|state| state.redraw.is_open) {
            pointer.cancelled();
            let is_pointer = app.state.with_untracked(|state| state.tool.is_pointer());
            app.dispatch(if is_pointer { Event::Dismissed } else { Event::ToolChosen(Tool::Pick) });
        }
    });
    let shortcuts = window_event_listener(ev::keydown, move |event| keys::anywhere(app, &event));
    on_cleanup(move || [escape, shortcuts].into_iter().for_each(WindowListenerHandle::remove));
}

/// The masks, and what the pointer draws over them.
#[component]
fn Overlay(app: App, pointer: Pointer) -> impl IntoView {
    let state = app.state;
    let pointing = Memo::new(move |_| state.with(AppState::is_pointing));
    let tool = Memo::new(move |_| state.with(|state| state.tool));
    let moving = move || tool.get() == Tool::Hand;
    // Otherwise one finger scrolls the page.
    let held = move || {
        app.desk.camera.get().is_close() || !matches!(tool.get(), Tool::Pick | Tool::Add | Tool::Remove)
    };
    let arrows = Arrows::new(app, pointer);
    view! {
        <canvas
            class="overlay"
            class:pointing=pointing
            class:held=held
            class:moving=moving
            data-testid="overlay"
            node_ref=app.overlay_canvas
            width="1"
            height="1"
            tabindex="0"
            role="application"
            aria-label=app.says("photo-keys")
            on:pointerdown=move |event| pointer.down(&event)
            on:pointermove=move |event| pointer.moved(&event)
            on:pointerup=move |event| pointer.up(&event)
            on:pointerleave=move |_| pointer.left()
            on:pointercancel=move |event| pointer.lost(&event)
            on:click=move |event| pointer.clicked(&event)
            on:contextmenu=move |event| if is_key(&event) { arrows.asked_menu(&event) } else { pointer.asked_menu(&event) }
            on:keydown=move |event| if keys::on_photo(app, &event) { event.prevent_default() } else { arrows.pressed(&event) }
            on:keyup=move |event| arrows.released(&event)
            on:blur=move |_| arrows.blurred()
        ></canvas>
        <InkLayer app brush=pointer.brush/>
        <Tag app/>
        {move || pointer.drag.get().filter(|drag| drag.is_box).map(|drag| {
            let [left, top, width, height] = outline(drag).map(|share| format!("{share}%"));
            view! { <div class="box" data-testid="box" style:left=left style:top=top style:width=width style:height=height></div> }
        })}
        {move || arrows.cross.get().map(|[across, down]| view! {
            <div class="cross" data-testid="cross" style:left=format!("{}%", 100.0 * across) style:top=format!("{}%", 100.0 * down)></div>
        })}
    }
}

/// Returns whether a menu was requested by a key: no button was pressed.
fn is_key(event: &MouseEvent) -> bool {
    event.button() < 0
}

/// Returns the left and upper side, width and height of a box, in percent of the photo's.
fn outline(Drag { from, to, .. }: Drag) -> [f64; 4] {
    let [left, top] = [0, 1].map(|axis| 100.0 * from[axis].min(to[axis]));
    let [width, height] = [0, 1].map(|axis| 100.0 * (from[axis] - to[axis]).abs());
    [left, top, width, height]
}
