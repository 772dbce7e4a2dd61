//! The photo with its overlay.

use leptos::ev;
use leptos::prelude::*;

use super::arrows::Arrows;
use super::pointer::{Drag, Pointer};
use super::tag::Tag;
use crate::web::app::App;
use crate::web::state::{AppState, Event, Status, Tool};

/// What keys do on the photo, for those who do not see it.
const KEYS: &str = "Photo: arrow keys point, Enter picks what is there, Shift with Enter adds a place, Alt with Enter takes one away";

/// Photo below, overlay above. Pointing shows an object, or what a click would find; a click picks it or asks for it, a box
/// asks for the object in it, Escape puts back.
#[component]
pub(super) fn Viewer(app: App) -> impl IntoView {
    let state = app.state;
    let size = Memo::new(move |_| state.with(|state| state.photo.as_ref().map(|photo| photo.size)));
    let name = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.name.clone())).unwrap_or_default()
    });
    let busy = Memo::new(move |_| state.with(AppState::status) == Status::Busy);
    let pointing = Memo::new(move |_| state.with(AppState::is_pointing));
    let boxing = Memo::new(move |_| state.with(|state| state.tool == Tool::Box));
    let ratio = move || size.get().map_or(1.0, |size| size.width as f64 / size.height as f64);
    let pointer = Pointer::new(app);
    let arrows = Arrows::new(app, pointer);
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" {
            pointer.cancelled();
            app.dispatch(Event::Dismissed);
        }
    });
    on_cleanup(move || escape.remove());
    view! {
        <div class="viewer" class:empty=move || size.get().is_none() class:busy=busy style:--ratio=move || ratio().to_string()>
            <canvas class="photo" node_ref=app.photo_canvas width="1" height="1" role="img" aria-label=name></canvas>
            <canvas
                class="overlay"
                class:pointing=pointing
                class:boxing=boxing
                data-testid="overlay"
                node_ref=app.overlay_canvas
                width="1"
                height="1"
                tabindex="0"
                role="application"
                aria-label=KEYS
                on:pointerdown=move |event| pointer.down(&event)
                on:pointermove=move |event| pointer.moved(&event)
                on:pointerup=move |_| pointer.up()
                on:pointerleave=move |_| pointer.left()
                on:pointercancel=move |_| pointer.cancelled()
                on:click=move |event| pointer.clicked(&event)
                on:keydown=move |event| arrows.pressed(&event)
                on:blur=move |_| arrows.blurred()
            ></canvas>
            <Tag app/>
            {move || pointer.drag.get().filter(|drag| drag.is_box).map(|drag| view! {
                <div class="box" data-testid="box" style=outline(drag)></div>
            })}
            {move || arrows.cross.get().map(|[across, down]| view! {
                <div class="cross" data-testid="cross" style=format!("left: {}%; top: {}%", 100.0 * across, 100.0 * down)></div>
            })}
        </div>
    }
}

fn outline(Drag { from, to, .. }: Drag) -> String {
    let [left, top] = [0, 1].map(|axis| 100.0 * from[axis].min(to[axis]));
    let [width, height] = [0, 1].map(|axis| 100.0 * (from[axis] - to[axis]).abs());
    format!("left: {left}%; top: {top}%; width: {width}%; height: {height}%")
}
