//! A newer build of this page.

use leptos::prelude::*;

use crate::web::app::App;

/// Says that there is one, and offers it; what is open goes on as it is until then.
#[component]
pub(super) fn NewVersion(app: App) -> impl IntoView {
    let is_there = RwSignal::new(false);
    let listener = window_event_listener_untyped("newversion", move |_| is_there.set(true));
    on_cleanup(move || listener.remove());
    // A browser that cannot reload leaves the sentence on the page.
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
