//! Top and bottom of the page.

use leptos::prelude::*;

use super::keys::SingleKeys;
use super::views::ViewSwitch;
use super::words::megabytes;
use crate::web::app::App;
use crate::web::protocol::{Backend, ModelInfo};
use crate::web::state::Event;

/// Name, promise, and the backend in use.
#[component]
pub(super) fn Header(app: App) -> impl IntoView {
    let model = Memo::new(move |_| app.state.with(|state| state.model.clone()));
    view! {
        <header class="top">
            <div class="brand">
                <h1>"mae-seg"</h1>
                <p>"Every object in your photo, as its own mask. Computed on your device: nothing is uploaded."</p>
            </div>
            <ViewSwitch app/>
            <p class="backend" data-testid="backend" data-backend=move || model.with(|model| backend_name(model.as_ref()))>
                {move || model.with(|model| backend_words(model.as_ref()))}
            </p>
        </header>
    }
}

/// What is kept in this browser, and how to remove it.
#[component]
pub(super) fn Footer(app: App) -> impl IntoView {
    let kept = Memo::new(move |_| {
        app.state
            .with(|state| state.model.as_ref().filter(|model| model.kept).map(|model| model.weight_bytes))
    });
    view! {
        <footer>
            <p>"A Vision Transformer in Rust, from training to this page."</p>
            <SingleKeys app/>
            {move || kept.get().map(|bytes| view! {
                <p>
                    {format!("{} of weights are kept in this browser for the next visit. ", megabytes(bytes))}
                    <button class="link" on:click=move |_| app.dispatch(Event::ForgetWeights)>"Remove them"</button>
                </p>
            })}
        </footer>
    }
}

fn backend_name(model: Option<&ModelInfo>) -> &'static str {
    match model.map(|model| model.backend) {
        Some(Backend::Cpu) => "cpu",
        Some(Backend::WebGpu) => "webgpu",
        None => "none",
    }
}

fn backend_words(model: Option<&ModelInfo>) -> String {
    match model {
        None => "Looking for the fastest way to compute…".into(),
        Some(ModelInfo { fallback: Some(reason), .. }) => reason.clone(),
        Some(ModelInfo { backend: Backend::Cpu, .. }) => "Using the CPU".into(),
        Some(ModelInfo { backend: Backend::WebGpu, .. }) => "Using the graphics processor (WebGPU)".into(),
    }
}
