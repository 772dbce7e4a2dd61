//! Measures the time that a photo takes on this device.

use js_sys::{Array, Reflect};
use leptos::prelude::*;

use super::words::title;
use crate::web::app::App;
use crate::web::dom;
use crate::web::protocol::{Backend, RUNS};
use crate::web::script;
use crate::web::state::{AppState, Event, Measuring};

/// A button that measures, and the result as a line to share.
#[component]
pub(super) fn Measure(app: App) -> impl IntoView {
    let can = Memo::new(move |_| app.state.with(AppState::can_measure));
    let done = Memo::new(move |_| match app.state.with(|state| state.measuring.clone()) {
        Measuring::Running(_, times) => Some(times.len()),
        _ => None,
    });
    let line = Memo::new(move |_| app.state.with(|state| line(app, state)));
    let copy = move |_| {
        let text = line.get_untracked().unwrap_or_default();
        let clipboard = Reflect::get(&window().navigator(), &"clipboard".into());
        // Without a clipboard, the line can still be selected by hand.
        drop(
            clipboard.and_then(|clipboard| script::call(&clipboard, "writeText", &Array::of1(&text.into()))),
        );
    };
    view! {
        <div class="measure">
            <button data-testid="measure" disabled=move || !can.get() on:click=move |_| app.dispatch(Event::MeasureWanted)>
                {move || match done.get() {
                    Some(done) => app.tells("measuring", [("done", done.into()), ("runs", RUNS.into())]),
                    None => app.text("measure-device"),
                }}
            </button>
            <Show when=move || line.with(Option::is_some)>
                <p class="hint" role="status"><code data-testid="measured">{line}</code></p>
                <button class="link" on:click=copy>{app.says("copy-line")}</button>
            </Show>
        </div>
    }
}

/// Formats a result such as `mae-tiny · 0.24 s a photo (0.23 to 0.26, 5 runs, 600 × 400) · CPU, 1 thread of 8
/// · mae-seg 0.1.0`.
fn line(app: App, state: &AppState) -> Option<String> {
    let (Measuring::Done(times, workers), Some(model)) = (&state.measuring, &state.model) else {
        return None;
    };
    let seconds = |place: usize| (times.get(place).copied().unwrap_or_default() / 1000.0).into();
    let device = match model.backend {
        Backend::Cpu => {
            let device = ("device", model.device.as_str().into());
            app.tells("threads-of", [device, ("threads", (*workers).into()), ("cores", cores().into())])
        }
        Backend::WebGpu => model.device.clone(),
    };
    let measured = app.tells(
        "measured",
        [
            ("model", title(app, &model.place).into()),
            ("median", seconds(times.len() / 2)),
            ("least", seconds(0)),
            ("most", seconds(times.len() - 1)),
            ("runs", times.len().into()),
            ("device", device.into()),
        ],
    );
    Some(format!("{measured} · mae-seg {} {}", env!("CARGO_PKG_VERSION"), dom::page_says("build")))
}

/// Returns the number of threads that the device runs at once.
fn cores() -> f64 {
    let cores = Reflect::get(&window().navigator(), &"hardwareConcurrency".into());
    cores.ok().and_then(|cores| cores.as_f64()).unwrap_or(1.0)
}
