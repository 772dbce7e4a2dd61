//! Pointing at the photo without a pointer: arrow keys move a cross, Enter clicks or puts the brush down.

use leptos::prelude::*;
use web_sys::KeyboardEvent;

use super::pointer::{Drag, Pointer, boxed, gesture};
use crate::web::app::App;
use crate::web::state::{Event, Tool};

/// How far an arrow key moves the cross, as a share of the photo's side; with Shift, and without.
const STEPS: [f64; 2] = [0.1, 0.01];

/// Where the cross is, both coordinates from 0 to 1; nowhere until an arrow key was pressed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrows {
    app: App,
    pub(super) cross: RwSignal<Option<[f64; 2]>>,
    drag: RwSignal<Option<Drag>>,
}

impl Arrows {
    pub(super) fn new(app: App, pointer: Pointer) -> Self {
        Self { app, cross: RwSignal::new(None), drag: pointer.drag }
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
        let step = if event.shift_key() { STEPS[0] } else { STEPS[1] };
        let [across, down] = self.cross.get_untracked().unwrap_or([0.5; 2]);
        let place =
            [(across + step * direction[0]).clamp(0.0, 1.0), (down + step * direction[1]).clamp(0.0, 1.0)];
        self.cross.set(Some(place));
        self.app.desk.camera.update(|camera| *camera = camera.showing(place));
        if direction != [0.0; 2] {
            self.drag.update(|drag| drag.iter_mut().for_each(|drag| drag.to = place));
            let aim = self.app.aim(place, gesture(tool, false, event.alt_key()));
            return self.app.dispatch(Event::Pointed(aim.filter(|_| tool.is_pointer() && tool != Tool::Box)));
        }
        match (tool, self.drag.get_untracked()) {
            (Tool::Box, None) => self.drag.set(Some(Drag { from: place, to: place, is_box: true })),
            (Tool::Box, Some(drag)) => {
                self.drag.set(None);
                boxed(self.app, drag, event.shift_key());
            }
            (Tool::Restore | Tool::Erase, _) => {
                let desk = self.app.desk;
                desk.begin_stroke(self.app.state, self.app.point(place));
                desk.end_stroke().into_iter().for_each(|action| self.app.mend(action));
            }
            (Tool::Hand, _) => {}
            _ => {
                let aim = self.app.aim(place, gesture(tool, event.shift_key(), event.alt_key()));
                aim.into_iter().for_each(|aim| self.app.dispatch(Event::Clicked(aim)));
            }
        }
    }

    pub(super) fn blurred(self) {
        if self.cross.get_untracked().is_some() {
            self.cross.set(None);
            self.drag.set(None);
            self.app.dispatch(Event::Pointed(None));
        }
    }
}
