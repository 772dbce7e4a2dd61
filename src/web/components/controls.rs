//! How certain an object must be, and what to take home.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::{Event, ExportWanted};

/// Threshold slider and downloads.
#[component]
pub(super) fn Controls(app: App) -> impl IntoView {
    let state = app.state;
    let threshold = Memo::new(move |_| state.with(|state| state.threshold));
    let nothing_shown = Memo::new(move |_| state.with(|state| !state.can_ask() || state.shown_count() == 0));
    let nothing_picked =
        Memo::new(move |_| state.with(|state| !state.can_ask() || state.selected.is_empty()));
    let moved = move |event| {
        if let Ok(value) = event_target_value(&event).parse() {
            app.dispatch(Event::ThresholdMoved(value));
        }
    };
    let save = move |wanted| move |_| app.dispatch(Event::ExportWanted(wanted));
    view! {
        <div class="controls">
            <label class="threshold">
                <span>"At least this certain"</span>
                <output>{move || format!("{:.0} %", threshold.get() * 100.0)}</output>
                <input
                    type="range"
                    min="0.02"
                    max="0.95"
                    step="0.01"
                    data-testid="threshold"
                    prop:value=move || threshold.get().to_string()
                    on:input=moved
                />
            </label>
            <div class="downloads" role="group" aria-label="Download">
                <button disabled=nothing_picked data-export="cut-out" on:click=save(ExportWanted::CutOut)>"Cut-out PNG"</button>
                <button disabled=nothing_picked data-export="mask" on:click=save(ExportWanted::Mask)>"Mask PNG"</button>
                <button disabled=nothing_shown data-export="coco" on:click=save(ExportWanted::Coco)>"COCO JSON"</button>
            </div>
        </div>
    }
}
