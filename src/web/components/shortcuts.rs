//! The list of keyboard shortcuts.

use leptos::html::Dialog;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::web::app::App;

/// Keys, and text keys of what they do; single letters work only while they are switched on.
const KEYS: [(&str, &str); 17] = [
    ("← ↑ → ↓", "key-point"),
    ("Enter", "key-pick"),
    ("Shift Enter", "key-add"),
    ("Alt Enter", "key-remove"),
    ("Esc", "key-put-back"),
    ("Shift F10", "key-menu"),
    ("Delete", "key-delete"),
    ("Ctrl Z", "key-undo"),
    ("Ctrl Shift Z", "key-redo"),
    ("Ctrl A", "key-pick-all"),
    ("V", "key-clicks"),
    ("B", "key-brush"),
    ("E", "key-erase"),
    ("[ ]", "key-brush-size"),
    ("H", "key-move"),
    ("+ −", "key-zoom"),
    ("0", "key-fit"),
];

/// The button that opens the list, as does the ? key.
#[component]
pub(super) fn Shortcuts(app: App) -> impl IntoView {
    let sheet = NodeRef::<Dialog>::new();
    let open = move || {
        // If it is open already, it stays open.
        sheet.get_untracked().into_iter().for_each(|sheet| drop(sheet.show_modal()));
    };
    let close = move |_| sheet.get_untracked().into_iter().for_each(|sheet| sheet.close());
    let listener = window_event_listener(leptos::ev::keydown, move |event: KeyboardEvent| {
        if event.key() == "?" && app.desk.single_keys.get_untracked() && !super::keys::writes(&event) {
            event.prevent_default();
            open();
        }
    });
    on_cleanup(move || listener.remove());
    view! {
        <button class="link" data-testid="shortcuts" on:click=move |_| open()>{app.says("shortcuts-button")}</button>
        <dialog class="sheet-of-keys" node_ref=sheet aria-labelledby="keys-title">
            <h2 id="keys-title">{app.says("shortcuts")}</h2>
            <dl>
                {KEYS.map(|(keys, key)| view! { <div><dt><kbd>{keys}</kbd></dt><dd>{app.says(key)}</dd></div> }).into_iter().collect_view()}
            </dl>
            <button on:click=close>{app.says("close")}</button>
        </dialog>
    }
}
