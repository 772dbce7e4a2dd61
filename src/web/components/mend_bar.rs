//! What can be done to the picked objects.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::document::Action;
use crate::web::protocol::Presence;
use crate::web::state::AppState;

/// Name, and buttons for everything that changes objects. All of it stays where it is, whatever is picked.
#[component]
pub(super) fn MendBar(app: App) -> impl IntoView {
    let state = app.state;
    let count = Memo::new(move |_| state.with(|state| state.selected.len()));
    view! {
        <div class="mend" role="group" aria-label="Picked objects">
            <p role="status" data-testid="picked">{move || state.with(words)}</p>
            <Name app/>
            <ObjectButtons app count/>
            <ShapeButtons app count/>
        </div>
    }
}

/// Buttons for whole objects.
#[component]
fn ObjectButtons(app: App, count: Memo<usize>) -> impl IntoView {
    let hidden = Memo::new(move |_| app.state.with(all_hidden));
    let button = move |name: &'static str,
                       words: &'static str,
                       title: &'static str,
                       least: usize,
                       action: fn() -> Action| {
        view! {
            <button title=title data-mend=name disabled=move || { count.get() < least } on:click=move |_| app.mend(action())>
                {words}
            </button>
        }
    };
    view! {
        <div class="buttons">
            <button
                title="Neither show nor save"
                data-mend="hide"
                disabled=move || count.get() == 0
                on:click=move |_| app.mend(if hidden.get_untracked() { Action::Show } else { Action::Hide })
            >{move || if hidden.get() { "Show" } else { "Hide" }}</button>
            {button("merge", "Merge", "Make one object of several", 2, || Action::Merge)}
            {button("split", "Split", "Make an object of each connected piece", 1, || Action::Split)}
            {button("delete", "Delete", "Delete (Del)", 1, || Action::Delete)}
            {button("new", "New", "An empty object, to be drawn with the brush", 0, || Action::Create("object".into()))}
        </div>
    }
}

/// Buttons for the outlines of objects, and by how many pixels.
#[component]
fn ShapeButtons(app: App, count: Memo<usize>) -> impl IntoView {
    let pixels = RwSignal::new(2_usize);
    let sized = move |event| {
        if let Ok(value) = event_target_value(&event).parse::<usize>() {
            pixels.set(value.clamp(1, 99));
        }
    };
    let button =
        move |name: &'static str, words: &'static str, title: &'static str, action: fn(usize) -> Action| {
            view! {
                <button
                    title=title
                    data-mend=name
                    disabled=move || count.get() == 0
                    on:click=move |_| app.mend(action(pixels.get_untracked()))
                >{words}</button>
            }
        };
    view! {
        <div class="buttons">
            {button("fill", "Fill holes", "Fill what the objects surround", |_| Action::FillHoles)}
            {button("refine", "Follow edges", "Move the outlines to the edges in the photo, soft at hair and fur", |_| Action::Refine)}
            {button("smooth", "Smooth", "Round the outlines", Action::Smooth)}
            {button("grow", "Grow", "Grow on all sides", Action::Grow)}
            {button("shrink", "Shrink", "Shrink on all sides", Action::Shrink)}
            <label class="pixels">
                "by "
                <input
                    type="number"
                    min="1"
                    max="99"
                    aria-label="Pixels to smooth, grow or shrink by"
                    data-testid="pixels"
                    prop:value=move || pixels.get().to_string()
                    on:change=sized
                />
                " px"
            </label>
        </div>
    }
}

/// The name of what is picked; the model's labels are suggested.
#[component]
fn Name(app: App) -> impl IntoView {
    let state = app.state;
    let name = Memo::new(move |_| state.with(common_name));
    let none = Memo::new(move |_| state.with(|state| state.selected.is_empty()));
    let labels = Memo::new(move |_| {
        state.with(|state| state.model.as_ref().map(|model| model.labels.clone())).unwrap_or_default()
    });
    let renamed = move |event| {
        let label = event_target_value(&event).trim().to_owned();
        if !label.is_empty() && Some(&label) != name.get_untracked().as_ref() {
            app.mend(Action::Rename(label));
        }
    };
    view! {
        <label class="name">
            <span>"Name"</span>
            <input
                type="text"
                list="labels"
                maxlength="100"
                autocomplete="off"
                data-testid="name"
                disabled=none
                placeholder=move || if none.get() { "pick an object" } else { "several names" }
                prop:value=move || name.get().unwrap_or_default()
                on:change=renamed
            />
            <datalist id="labels">
                {move || labels.get().into_iter().map(|label| view! { <option value=label></option> }).collect_view()}
            </datalist>
        </label>
    }
}

fn all_hidden(state: &AppState) -> bool {
    let is_hidden =
        |index: &usize| state.instances.get(*index).is_some_and(|found| found.presence == Presence::Hidden);
    !state.selected.is_empty() && state.selected.iter().all(is_hidden)
}

/// What all that is picked is called, if that is the same.
fn common_name(state: &AppState) -> Option<String> {
    let mut labels = state.selected.iter().filter_map(|index| Some(&state.instances.get(*index)?.label));
    let first = labels.next()?;
    labels.all(|label| label == first).then(|| first.clone())
}

fn words(state: &AppState) -> String {
    match state.selected.len() {
        0 => "Nothing picked. Shift or Ctrl with a click picks several, Ctrl+A all.".into(),
        count => format!("{count} picked"),
    }
}
