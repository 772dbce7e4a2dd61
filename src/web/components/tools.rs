//! What a click on the photo does, for those who have no keys to hold, and what can be done now.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::{AppState, Event, Tool};

const TOOLS: [(Tool, &str, &str); 4] = [
    (Tool::Pick, "Pick", "Click an object to pick it, or anything else to find it"),
    (Tool::Add, "Add", "Add a place to the object (Shift-click)"),
    (Tool::Remove, "Take away", "Take a place away from the object (Alt-click)"),
    (Tool::Box, "Box", "Draw a box around an object to find it (drag with the mouse)"),
];

/// A button for each tool, and a hint.
#[component]
pub(super) fn Tools(app: App) -> impl IntoView {
    let state = app.state;
    let segmented = Memo::new(move |_| state.with(|state| state.elapsed_ms.is_some()));
    let tool = Memo::new(move |_| state.with(|state| state.tool));
    let nothing = Memo::new(move |_| state.with(|state| !state.is_picking()));
    view! {
        <Show when=move || segmented.get()>
            <div class="tools">
                <div class="segments" role="group" aria-label="What a click does">
                    {TOOLS.map(|(each, name, title)| view! {
                        <button
                            title=title
                            data-tool=name
                            aria-pressed=move || (tool.get() == each).to_string()
                            on:click=move |_| app.dispatch(Event::ToolChosen(each))
                        >
                            {name}
                        </button>
                    }).into_iter().collect_view()}
                </div>
                <p class="hint" data-testid="hint">{move || state.with(hint)}</p>
                // Escape, for fingers; it keeps its place, so that nothing moves.
                <button class="link" class:unseen=nothing data-testid="put-back" disabled=nothing on:click=move |_| app.dispatch(Event::Dismissed)>
                    "Put back"
                </button>
            </div>
        </Show>
    }
}

/// What can be done on the photo now.
fn hint(state: &AppState) -> String {
    match (state.choice(), state.selected) {
        (Some([choice, choices]), _) if choices > 1 => {
            format!("Mask {choice} of {choices} here: click again for the next. Escape drops it.")
        }
        (Some(_), _) => "Add places or take them away. Escape drops the object.".into(),
        (None, Some(_)) => "Click it again for a part or a whole of it. Escape puts it back.".into(),
        (None, None) => "Click anything to pick or find it, or draw a box around it.".into(),
    }
}
