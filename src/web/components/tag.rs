//! The name of an object, at the object.

use leptos::prelude::*;

use crate::instance::colour;
use crate::web::app::App;
use crate::web::state::AppState;

/// Label and score of the object pointed at, or else of the one picked, at the corner of its box.
#[component]
pub(super) fn Tag(app: App) -> impl IntoView {
    let named = Memo::new(move |_| app.state.with(named));
    move || {
        named.get().map(|(text, style)| view! { <div class="tag" data-testid="tag" style=style>{text}</div> })
    }
}

/// Text and place. The tag grows away from the nearer side, so that it stays on the photo.
fn named(state: &AppState) -> Option<(String, String)> {
    let index = state.hovered.or_else(|| state.selected_one())?;
    let (found, size) = (state.instances.get(index)?, state.photo.as_ref()?.size);
    let share = |pixels: usize, side: usize| 100.0 * pixels as f64 / side.max(1) as f64;
    let [x, y, width, _] = found.bbox;
    let (left, right) = (share(x, size.width), 100.0 - share(x + width, size.width));
    let side = if left <= right { format!("left: {left:.2}%") } else { format!("right: {right:.2}%") };
    let top = share(y, size.height).min(90.0);
    let [r, g, b] = colour(index);
    Some((
        format!("{} {:.0} %", found.label, found.score * 100.0),
        format!("{side}; top: {top:.2}%; --colour: rgb({r} {g} {b})"),
    ))
}
