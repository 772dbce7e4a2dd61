//! A picture made by the worker.

use js_sys::ArrayBuffer;
use leptos::html::Canvas;
use leptos::prelude::*;

use crate::web::app::App;
use crate::web::dom;
use crate::web::sheets::square_of;

/// The square picture at `index` of `pictures`; empty while there is none.
#[component]
pub(super) fn Picture(
    app: App,
    pictures: RwSignal<Vec<ArrayBuffer>, LocalStorage>,
    index: usize,
    name: &'static str,
    /// Text key of what it shows.
    title: &'static str,
) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        let (Some(canvas), Some(rgba)) = (canvas.get(), pictures.with(|all| all.get(index).cloned())) else {
            return;
        };
        let size = square_of(&rgba);
        // If the canvas cannot be drawn on, it stays empty.
        let _ = dom::resize(&canvas, size).and_then(|()| dom::repaint(&canvas, &rgba));
    });
    view! { <canvas node_ref=canvas width="1" height="1" role="img" aria-label=app.says(title) data-testid=name></canvas> }
}
