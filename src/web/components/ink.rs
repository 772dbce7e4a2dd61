//! The brush and its strokes, until they are in a mask.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::desk::Ink;
use crate::web::state::AppState;

/// The strokes in pixels of the photo; and around the brush, a circle of its size, with a second one where a
/// soft brush covers half.
#[component]
pub(super) fn InkLayer(app: App, brush: RwSignal<Option<[f64; 2]>>) -> impl IntoView {
    let (state, desk) = (app.state, app.desk);
    let size = Memo::new(move |_| state.with(|state| state.photo.as_ref().map(|photo| photo.size)));
    let mending = Memo::new(move |_| state.with(AppState::is_mending));
    Effect::new(move |_| {
        if !mending.get() {
            desk.dry();
        }
    });
    let frame = move || {
        size.get().map_or_else(|| "0 0 1 1".into(), |size| format!("0 0 {} {}", size.width, size.height))
    };
    let drawing = Memo::new(move |_| state.with(|state| state.tool.is_brush()));
    let circle = move || brush.get().filter(|_| drawing.get());
    let half = move || half_covered(desk.brush_width(state) / 2.0, desk.softness.get() / 100.0).to_string();
    view! {
        <svg class="ink" viewBox=frame aria-hidden="true">
            {move || desk.ink.get().into_iter().map(|ink| view! {
                <polyline
                    class:erases=ink.erases
                    points=corners(&ink)
                    stroke-width=(2.0 * half_covered(ink.stroke.radius, ink.stroke.softness)).to_string()
                />
            }).collect_view()}
            {move || circle().map(|[x, y]| view! {
                <circle cx=x.to_string() cy=y.to_string() r=move || (desk.brush_width(state) / 2.0).to_string()/>
                <circle class="half" cx=x.to_string() cy=y.to_string() r=half/>
            })}
        </svg>
    }
}

/// Returns the distance from its centre at which a brush covers half of a pixel, where the edge of the mask
/// is.
fn half_covered(radius: f64, softness: f64) -> f64 {
    radius * (1.0 - softness / 2.0)
}

/// Returns the points of a line; a single point becomes a line of no length, whose caps are round.
fn corners(Ink { stroke, .. }: &Ink) -> String {
    let points = stroke.points.iter().chain(stroke.points.first().filter(|_| stroke.points.len() == 1));
    points.map(|[x, y]| format!("{x:.2},{y:.2}")).collect::<Vec<_>>().join(" ")
}
