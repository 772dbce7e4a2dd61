//! The threshold of confidence.

use leptos::prelude::*;

use super::words::percent;
use crate::web::app::App;
use crate::web::state::Event;

/// The threshold slider.
#[component]
pub(super) fn Controls(app: App) -> impl IntoView {
    let state = app.state;
    let threshold = Memo::new(move |_| state.with(|state| state.threshold));
    // Each model has its own initial threshold.
    let is_known = Memo::new(move |_| state.with(|state| state.model.is_some()));
    let moved = move |event| {
        if let Ok(value) = event_target_value(&event).parse() {
            app.dispatch(Event::ThresholdMoved(value));
        }
    };
    let share = move || is_known.get().then(|| percent(app, threshold.get()));
    view! {
        <div class="controls">
            <div class="threshold">
                <label for="threshold">{app.says("minimum-confidence")}</label>
                <output for="threshold">{share}</output>
                <input
                    type="range"
                    id="threshold"
                    disabled=move || !is_known.get()
                    aria-valuetext=share
                    min="0.02"
                    max="0.95"
                    step="0.01"
                    data-testid="threshold"
                    prop:value=move || threshold.get().to_string()
                    on:input=moved
                />
            </div>
        </div>
    }
}
