//! Mouse, pen, touch and wheel input on the photo.

use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent, PointerEvent, TouchEvent, WheelEvent};

use super::object_menu;
use crate::web::app::App;
use crate::web::state::{Aim, AppState, Event, Gesture, Tool};

/// Minimum movement of a pressed pointer, in pixels of the screen, that is not a click.
const LEAST_DRAG: f64 = 6.0;
/// Minimum movement of the photo, as a share of its frame, that is not a click.
const LEAST_MOVE: f64 = 0.01;
/// How long a finger rests on an object before its menu opens.
const LONG_PRESS: Duration = Duration::from_millis(500);
/// Height of a line of text in pixels, for wheels that count lines.
const LINE: f64 = 16.0;

/// A box being drawn: its first corner and the place of the pointer, both coordinates from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Drag {
    pub(super) from: [f64; 2],
    pub(super) to: [f64; 2],
    /// Whether the pointer moved far enough to mean a box.
    pub(super) is_box: bool,
}

/// What the pressed pointer does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    /// Draws a box, if it moves far enough.
    Box,
    /// Draws with a brush.
    Draw,
    /// Moves the photo; holds the places in the frame where the pointer was pressed and where it was last.
    Move([f64; 2], [f64; 2]),
    /// Two fingers hold the photo.
    Pinch,
}

/// The id of a finger on the photo, and its place in the frame.
type Finger = (i32, [f64; 2]);

/// The pointers on the photo.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pointer {
    app: App,
    /// The box being drawn.
    pub(super) drag: RwSignal<Option<Drag>>,
    act: StoredValue<Option<Act>>,
    /// Whether a gesture other than a click was done, whose closing click event is still to come.
    done: StoredValue<bool>,
    fingers: StoredValue<Vec<Finger>>,
    /// The timer of a long press, and where the finger rests on the screen.
    press: StoredValue<Option<(TimeoutHandle, [f64; 2])>>,
    /// The place of the brush in pixels of the photo.
    pub(super) brush: RwSignal<Option<[f64; 2]>>,
}

impl Pointer {
    pub(super) fn new(app: App) -> Self {
        let (drag, brush) = (RwSignal::new(None), RwSignal::new(None));
        let (act, done) = (StoredValue::new(None), StoredValue::new(false));
        let (fingers, press) = (StoredValue::new(Vec::new()), StoredValue::new(None));
        Self { app, drag, act, done, fingers, press, brush }
    }

    pub(super) fn down(self, event: &PointerEvent) {
        self.done.set_value(false);
        self.lifted();
        let canvas: HtmlElement = event_target(event);
        if is_finger(event) {
            self.fingers.update_value(|fingers| fingers.push((event.pointer_id(), in_frame(event))));
            if self.fingers.with_value(Vec::len) > 1 {
                self.cancelled();
                self.done.set_value(true);
                return self.act.set_value(Some(Act::Pinch));
            }
            self.pressed(event);
        }
        let act = self.meant(event);
        if event.button() == 1 {
            // Keeps the middle button from scrolling.
            event.prevent_default();
        }
        // Captures the pointer, so that a gesture continues outside of the photo.
        let act = act.filter(|_| canvas.set_pointer_capture(event.pointer_id()).is_ok());
        self.act.set_value(act);
        match act {
            Some(Act::Box) => {
                let from = place(event);
                self.drag.set(Some(Drag { from, to: from, is_box: false }));
            }
            Some(Act::Draw) => self.app.desk.begin_stroke(self.app.state, self.in_photo(event)),
            Some(Act::Move(..) | Act::Pinch) | None => {}
        }
    }

    /// Returns what a pressed pointer starts. Fingers scroll the page while the whole photo is visible.
    fn meant(self, event: &PointerEvent) -> Option<Act> {
        let is_close = self.app.desk.camera.with_untracked(|camera| camera.is_close());
        match (event.button(), self.tool()) {
            (1, _) | (0, Tool::Hand) => Some(Act::Move(in_frame(event), in_frame(event))),
            (0, Tool::Restore | Tool::Erase) => Some(Act::Draw).filter(|_| self.can_ask()),
            (0, Tool::Box) => Some(Act::Box),
            (0, _) if !is_finger(event) => Some(Act::Box),
            (0, _) if is_close => Some(Act::Move(in_frame(event), in_frame(event))),
            _ => None,
        }
    }

