//! The pointer on the photo: it points, clicks, and draws boxes.

use leptos::prelude::*;
use web_sys::{HtmlElement, MouseEvent, PointerEvent};

use crate::web::app::App;
use crate::web::state::{Aim, Event, Gesture, Tool};

/// A pointer that was moved less than this while it was down has clicked, in pixels of the screen.
const LEAST_DRAG: f64 = 6.0;

/// A box being drawn: where it began and where the pointer is, both coordinates from 0 to 1 each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drag {
    pub(super) from: [f64; 2],
    pub(super) to: [f64; 2],
    /// Whether the pointer went far enough to mean a box.
    pub(super) is_box: bool,
}

/// Mouse, pen or finger.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointer {
    app: App,
    pub(super) drag: RwSignal<Option<Drag>>,
    /// A box was drawn, and the click that ends it is still to come.
    drawn: StoredValue<bool>,
}

impl Pointer {
    pub(super) fn new(app: App) -> Self {
        Self { app, drag: RwSignal::new(None), drawn: StoredValue::new(false) }
    }

    /// Fingers scroll the page: they draw only where a box was asked for.
    pub(super) fn down(self, event: &PointerEvent) {
        self.drawn.set_value(false);
        let draws = event.pointer_type() != "touch" || self.tool() == Tool::Box;
        // The box goes on where the pointer leaves the photo.
        let canvas: HtmlElement = event_target(event);
        if draws && event.button() == 0 && canvas.set_pointer_capture(event.pointer_id()).is_ok() {
            let from = place(event);
            self.drag.set(Some(Drag { from, to: from, is_box: false }));
        }
    }

    pub(super) fn moved(self, event: &PointerEvent) {
        let Some(Drag { from, is_box, .. }) = self.drag.get_untracked() else {
            // A finger that moves scrolls; it does not look for anything.
            if event.pointer_type() != "touch" {
                self.app.dispatch(Event::Pointed(self.aim(event)));
            }
            return;
        };
        let (canvas, to): (HtmlElement, _) = (event_target(event), place(event));
        let across = (to[0] - from[0]) * f64::from(canvas.client_width());
        let down = (to[1] - from[1]) * f64::from(canvas.client_height());
        let is_box = is_box || across.hypot(down) >= LEAST_DRAG;
        if is_box {
            self.app.dispatch(Event::Pointed(None));
        }
        self.drag.set(Some(Drag { from, to, is_box }));
    }

    pub(super) fn up(self) {
        if let Some(drag) = self.drag.try_update(Option::take).flatten().filter(|drag| drag.is_box) {
            self.drawn.set_value(true);
            boxed(self.app, drag);
        }
    }

    pub(super) fn left(self) {
        self.app.dispatch(Event::Pointed(None));
    }

    pub(super) fn cancelled(self) {
        self.drag.set(None);
    }

    pub(super) fn clicked(self, event: &MouseEvent) {
        let ends_box = self.drawn.get_value();
        self.drawn.set_value(false);
        if let Some(aim) = self.aim(event).filter(|_| !ends_box) {
            self.app.dispatch(Event::Clicked(aim));
        }
    }

    fn aim(self, event: &MouseEvent) -> Option<Aim> {
        self.app.aim(place(event), gesture(self.tool(), event.shift_key(), event.alt_key()))
    }

    fn tool(self) -> Tool {
        self.app.state.with_untracked(|state| state.tool)
    }
}

/// What a click means: the keys held count for more than the tool.
pub(super) const fn gesture(tool: Tool, shift: bool, alt: bool) -> Gesture {
    match (shift, alt, tool) {
        (_, true, _) | (false, false, Tool::Remove) => Gesture::Remove,
        (true, false, _) | (false, false, Tool::Add) => Gesture::Add,
        (false, false, Tool::Pick | Tool::Box) => Gesture::Pick,
    }
}

/// Asks for the object in a box.
pub(super) fn boxed(app: App, Drag { from, to, .. }: Drag) {
    if let Some((from, to)) = app.pixel(from).zip(app.pixel(to)) {
        let [x, y] = [0, 1].map(|axis| from[axis].min(to[axis]));
        let [width, height] = [0, 1].map(|axis| from[axis].abs_diff(to[axis]) + 1);
        app.dispatch(Event::Boxed([x, y, width, height]));
    }
}

/// Where on the photo an event happened, both coordinates from 0 to 1.
fn place(event: &MouseEvent) -> [f64; 2] {
    let canvas: HtmlElement = event_target(event);
    let place = |offset: i32, extent: i32| (f64::from(offset) / f64::from(extent.max(1))).clamp(0.0, 1.0);
    [place(event.offset_x(), canvas.client_width()), place(event.offset_y(), canvas.client_height())]
}
