//! How certain an object must be, and what to take home.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::{AppState, Event, ExportWanted};

/// Threshold slider and downloads.
#[component]
pub(super) fn Controls(app: App) -> impl IntoView {
    let state = app.state;
    let threshold = Memo::new(move |_| state.with(|state| state.threshold));
    let nothing_shown = Memo::new(move |_| state.with(|state| state.shown_count() == 0));
    let nothing_picked = Memo::new(move |_| state.with(|state| state.selected.is_none()));
    let segmented = Memo::new(move |_| state.with(|state| state.elapsed_ms.is_some()));
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
            <Show when=move || segmented.get()>
                <p class="hint" data-testid="hint">{move || state.with(hint)}</p>
            </Show>
        </div>
    }
}

/// What can be done on the photo now.
fn hint(state: &AppState) -> String {
    match (state.choice(), state.selected) {
        (Some([choice, choices]), _) => {
            let again = if choices > 1 {
                format!("Mask {choice} of {choices} here: click again for the next. ")
            } else {
                String::new()
            };
            format!("{again}Shift-click adds a place, Alt-click takes one away, Escape drops the object.")
        }
        (None, Some(_)) => "Click it again for a part or a whole of it. Escape puts it back.".into(),
        (None, None) => {
            "Click an object to look at it alone and to save it. Click anything else, or draw a box around it, to find it.".into()
        }
    }
}