    pub(super) fn moved(self, event: &PointerEvent) {
        let act = self.act.get_value();
        let at = [f64::from(event.client_x()), f64::from(event.client_y())];
        let rests =
            |(_, from): &(TimeoutHandle, [f64; 2])| (at[0] - from[0]).hypot(at[1] - from[1]) < LEAST_DRAG;
        if !self.press.get_value().as_ref().is_none_or(rests) {
            self.lifted();
        }
        let draws = self.tool().is_brush() && (!is_finger(event) || act == Some(Act::Draw));
        self.brush.set(draws.then(|| self.in_photo(event)));
        match act {
            Some(Act::Pinch) => self.pinched((event.pointer_id(), in_frame(event))),
            Some(Act::Move(from, last)) => {
                let to = in_frame(event);
                let is_far = (to[0] - from[0]).hypot(to[1] - from[1]) >= LEAST_MOVE;
                self.done.update_value(|done| *done |= is_far);
                let by = [0, 1].map(|axis| to[axis] - last[axis]);
                self.app.desk.camera.update(|camera| *camera = camera.moved(by));
                self.act.set_value(Some(Act::Move(from, to)));
            }
            Some(Act::Draw) => self.app.desk.draw_to(self.in_photo(event)),
            Some(Act::Box) => self.boxing(event),
            // A moving finger scrolls and does not point at anything.
            None if is_finger(event) || !self.tool().is_pointer() => {}
            None => self.app.dispatch(Event::Pointed(self.aim(event))),
        }
    }

    pub(super) fn up(self, event: &PointerEvent) {
        let act = self.act.get_value();
        self.lifted();
        self.forget(event);
        match act {
            Some(Act::Draw) => {
                self.app.desk.end_stroke().into_iter().for_each(|action| self.app.mend(action));
            }
            Some(Act::Box) => {
                if let Some(drag) = self.drag.try_update(Option::take).flatten().filter(|drag| drag.is_box) {
                    self.done.set_value(true);
                    boxed(self.app, drag, event.shift_key());
                }
            }
            Some(Act::Move(..) | Act::Pinch) | None => {}
        }
    }

    /// Opens the menu of the object under a right click (or the browser's equivalent), or leaves the
    /// browser's own menu.
    pub(super) fn asked_menu(self, event: &MouseEvent) {
        if let Some(index) = self.aim(event).and_then(|aim| aim.over) {
            self.cancelled();
            self.done.set_value(true);
            object_menu::open(self.app, index, event);
        }
    }

    /// Starts the timer of a long press, which opens an object's menu also in browsers without such a
    /// gesture.
    fn pressed(self, event: &PointerEvent) {
        let Some(index) = self.aim(event).and_then(|aim| aim.over).filter(|_| self.tool().is_pointer())
        else {
            return;
        };
        let at = [f64::from(event.client_x()), f64::from(event.client_y())];
        let opens = move || {
            self.lifted();
            self.cancelled();
            self.done.set_value(true);
            object_menu::open_at(self.app, index, at);
        };
        self.press.set_value(set_timeout_with_handle(opens, LONG_PRESS).ok().map(|timer| (timer, at)));
    }

    /// Cancels the timer of a long press.
    fn lifted(self) {
        if let Some((timer, _)) = self.press.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    }

    /// Handles a pointer that the browser took away.
    pub(super) fn lost(self, event: &PointerEvent) {
        self.lifted();
        self.forget(event);
        self.cancelled();
    }

    /// Drops the unfinished gesture.
    pub(super) fn cancelled(self) {
        self.app.desk.drop_stroke();
        self.drag.set(None);
        self.act.set_value(None);
    }

    pub(super) fn left(self) {
        self.brush.set(None);
        self.app.dispatch(Event::Pointed(None));
    }

    pub(super) fn clicked(self, event: &MouseEvent) {
        let is_done = self.done.get_value();
        self.done.set_value(false);
        if is_done || !self.tool().is_pointer() {
            return;
        }
        if let Some(aim) = self.aim(event) {
            let toggled = aim.over.filter(|_| event.ctrl_key() || event.meta_key());
            self.app.dispatch(toggled.map_or(Event::Clicked(aim), Event::Toggled));
        }
    }

    /// Removes a finger; two fingers hold the photo until both are gone.
    fn forget(self, event: &PointerEvent) {
        self.fingers.update_value(|fingers| fingers.retain(|(id, _)| *id != event.pointer_id()));
        let still_held = self.act.get_value() == Some(Act::Pinch) && !self.fingers.with_value(Vec::is_empty);
        if !still_held {
            self.act.set_value(None);
        }
    }

    /// Zooms around the pointer; scrolls the page instead if the whole photo is visible already.
    pub(super) fn wheeled(self, event: &WheelEvent) {
        let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { LINE } else { 1.0 };
        let (across, down) = (event.delta_x() * unit, event.delta_y() * unit);
        let camera = self.app.desk.camera.get_untracked();
        if !camera.is_close() && !event.ctrl_key() && (down > 0.0 || across.abs() > down.abs()) {
            return;
        }
        event.prevent_default();
        // A pinch on a touchpad arrives as a wheel event with Ctrl.
        let rate = if event.ctrl_key() { 0.01 } else { 0.002 };
        let next = if across.abs() > down.abs() {
            let width = frame(event).map_or(1.0, |frame| frame.client_width().into());
            camera.moved([-across / width, 0.0])
        } else {
            camera.zoomed((-down * rate).exp(), in_frame(event))
        };
        self.app.desk.camera.set(next);
    }

