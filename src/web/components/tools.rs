//! The toolbar: tools (for devices without modifier keys), a hint, history and zoom.

use leptos::prelude::*;

use super::keys::ZOOM;
use super::mend_bar::MendBar;
use super::words::percent;
use crate::web::app::App;
use crate::web::state::{AppState, Event, Tool};

/// Tools, and the text keys of their names.
const TOOLS: [(Tool, &str, &str); 7] = [
    (Tool::Pick, "tool-pick", "tool-pick-about"),
    (Tool::Add, "tool-add", "tool-add-about"),
    (Tool::Remove, "tool-remove", "tool-remove-about"),
    (Tool::Box, "tool-box", "tool-box-about"),
    (Tool::Restore, "tool-brush", "tool-brush-about"),
    (Tool::Erase, "tool-eraser", "tool-eraser-about"),
    (Tool::Hand, "tool-hand", "tool-hand-about"),
];

/// A button for each tool, a hint, the brush, history, zoom, and the controls of the picked objects.
#[component]
pub(super) fn Tools(app: App) -> impl IntoView {
    let state = app.state;
    let segmented = Memo::new(move |_| state.with(|state| state.elapsed_ms.is_some()));
    let tool = Memo::new(move |_| state.with(|state| state.tool));
    let nothing = Memo::new(move |_| state.with(|state| !state.is_picking()));
    view! {
        <Show when=move || segmented.get()>
            <div class="tools">
                <div class="segments" role="group" aria-label=app.says("tools")>
                    {TOOLS.map(|(each, key, about)| view! {
                        <button
                            title=app.says(about)
                            data-tool=key
                            aria-pressed=move || (tool.get() == each).to_string()
                            on:click=move |_| app.dispatch(Event::ToolChosen(each))
                        >
                            {app.says(key)}
                        </button>
                    }).into_iter().collect_view()}
                </div>
                <Brush app/>
                <Steps app/>
                <Zoom app/>
                <p class="hint" data-testid="hint">
                    {move || state.with(|state| hint(app, state))}
                    <Show when=move || tool.get().is_brush()>
                        <span class="by-keys">" " {app.says("hint-brush-keys")}</span>
                    </Show>
                </p>
                // The Escape key for touch screens; it keeps its space, so that nothing moves.
                <button class="link" class:unseen=nothing title=app.says("put-back-about") data-testid="put-back" disabled=nothing on:click=move |_| app.dispatch(Event::Dismissed)>
                    {app.says("put-back")}
                </button>
            </div>
            <MendBar app/>
        </Show>
    }
}

/// Sliders of the brush.
#[component]
fn Brush(app: App) -> impl IntoView {
    let (state, desk) = (app.state, app.desk);
    let draws = Memo::new(move |_| state.with(|state| state.tool.is_brush()));
    let slider =
        move |[key, about]: [&'static str; 2], value: RwSignal<f64>, says: fn(App, f64) -> String| {
            let moved = move |event| {
                if let Ok(to) = event_target_value(&event).parse() {
                    value.set(to);
                }
            };
            view! {
                <label class="brush">
                    <span>{app.says(key)}</span>
                    <input
                        type="range"
                        min="0"
                        max="100"
                        aria-valuetext=move || says(app, value.get())
                        title=app.says(about)
                        disabled=move || !draws.get()
                        data-testid=key
                        prop:value=move || value.get().to_string()
                        on:input=moved
                    />
                </label>
            }
        };
    view! {
        <div class="brushes" role="group" aria-label=app.says("brush")>
        {slider(["brush-size", "brush-size-about"], desk.brush, |app, _| {
            app.tells("pixels", [("count", app.desk.brush_width(app.state).into())])
        })}
        {slider(["brush-softness", "brush-softness-about"], desk.softness, |app, value| percent(app, value / 100.0))}
        </div>
    }
}

/// Buttons for undo and redo.
#[component]
fn Steps(app: App) -> impl IntoView {
    let nothing = |which: usize| Memo::new(move |_| app.state.with(|state| !state.history[which]));
    view! {
        <div class="buttons" role="group" aria-label=app.says("history")>
            <button title=app.says("undo-about") data-mend="undo" disabled=nothing(0) on:click=move |_| app.dispatch(Event::UndoWanted)>{app.says("undo")}</button>
            <button title=app.says("redo-about") data-mend="redo" disabled=nothing(1) on:click=move |_| app.dispatch(Event::RedoWanted)>{app.says("redo")}</button>
        </div>
    }
}

/// Buttons for zoom, and one that hides the masks while it is held.
#[component]
fn Zoom(app: App) -> impl IntoView {
    let desk = app.desk;
    let held = move |is_bare| move |_| desk.is_bare.set(is_bare);
    let pressed = move |event: web_sys::KeyboardEvent| {
        if matches!(event.key().as_str(), " " | "Enter") {
            desk.is_bare.set(true);
        }
    };
    view! {
        <div class="buttons" role="group" aria-label=app.says("zoom")>
            <button title=app.says("zoom-out-about") aria-label=app.says("zoom-out") data-zoom="out" on:click=move |_| desk.zoom(1.0 / ZOOM)>"−"</button>
            <button title=app.says("fit-about") data-zoom="fit" on:click=move |_| desk.fit()>{app.says("fit")}</button>
            <button title=app.says("zoom-in-about") aria-label=app.says("zoom-in") data-zoom="in" on:click=move |_| desk.zoom(ZOOM)>"+"</button>
            <button
                title=app.says("bare-about")
                data-testid="bare"
                aria-pressed=move || desk.is_bare.get().to_string()
                on:pointerdown=held(true)
                on:pointerup=held(false)
                on:pointerleave=held(false)
                on:pointercancel=held(false)
                on:contextmenu=move |event| event.prevent_default()
                on:keydown=pressed
                on:keyup=move |_| desk.is_bare.set(false)
                on:blur=move |_| desk.is_bare.set(false)
            >{app.says("bare")}</button>
        </div>
    }
}

/// Returns a hint on what can be done on the photo now.
fn hint(app: App, state: &AppState) -> String {
    let key = match state.tool {
        Tool::Restore if state.selected.is_empty() => "hint-new-object",
        Tool::Restore => "hint-restore",
        Tool::Erase if state.selected.is_empty() => "hint-pick-first",
        Tool::Erase => "hint-erase",
        Tool::Hand => "hint-hand",
        Tool::Pick | Tool::Add | Tool::Remove | Tool::Box => match (state.choice(), state.selected_one()) {
            _ if state.selected.len() > 1 => "hint-several",
            (Some([choice, choices]), _) if choices > 1 => {
                let counts = [("choice", choice.into()), ("choices", choices.into())];
                return app.tells("hint-choices", counts);
            }
            (Some(_), _) => "hint-add",
            (None, Some(_)) => "hint-again",
            (None, None) => "hint-click",
        },
    };
    app.text(key)
}
