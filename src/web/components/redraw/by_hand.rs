//! Patches hidden by hand, with a pointer or with arrow keys and Enter.

use js_sys::Uint8Array;
use leptos::html::Canvas;
use leptos::prelude::*;
use web_sys::{HtmlElement, KeyboardEvent, PointerEvent};

use super::super::pointer::place;
use crate::web::app::App;
use crate::web::dom;
use crate::web::patches::{patch_at, patch_beside, patches_between};
use crate::web::protocol::Size;
use crate::web::state::{Event, RedrawEvent};

/// The colours over a hidden patch and over a visible one.
const COVERED: [u8; 4] = [24, 26, 32, 235];
const OPEN: [u8; 4] = [0; 4];

/// The cover over the photo, which also receives pointer events.
#[component]
pub(super) fn ByHand(app: App) -> impl IntoView {
    let (cover, canvas) = (Cover::new(app), NodeRef::<Canvas>::new());
    Effect::new(move |_| {
        let (Some(canvas), width) = (canvas.get(), cover.grid.get()) else { return };
        // If the canvas cannot be drawn on, it stays empty.
        let _ = dom::resize(&canvas, Size { width, height: width })
            .and_then(|()| dom::repaint(&canvas, &cover.pixels().buffer()));
    });
    let frame = move || {
        let (patch, side) = (cover.cursor.get()?, cover.grid.get().max(1));
        let share = |cells: usize| format!("{}%", cells as f64 * 100.0 / side as f64);
        let (left, top) = (share(patch % side), share(patch / side));
        Some(view! {
            <div class="patch" style:left=left style:top=top style:width=share(1) style:height=share(1)></div>
        })
    };
    view! {
        <canvas
            class="cover"
            node_ref=canvas
            width="1"
            height="1"
            tabindex="0"
            role="application"
            aria-label=app.says("patch-keys")
            data-testid="redraw-by-hand"
            on:pointerdown=move |event| cover.down(&event)
            on:pointermove=move |event| cover.moved(&event)
            on:pointerup=move |_| cover.stroke.set_value(None)
            on:pointercancel=move |_| cover.stroke.set_value(None)
            on:keydown=move |event| cover.pressed(&event)
            on:blur=move |_| cover.cursor.set(None)
        ></canvas>
        {frame}
        <p class="spoken" role="status">{move || cover.words()}</p>
    }
}

/// The hidden patches, and the state of input.
#[derive(Clone, Copy)]
struct Cover {
    app: App,
    hidden: Memo<Vec<bool>>,
    /// Number of patches per side.
    grid: Memo<usize>,
    /// The patch at which the keyboard cursor is.
    cursor: RwSignal<Option<usize>>,
    /// The last place of the pressed pointer, and whether it hides patches.
    stroke: StoredValue<Option<([f64; 2], bool)>>,
}

impl Cover {
    fn new(app: App) -> Self {
        let hidden =
            Memo::new(move |_| app.state.with(|state| state.redraw.by_hand.clone().unwrap_or_default()));
        let grid = Memo::new(move |_| hidden.with(Vec::len).isqrt());
        Self { app, hidden, grid, cursor: RwSignal::new(None), stroke: StoredValue::new(None) }
    }

    /// Returns RGBA bytes, one pixel per patch.
    fn pixels(self) -> Uint8Array {
        let of = |&hidden: &bool| if hidden { COVERED } else { OPEN };
        let pixels: Vec<u8> = self.hidden.with(|all| all.iter().flat_map(of).collect());
        Uint8Array::from(pixels.as_slice())
    }

    fn is_hidden(self, patch: usize) -> bool {
        self.hidden.with_untracked(|all| all.get(patch) == Some(&true))
    }

    fn paint(self, patches: Vec<usize>, hides: bool) {
        self.app.dispatch(Event::Redraw(RedrawEvent::Painted(patches, hides)));
    }

    /// Starts a stroke that hides or shows the touched patch and all others that the pointer passes.
    fn down(self, event: &PointerEvent) {
        let canvas: HtmlElement = event_target(event);
        if event.button() != 0 || canvas.set_pointer_capture(event.pointer_id()).is_err() {
            return;
        }
        let from = place(event);
        let patch = patch_at(from, self.grid.get_untracked());
        let hides = !self.is_hidden(patch);
        self.stroke.set_value(Some((from, hides)));
        self.paint(vec![patch], hides);
    }

    fn moved(self, event: &PointerEvent) {
        let Some((from, hides)) = self.stroke.get_value() else { return };
        let to = place(event);
        self.stroke.set_value(Some((to, hides)));
        self.paint(patches_between(from, to, self.grid.get_untracked()), hides);
    }

    fn pressed(self, event: &KeyboardEvent) {
        let direction = match event.key().as_str() {
            "ArrowLeft" => [-1, 0],
            "ArrowRight" => [1, 0],
            "ArrowUp" => [0, -1],
            "ArrowDown" => [0, 1],
            "Enter" | " " => [0, 0],
            _ => return,
        };
        event.prevent_default();
        let grid = self.grid.get_untracked();
        let before = self.cursor.get_untracked();
        let from = before.unwrap_or(grid / 2 * grid + grid / 2);
        let to = if before.is_some() { patch_beside(from, direction, grid) } else { from };
        self.cursor.set(Some(to));
        if direction == [0, 0] {
            self.paint(vec![to], !self.is_hidden(to));
        } else if event.shift_key() {
            self.paint(vec![to], self.is_hidden(from));
        }
    }

    /// Describes the patch under the keyboard cursor for screen readers.
    fn words(self) -> Option<String> {
        let (patch, side) = (self.cursor.get()?, self.grid.get().max(1));
        let is_hidden = self.hidden.with(|all| all.get(patch) == Some(&true));
        let key = if is_hidden { "patch-hidden" } else { "patch-seen" };
        let [row, column] = [patch / side + 1, patch % side + 1];
        Some(self.app.tells(key, [("row", row.into()), ("column", column.into())]))
    }
}
