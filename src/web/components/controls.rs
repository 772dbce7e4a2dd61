//! How certain an object must be.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::Event;

/// The threshold slider.
#[component]
pub(super) fn Controls(app: App) -> impl IntoView {
    let state = app.state;
    let threshold = Memo::new(move |_| state.with(|state| state.threshold));
    let moved = move |event| {
        if let Ok(value) = event_target_value(&event).parse() {
            app.dispatch(Event::ThresholdMoved(value));
        }
    };
    view! {
        <div class="controls">
            <label class="threshold">
                <span>"Minimum confidence"</span>
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
        </div>
    }
}
