//! The notice of a newer build of this page.

use leptos::prelude::*;

use crate::web::app::App;

/// A notice that offers the newer build; until then the open page continues to work.
#[component]
pub(super) fn NewVersion(app: App) -> impl IntoView {
    let is_there = RwSignal::new(false);
    let listener = window_event_listener_untyped("newversion", move |_| is_there.set(true));
    on_cleanup(move || listener.remove());
    // In a browser that cannot reload, the notice stays.
    let reload = move |_| drop(window().location().reload());
    view! {
        <div role="status">
            <Show when=move || is_there.get()>
                <div class="notice" data-testid="new-version">
                    <p>{app.says("new-version")}</p>
                    <button on:click=reload>{app.says("reload")}</button>
                    <button on:click=move |_| is_there.set(false)>{app.says("later")}</button>
                </div>
            </Show>
        </div>
    }
}
