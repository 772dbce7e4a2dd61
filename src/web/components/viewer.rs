//! The photo with its overlay.

use leptos::ev;
use leptos::prelude::*;
use web_sys::{HtmlElement, MouseEvent};

use crate::web::app::App;
use crate::web::state::{AppState, Event, Status};

/// Photo below, overlay above; hovering points out an object, a click picks it, Escape puts it back.
#[component]
pub(super) fn Viewer(app: App) -> impl IntoView {
    let state = app.state;
    let size = Memo::new(move |_| state.with(|state| state.photo.as_ref().and_then(|photo| photo.size)));
    let name = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.name.clone())).unwrap_or_default()
    });
    let busy = Memo::new(move |_| state.with(AppState::status) == Status::Busy);
    let pointing = Memo::new(move |_| state.with(|state| state.hovered.is_some()));
    let ratio = move || size.get().map_or(1.0, |size| size.width as f64 / size.height as f64);
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" && state.with_untracked(|state| state.selected.is_some()) {
            app.dispatch(Event::Picked(None));
        }
    });
    on_cleanup(move || escape.remove());
    view! {
        <div class="viewer" class:empty=move || size.get().is_none() class:busy=busy style:--ratio=move || ratio().to_string()>
            <canvas class="photo" node_ref=app.photo_canvas width="1" height="1" role="img" aria-label=name></canvas>
            <canvas
                class="overlay"
                class:pointing=pointing
                data-testid="overlay"
                node_ref=app.overlay_canvas
                width="1"
                height="1"
                aria-hidden="true"
                on:pointermove=move |event| app.dispatch(Event::Hovered(under(app, &event)))
                on:pointerleave=move |_| app.dispatch(Event::Hovered(None))
                on:click=move |event| app.dispatch(Event::Picked(under(app, &event)))
            ></canvas>
        </div>
    }
}

/// The instance under the pointer.
fn under(app: App, event: &MouseEvent) -> Option<usize> {
    let canvas: HtmlElement = event_target(event);
    let place = |offset: i32, extent: i32| f64::from(offset) / f64::from(extent.max(1));
    app.instance_at(
        place(event.offset_x(), canvas.client_width()),
        place(event.offset_y(), canvas.client_height()),
    )
}
