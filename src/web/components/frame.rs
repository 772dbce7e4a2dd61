//! Top and bottom of the page.

use leptos::prelude::*;

use super::keys::SingleKeys;
use super::shortcuts::Shortcuts;
use super::views::ViewSwitch;
use super::words::megabytes;
use crate::text::counted;
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
            <p
                class="backend"
                data-testid="backend"
                data-backend=move || model.with(|model| backend_name(model.as_ref()))
                hidden=move || model.with(Option::is_none)
            >
                {move || model.with(|model| model.as_ref().map(backend_words))}
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
    let photos = Memo::new(move |_| app.state.with(|state| state.gallery.entries().len()));
    let kept_photos = move || app.kept_bytes.get().filter(|_| photos.get() > 0);
    view! {
        <footer>
            <p>"A Vision Transformer in Rust, from training to this page."</p>
            {move || kept_photos().map(|bytes| view! {
                <p data-testid="kept-photos">
                    {format!("{}, {}, kept on this device for your next visit. ", counted(photos.get(), "photo"), megabytes(bytes as u64))}
                    <button class="link" data-testid="start-fresh" on:click=move |_| app.dispatch(Event::StartedFresh)>"Start fresh"</button>
                </p>
            })}
            <Shortcuts app/>
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

fn backend_words(model: &ModelInfo) -> String {
    match model {
        ModelInfo { fallback: Some(reason), .. } => reason.clone(),
        ModelInfo { backend: Backend::Cpu, .. } => "Using the CPU".into(),
        ModelInfo { backend: Backend::WebGpu, .. } => "Using the graphics processor (WebGPU)".into(),
    }
}
