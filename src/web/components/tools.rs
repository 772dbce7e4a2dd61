//! What a click on the photo does, for those who have no keys to hold, what can be done now, history and zoom.

use leptos::prelude::*;

use super::keys::ZOOM;
use super::mend_bar::MendBar;
use crate::web::app::App;
use crate::web::state::{AppState, Event, Tool};

const TOOLS: [(Tool, &str, &str); 7] = [
    (Tool::Pick, "Pick", "Click an object to pick it, or anything else to find it (V)"),
    (Tool::Add, "Add", "Add a place to the object (Shift-click)"),
    (Tool::Remove, "Take away", "Take a place away from the object (Alt-click)"),
    (
        Tool::Box,
        "Box",
        "Draw a box around an object to find it (drag with the mouse; with Shift, pick all that lie inside)",
    ),
    (Tool::Restore, "Brush", "Draw what belongs to the picked object, or a new one (B)"),
    (Tool::Erase, "Eraser", "Draw what does not belong to the picked objects (E)"),
    (Tool::Hand, "Move", "Move the photo (H, or drag with the middle mouse button)"),
];

/// A button for each tool, a hint, the size of the brush, history, zoom, and what can be done to the picked objects.
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
                <Brush app/>
                <Steps app/>
                <Zoom app/>
                <p class="hint" data-testid="hint">
                    {move || state.with(hint)}
                    <Show when=move || tool.get().is_brush()>
                        <span class="by-keys">" By keys, on the photo: arrows move the brush, Space held draws, [ and ] change its size."</span>
                    </Show>
                </p>
                // Escape, for fingers; it keeps its place, so that nothing moves.
                <button class="link" class:unseen=nothing title="Escape" data-testid="put-back" disabled=nothing on:click=move |_| app.dispatch(Event::Dismissed)>
                    "Put back"
                </button>
            </div>
            <MendBar app/>
        </Show>
    }
}

/// Sliders for the brush.
#[component]
fn Brush(app: App) -> impl IntoView {
    let (state, desk) = (app.state, app.desk);
    let draws = Memo::new(move |_| state.with(|state| state.tool.is_brush()));
    let slider =
        move |[words, name, title]: [&'static str; 3], value: RwSignal<f64>, says: fn(App, f64) -> String| {
            let moved = move |event| {
                if let Ok(to) = event_target_value(&event).parse() {
                    value.set(to);
                }
            };
            view! {
                <label class="brush">
                    <span>{words}</span>
                    <input
                        type="range"
                        min="0"
                        max="100"
                        aria-valuetext=move || says(app, value.get())
                        title=title
                        disabled=move || !draws.get()
                        data-testid=name
                        prop:value=move || value.get().to_string()
                        on:input=moved
                    />
                </label>
            }
        };
    view! {
        <div class="brushes" role="group" aria-label="Brush">
        {slider(["Brush size", "brush-size", "Size of the brush ([ and ] on the photo)"], desk.brush, |app, _| {
            format!("{} pixels", app.desk.brush_width(app.state))
        })}
        {slider(["Soft edge", "brush-softness", "How gently the brush fades out; cut-outs keep it"], desk.softness, |_, value| {
            format!("{value:.0} %")
        })}
        </div>
    }
}

/// Undo and redo.
#[component]
fn Steps(app: App) -> impl IntoView {
    let nothing = |which: usize| Memo::new(move |_| app.state.with(|state| !state.history[which]));
    view! {
        <div class="buttons" role="group" aria-label="History">
            <button title="Undo (Ctrl+Z)" data-mend="undo" disabled=nothing(0) on:click=move |_| app.dispatch(Event::UndoWanted)>"Undo"</button>
            <button title="Redo (Ctrl+Shift+Z)" data-mend="redo" disabled=nothing(1) on:click=move |_| app.dispatch(Event::RedoWanted)>"Redo"</button>
        </div>
    }
}

/// Zoom, and the photo without its masks for as long as a button is held.
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
        <div class="buttons" role="group" aria-label="View">
            <button title="Zoom out (−)" aria-label="Zoom out" data-zoom="out" on:click=move |_| desk.zoom(1.0 / ZOOM)>"−"</button>
            <button title="Show the whole photo (0)" data-zoom="fit" on:click=move |_| desk.fit()>"Fit"</button>
            <button title="Zoom in (+, or the wheel)" aria-label="Zoom in" data-zoom="in" on:click=move |_| desk.zoom(ZOOM)>"+"</button>
            <button
                title="Hold to see the photo without masks"
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
            >"Hold for the photo alone"</button>
        </div>
    }
}

/// What can be done on the photo now.
fn hint(state: &AppState) -> String {
    match state.tool {
        Tool::Restore if state.selected.is_empty() => return "Draw a new object.".into(),
        Tool::Restore => return "Draw what belongs to the picked object. Escape ends drawing.".into(),
        Tool::Erase if state.selected.is_empty() => return "Pick an object first.".into(),
        Tool::Erase => return "Draw what does not belong to the picked objects. Escape ends drawing.".into(),
        Tool::Hand => return "Drag the photo. The wheel, or two fingers, zoom.".into(),
        Tool::Pick | Tool::Add | Tool::Remove | Tool::Box => {}
    }
    match (state.choice(), state.selected_one()) {
        _ if state.selected.len() > 1 => {
            "What is done below is done to all that are picked. Escape puts them back.".into()
        }
        (Some([choice, choices]), _) if choices > 1 => {
            format!("Mask {choice} of {choices} here: click again for the next.")
        }
        (Some(_), _) => "Add places to it, or take them away.".into(),
        (None, Some(_)) => "Click it again for a part or a whole of it.".into(),
        (None, None) => "Click anything to pick or find it, or draw a box around it.".into(),
    }
}
