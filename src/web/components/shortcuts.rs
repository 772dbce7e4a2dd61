//! The sheet of keys.

use leptos::html::Dialog;
use leptos::prelude::*;
use web_sys::KeyboardEvent;

use crate::web::app::App;

/// Keys, and what they do; those of one letter only while they are switched on.
const KEYS: [(&str, &str); 16] = [
    ("← ↑ → ↓", "Point on the photo"),
    ("Enter", "Pick the object there"),
    ("Shift Enter", "Add a place to the object"),
    ("Alt Enter", "Take a place away"),
    ("Esc", "Put back what is picked"),
    ("Delete", "Delete the picked objects"),
    ("Ctrl Z", "Undo"),
    ("Ctrl Shift Z", "Redo"),
    ("Ctrl A", "Pick all objects"),
    ("V", "Pick with clicks"),
    ("B", "Brush: add to the object"),
    ("E", "Brush: erase"),
    ("[ ]", "Smaller or larger brush"),
    ("H", "Move the photo"),
    ("+ −", "Zoom in or out"),
    ("0", "Show the whole photo"),
];

/// The button that opens the sheet, which ? does, too.
#[component]
pub(super) fn Shortcuts(app: App) -> impl IntoView {
    let sheet = NodeRef::<Dialog>::new();
    let open = move || {
        // An open one stays open.
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
        <button class="link" data-testid="shortcuts" on:click=move |_| open()>"Keyboard shortcuts (?)"</button>
        <dialog class="sheet-of-keys" node_ref=sheet aria-labelledby="keys-title">
            <h2 id="keys-title">"Keyboard shortcuts"</h2>
            <dl>
                {KEYS.map(|(keys, words)| view! { <div><dt><kbd>{keys}</kbd></dt><dd>{words}</dd></div> }).into_iter().collect_view()}
            </dl>
            <button on:click=close>"Close"</button>
        </dialog>
    }
}
