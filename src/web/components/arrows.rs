//! Keyboard control of the photo: arrow keys move a cross, Enter clicks; with a brush, holding Space or Enter
//! draws.

use leptos::prelude::*;
use web_sys::{KeyboardEvent, MouseEvent};

use super::object_menu;
use super::pointer::{Drag, Pointer, boxed, gesture};
use crate::web::app::App;
use crate::web::camera::Camera;
use crate::web::state::{AppState, Event, Tool};

/// How far an arrow key moves the cross with and without Shift, as a share of the visible part of the photo;
/// at least one pixel.
const STEPS: [f64; 2] = [0.1, 0.01];

/// The place of the cross, both coordinates from 0 to 1; `None` until an arrow key was pressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrows {
    app: App,
    pub(super) cross: RwSignal<Option<[f64; 2]>>,
    drag: RwSignal<Option<Drag>>,
}

impl Arrows {
    pub(super) fn new(app: App, pointer: Pointer) -> Self {
        let Pointer { drag, brush, .. } = pointer;
        let cross = RwSignal::new(None);
        let draws = Memo::new(move |_| app.state.with(|state| state.tool.is_brush()));
        // The brush follows the cross.
        Effect::new(move |_| brush.set(cross.get().filter(|_| draws.get()).map(|place| app.point(place))));
        Self { app, cross, drag }
    }

    pub(super) fn pressed(self, event: &KeyboardEvent) {
        let direction = match event.key().as_str() {
            "ArrowLeft" => [-1.0, 0.0],
            "ArrowRight" => [1.0, 0.0],
            "ArrowUp" => [0.0, -1.0],
            "ArrowDown" => [0.0, 1.0],
            "Enter" | " " => [0.0, 0.0],
            _ => return,
        };
        event.prevent_default();
        let tool = self.app.state.with_untracked(|state| state.tool);
        let before = self.cross.get_untracked();
        let place = self.moved(before.unwrap_or([0.5; 2]), direction, event.shift_key());
        self.cross.set(Some(place));
        self.app.desk.camera.update(|camera| *camera = camera.showing(place));
        if direction != [0.0; 2] {
            self.app.desk.draw_to(self.app.point(place));
            self.drag.update(|drag| drag.iter_mut().for_each(|drag| drag.to = place));
            let aim = self.app.aim(place, gesture(tool, false, event.alt_key()));
            return self.app.dispatch(Event::Pointed(aim.filter(|_| tool.is_pointer() && tool != Tool::Box)));
        }
        // Held keys repeat, and nothing is drawn unless the cross shows where the brush is.
        if tool.is_brush() && (event.repeat() || before.is_none()) {
            return;
        }
        match (tool, self.drag.get_untracked()) {
            (Tool::Box, None) => self.drag.set(Some(Drag { from: place, to: place, is_box: true })),
            (Tool::Box, Some(drag)) => {
                self.drag.set(None);
                boxed(self.app, drag, event.shift_key());
            }
            (Tool::Restore | Tool::Erase, _) => {
                if self.app.state.with_untracked(AppState::can_ask) {
                    self.app.desk.begin_stroke(self.app.state, self.app.point(place));
                }
            }
            (Tool::Hand, _) => {}
            _ => {
                let aim = self.app.aim(place, gesture(tool, event.shift_key(), event.alt_key()));
                aim.into_iter().for_each(|aim| self.app.dispatch(Event::Clicked(aim)));
            }
        }
    }

    /// Opens, for the menu key, the menu of the object under the cross or else of the one that is picked.
    pub(super) fn asked_menu(self, event: &MouseEvent) {
        let aim = self
            .cross
            .get_untracked()
            .and_then(|place| self.app.aim(place, gesture(Tool::Pick, false, false)));
        let picked = self.app.state.with_untracked(|state| state.selected.first().copied());
        if let Some(index) = aim.and_then(|aim| aim.over).or(picked) {
            object_menu::open(self.app, index, event);
        }
    }

    /// Ends the stroke when a key is released.
    pub(super) fn released(self, event: &KeyboardEvent) {
        if matches!(event.key().as_str(), "Enter" | " ") {
            self.app.desk.end_stroke().into_iter().for_each(|action| self.app.mend(action));
        }
    }

    /// Moves a place in a direction, within the photo.
    fn moved(self, place: [f64; 2], direction: [f64; 2], is_far: bool) -> [f64; 2] {
        let seen = STEPS[usize::from(!is_far)] / self.app.desk.camera.with_untracked(Camera::zoom);
        let sides = self.app.point([1.0; 2]);
        [0, 1].map(|axis| {
            let step = seen.max(1.0 / sides[axis].max(1.0));
            (place[axis] + step * direction[axis]).clamp(0.0, 1.0)
        })
    }

    pub(super) fn blurred(self) {
        self.app.desk.drop_stroke();
        if self.cross.get_untracked().is_some() {
            self.cross.set(None);
            self.drag.set(None);
            self.app.dispatch(Event::Pointed(None));
        }
    }
}
