//! The name tag of an object on the photo.

use leptos::prelude::*;

use super::words::named;
use crate::instance::colour;
use crate::web::app::App;
use crate::web::state::AppState;

/// Label and score of the object under the pointer, or else of the picked one, at the corner of its box.
#[component]
pub(super) fn Tag(app: App) -> impl IntoView {
    let placed = Memo::new(move |_| app.state.with(|state| placed(app, state)));
    move || {
        placed.get().map(|Named { text, left, right, top, colour }| {
            view! {
                <div class="tag" data-testid="tag" style:left=left style:right=right style:top=top style:--colour=colour>
                    {text}
                </div>
            }
        })
    }
}

/// A name and its place in CSS.
#[derive(Debug, Clone, PartialEq)]
struct Named {
    text: String,
    left: Option<String>,
    right: Option<String>,
    top: String,
    colour: String,
}

/// Places the tag, which grows away from the nearer side, so that it stays on the photo.
fn placed(app: App, state: &AppState) -> Option<Named> {
    let index = state.hovered.or_else(|| state.selected_one())?;
    let (found, size) = (state.instances.get(index)?, state.photo.as_ref()?.size);
    let share = |pixels: usize, side: usize| 100.0 * pixels as f64 / side.max(1) as f64;
    let [x, y, width, _] = found.bbox;
    let (left, right) = (share(x, size.width), 100.0 - share(x + width, size.width));
    let is_left = left <= right;
    let [r, g, b] = colour(index);
    Some(Named {
        text: named(app, found),
        left: is_left.then(|| format!("{left:.2}%")),
        right: (!is_left).then(|| format!("{right:.2}%")),
        top: format!("{:.2}%", share(y, size.height).min(90.0)),
        colour: format!("rgb({r} {g} {b})"),
    })
}
