//! The photo with its overlay.

use leptos::ev;
use leptos::prelude::*;
use web_sys::{HtmlElement, MouseEvent, PointerEvent};

use crate::web::app::App;
use crate::web::state::{Aim, AppState, Event, Gesture, Status};

/// A pointer that was moved less than this while it was down has clicked, in pixels of the screen.
const LEAST_DRAG: f64 = 6.0;

/// A box being drawn: where it began and where the pointer is, both coordinates from 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Drag {
    from: [f64; 2],
    to: [f64; 2],
    /// Whether the pointer went far enough to mean a box.
    is_box: bool,
}

/// Photo below, overlay above. Pointing shows an object, or what a click would find; a click picks it or asks for it, a box
/// asks for the object in it, Escape puts back.
#[component]
pub(super) fn Viewer(app: App) -> impl IntoView {
    let state = app.state;
    let size = Memo::new(move |_| state.with(|state| state.photo.as_ref().and_then(|photo| photo.size)));
    let name = Memo::new(move |_| {
        state.with(|state| state.photo.as_ref().map(|photo| photo.name.clone())).unwrap_or_default()
    });
    let busy = Memo::new(move |_| state.with(AppState::status) == Status::Busy);
    let pointing = Memo::new(move |_| state.with(AppState::is_pointing));
    let ratio = move || size.get().map_or(1.0, |size| size.width as f64 / size.height as f64);
    let drag = RwSignal::new(None::<Drag>);
    let escape = window_event_listener(ev::keydown, move |event| {
        if event.key() == "Escape" {
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
                data-testid="overlay"
                node_ref=app.overlay_canvas
                width="1"
                height="1"
                aria-hidden="true"
                on:pointerdown=move |event| drag.set(begun(&event))
                on:pointermove=move |event| moved(app, drag, &event)
                on:pointerleave=move |_| app.dispatch(Event::Pointed(None))
                on:pointercancel=move |_| drag.set(None)
                on:click=move |event| released(app, drag, &event)
            ></canvas>
            {move || drag.get().filter(|drag| drag.is_box).map(|drag| view! {
                <div class="box" data-testid="box" style=outline(drag)></div>
            })}
        </div>
    }
}

/// Fingers scroll the page: only a mouse or pen draws boxes.
fn begun(event: &PointerEvent) -> Option<Drag> {
    let draws = event.button() == 0 && event.pointer_type() != "touch";
    // The box goes on where the pointer leaves the photo.
    let canvas: HtmlElement = event_target(event);
    (draws && canvas.set_pointer_capture(event.pointer_id()).is_ok()).then(|| {
        let from = place(event);
        Drag { from, to: from, is_box: false }
    })
}

fn moved(app: App, drag: RwSignal<Option<Drag>>, event: &PointerEvent) {
    // A finger that moves scrolls; it does not look for anything.
    if event.pointer_type() == "touch" {
        return;
    }
    let Some(Drag { from, is_box, .. }) = drag.get_untracked() else {
        return app.dispatch(Event::Pointed(aim(app, event)));
    };
    let (canvas, to): (HtmlElement, _) = (event_target(event), place(event));
    let across = (to[0] - from[0]) * f64::from(canvas.client_width());
    let down = (to[1] - from[1]) * f64::from(canvas.client_height());
    let is_box = is_box || across.hypot(down) >= LEAST_DRAG;
    if is_box {
        app.dispatch(Event::Pointed(None));
    }
    drag.set(Some(Drag { from, to, is_box }));
}

fn released(app: App, drag: RwSignal<Option<Drag>>, event: &MouseEvent) {
    let drawn = drag.get_untracked().filter(|drag| drag.is_box);
    drag.set(None);
    let event = match drawn {
        Some(Drag { from, to, .. }) => app.pixel(from).zip(app.pixel(to)).map(|(from, to)| {
            let [x, y] = [0, 1].map(|axis| from[axis].min(to[axis]));
            let [width, height] = [0, 1].map(|axis| from[axis].abs_diff(to[axis]) + 1);
            Event::Boxed([x, y, width, height])
        }),
        None => aim(app, event).map(Event::Clicked),
    };
    if let Some(event) = event {
        app.dispatch(event);
    }
}

fn aim(app: App, event: &MouseEvent) -> Option<Aim> {
    let gesture = match (event.shift_key(), event.alt_key()) {
        (_, true) => Gesture::Remove,
        (true, false) => Gesture::Add,
        (false, false) => Gesture::Pick,
    };
    app.aim(place(event), gesture)
}

/// Where on the photo an event happened, both coordinates from 0 to 1.
fn place(event: &MouseEvent) -> [f64; 2] {
    let canvas: HtmlElement = event_target(event);
    let place = |offset: i32, extent: i32| (f64::from(offset) / f64::from(extent.max(1))).clamp(0.0, 1.0);
    [place(event.offset_x(), canvas.client_width()), place(event.offset_y(), canvas.client_height())]
}

fn outline(Drag { from, to, .. }: Drag) -> String {
    let [left, top] = [0, 1].map(|axis| 100.0 * from[axis].min(to[axis]));
    let [width, height] = [0, 1].map(|axis| 100.0 * (from[axis] - to[axis]).abs());
    format!("left: {left}%; top: {top}%; width: {width}%; height: {height}%")
}