    /// Keeps a second finger from scrolling the page.
    pub(super) fn touched(event: &TouchEvent) {
        if event.touches().length() > 1 {
            event.prevent_default();
        }
    }

    fn pinched(self, (id, to): Finger) {
        let places = |fingers: &[Finger]| match fingers {
            [(_, a), (_, b), ..] => Some([*a, *b]),
            _ => None,
        };
        let from = self.fingers.with_value(|fingers| places(fingers));
        self.fingers.update_value(|fingers| {
            fingers.iter_mut().filter(|finger| finger.0 == id).for_each(|finger| finger.1 = to);
        });
        let to = self.fingers.with_value(|fingers| places(fingers));
        if let Some((from, to)) = from.zip(to) {
            self.app.desk.camera.update(|camera| *camera = camera.pinched(from, to));
        }
    }

    fn boxing(self, event: &PointerEvent) {
        let Some(Drag { from, is_box, .. }) = self.drag.get_untracked() else { return };
        let (canvas, to): (HtmlElement, _) = (event_target(event), place(event));
        let bounds = canvas.get_bounding_client_rect();
        let (across, down) = ((to[0] - from[0]) * bounds.width(), (to[1] - from[1]) * bounds.height());
        let is_box = is_box || across.hypot(down) >= LEAST_DRAG;
        if is_box {
            self.app.dispatch(Event::Pointed(None));
        }
        self.drag.set(Some(Drag { from, to, is_box }));
    }

    fn aim(self, event: &MouseEvent) -> Option<Aim> {
        self.app.aim(place(event), gesture(self.tool(), event.shift_key(), event.alt_key()))
    }

    fn tool(self) -> Tool {
        self.app.state.with_untracked(|state| state.tool)
    }

    fn can_ask(self) -> bool {
        self.app.state.with_untracked(AppState::can_ask)
    }

    /// Returns the place of an event in fractional pixels of the photo.
    fn in_photo(self, event: &MouseEvent) -> [f64; 2] {
        self.app.point(share(&event_target::<Element>(event), event))
    }
}

fn is_finger(event: &PointerEvent) -> bool {
    event.pointer_type() == "touch"
}

/// Returns the meaning of a click; held keys take precedence over the tool.
pub(super) const fn gesture(tool: Tool, shift: bool, alt: bool) -> Gesture {
    match (shift, alt, tool) {
        (_, true, _) | (false, false, Tool::Remove) => Gesture::Remove,
        (true, false, _) | (false, false, Tool::Add) => Gesture::Add,
        (false, false, _) => Gesture::Pick,
    }
}

/// Asks for the object in a box, or picks the `several` objects inside it.
pub(super) fn boxed(app: App, Drag { from, to, .. }: Drag, several: bool) {
    if let Some((from, to)) = app.pixel(from).zip(app.pixel(to)) {
        let [x, y] = [0, 1].map(|axis| from[axis].min(to[axis]));
        let [width, height] = [0, 1].map(|axis| from[axis].abs_diff(to[axis]) + 1);
        let bounds = [x, y, width, height];
        app.dispatch(if several { Event::PickedInside(bounds) } else { Event::Boxed(bounds) });
    }
}

/// Returns the place of an event on the photo, both coordinates from 0 to 1.
pub(super) fn place(event: &MouseEvent) -> [f64; 2] {
    share(&event_target::<Element>(event), event).map(|place| place.clamp(0.0, 1.0))
}

/// Returns the place of an event in the frame, both coordinates from 0 to 1.
fn in_frame(event: &MouseEvent) -> [f64; 2] {
    frame(event).map_or([0.5; 2], |frame| share(&frame, event))
}

fn frame(event: &MouseEvent) -> Option<Element> {
    event.target()?.dyn_into::<Element>().ok()?.closest(".viewer").ok()?
}

/// Returns the place of an event within an element as seen on the screen, both coordinates from 0 to 1.
fn share(element: &Element, event: &MouseEvent) -> [f64; 2] {
    let bounds = element.get_bounding_client_rect();
    let share = |at: i32, start: f64, extent: f64| (f64::from(at) - start) / extent.max(1.0);
    [
        share(event.client_x(), bounds.left(), bounds.width()),
        share(event.client_y(), bounds.top(), bounds.height()),
    ]
}
