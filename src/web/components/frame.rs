//! Header and footer of the page.

use leptos::prelude::*;

use super::keys::SingleKeys;
use super::language::LanguageSwitch;
use super::shortcuts::Shortcuts;
use super::views::ViewSwitch;
use super::words::megabytes;
use crate::web::app::App;
use crate::web::protocol::{Backend, Fallback, ModelInfo};
use crate::web::state::Event;

/// The name, the promise, and the backend in use.
#[component]
pub(super) fn Header(app: App) -> impl IntoView {
    let model = Memo::new(move |_| app.state.with(|state| state.model.clone()));
    view! {
        <header class="top">
            <div class="brand">
                <h1>"mae-seg"</h1>
                <p>{app.says("page-promise")}</p>
            </div>
            <ViewSwitch app/>
            <p
                class="backend"
                data-testid="backend"
                data-backend=move || model.with(|model| backend_name(model.as_ref()))
                hidden=move || model.with(Option::is_none)
            >
                {move || model.with(|model| model.as_ref().map(|model| app.text(backend_words(model))))}
            </p>
        </header>
    }
}

/// What is kept in this browser, and buttons to remove it.
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
            <p>{app.says("footer-about")}</p>
            <LanguageSwitch app/>
            {move || kept_photos().map(|bytes| view! {
                <p data-testid="kept-photos">
                    {app.tells("photos-kept", [("count", photos.get().into()), ("size", megabytes(app, bytes as u64).into())])} " "
                    <button class="link" data-testid="start-fresh" on:click=move |_| app.dispatch(Event::StartedFresh)>{app.says("start-fresh")}</button>
                </p>
            })}
            <Shortcuts app/>
            <SingleKeys app/>
            {move || kept.get().map(|bytes| view! {
                <p>
                    {app.tells("model-kept", [("size", megabytes(app, bytes).into())])} " "
                    <button class="link" data-testid="forget-weights" on:click=move |_| app.dispatch(Event::ForgetWeights)>{app.says("remove-model")}</button>
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

/// Returns the text key for the backend.
const fn backend_words(model: &ModelInfo) -> &'static str {
    match (model.fallback, model.backend) {
        (Some(Fallback::Missing), _) => "gpu-missing",
        (Some(Fallback::Failed), _) => "gpu-failed",
        (Some(Fallback::Wrong), _) => "gpu-wrong",
        (None, Backend::Cpu) => "backend-cpu",
        (None, Backend::WebGpu) => "backend-gpu",
    }
}
