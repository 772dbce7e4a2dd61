//! Features of the encoder's patches, before and after fine-tuning.

use js_sys::{ArrayBuffer, Uint8Array};
use leptos::html::Canvas;
use leptos::prelude::*;
use web_sys::PointerEvent;

use super::super::pointer::place;
use crate::web::app::App;
use crate::web::dom;
use crate::web::patches::patch_beside;
use crate::web::protocol::Size;
use crate::web::state::{Event, RedrawEvent};

/// Text keys of the encoders' names.
const ENCODERS: [(&str, &str); 2] =
    [("features-before", "features-before-about"), ("features-after", "features-after-about")];

/// Two maps of the patches, computed when opened.
#[component]
pub(super) fn Features(app: App) -> impl IntoView {
    let state = app.state;
    let grids = Memo::new(move |_| state.with(|state| state.redraw.features));
    // The place in the square that is pointed at, both coordinates from 0 to 1.
    let spot = RwSignal::new(None::<[f64; 2]>);
    let toggled = move |event: web_sys::Event| {
        let details: web_sys::HtmlDetailsElement = event_target(&event);
        app.dispatch(Event::Redraw(RedrawEvent::FeaturesOpened(details.open())));
    };
    view! {
        <details class="features" data-testid="features" prop:open=state.with_untracked(|state| state.redraw.shows_features) on:toggle=toggled>
            <summary>{app.says("features")}</summary>
            <p class="hint">
                {app.says("features-about")}
            </p>
            {move || grids.get().map(|grids| view! {
                <div class="maps">
                    {[0, 1].map(|which| view! { <FeatureMap app which grid=grids[which] spot/> }).into_iter().collect_view()}
                </div>
            })}
        </details>
    }
}

/// The colours of one encoder's patches; while a patch is pointed at, the similarity of the others to it.
#[component]
fn FeatureMap(app: App, which: usize, grid: [usize; 2], spot: RwSignal<Option<[f64; 2]>>) -> impl IntoView {
    let (key, about) = ENCODERS[which];
    let [columns, rows] = grid;
    let canvas = NodeRef::<Canvas>::new();
    let buffer = move |index: usize| app.sheets.features.with(|all| all.get(2 * which + index).cloned());
    Effect::new(move |_| {
        let (Some(canvas), Some(colours), Some(alike)) = (canvas.get(), buffer(0), buffer(1)) else { return };
        let rgba = spot.get().map_or(colours, |place| lit(&alike, cell(place, grid)));
        // If the canvas cannot be drawn on, it stays empty.
        let _ = dom::resize(&canvas, Size { width: columns, height: rows })
            .and_then(|()| dom::repaint(&canvas, &rgba));
    });
    let pressed = move |event: web_sys::KeyboardEvent| {
        let direction = match event.key().as_str() {
            "ArrowLeft" => [-1, 0],
            "ArrowRight" => [1, 0],
            "ArrowUp" => [0, -1],
            "ArrowDown" => [0, 1],
            "Escape" => return spot.set(None),
            _ => return,
        };
        event.prevent_default();
        let side = columns.max(1);
        let from = spot.get_untracked().map_or(side / 2 * side + side / 2, |place| cell(place, grid));
        let to = patch_beside(from, direction, side);
        let middle = |cell: usize| (cell as f64 + 0.5) / side as f64;
        spot.set(Some([middle(to % side), middle(to / side)]));
    };
    view! {
        <figure>
            <canvas
                node_ref=canvas
                width="1"
                height="1"
                tabindex="0"
                role="img"
                aria-label=app.says(about)
                data-testid=key
                on:pointermove=move |event: PointerEvent| spot.set(Some(place(&event)))
                on:pointerleave=move |_| spot.set(None)
                on:keydown=pressed
                on:blur=move |_| spot.set(None)
            ></canvas>
            <figcaption>{app.says(key)}</figcaption>
        </figure>
    }
}

/// Returns the index of the patch at a place, in a grid of columns and rows.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates at the picture's edges"
)]
fn cell([across, down]: [f64; 2], [columns, rows]: [usize; 2]) -> usize {
    let at = |place: f64, cells: usize| ((place * cells as f64) as usize).min(cells.saturating_sub(1));
    at(down, rows) * columns + at(across, columns)
}

/// Returns the similarity of all patches to one of them as a picture, from dark to light.
fn lit(alike: &ArrayBuffer, patch: usize) -> ArrayBuffer {
    let all = Uint8Array::new(alike);
    let count = all.length().isqrt();
    let row = all.subarray(patch as u32 * count, (patch as u32 + 1) * count).to_vec();
    let rgba: Vec<u8> =
        row.iter().flat_map(|&alike| [alike, alike, (alike / 2).saturating_add(40), 255]).collect();
    Uint8Array::from(rgba.as_slice()).buffer()
}
