//! Controls that change the picked objects.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::document::Action;
use crate::web::protocol::Presence;
use crate::web::state::AppState;

/// The name of the picked objects, and all buttons that change them. The layout does not depend on what is
/// picked.
#[component]
pub(super) fn MendBar(app: App) -> impl IntoView {
    let state = app.state;
    let count = Memo::new(move |_| state.with(|state| state.selected.len()));
    view! {
        <div class="mend" role="group" aria-label=app.says("picked-objects")>
            <p role="status" data-testid="picked">{move || match count.get() {
                0 => app.text("nothing-picked"),
                count => app.tells("picked", [("count", count.into())]),
            }}</p>
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
    let button = move |key: &'static str, about: &'static str, least: usize, action: fn() -> Action| {
        view! {
            <button title=app.says(about) data-mend=key disabled=move || { count.get() < least } on:click=move |_| app.mend(action())>
                {app.says(key)}
            </button>
        }
    };
    view! {
        <div class="buttons">
            <button
                title=app.says("hide-about")
                data-mend="hide"
                disabled=move || count.get() == 0
                on:click=move |_| app.mend(if hidden.get_untracked() { Action::Show } else { Action::Hide })
            >{move || app.text(if hidden.get() { "show" } else { "hide" })}</button>
            {button("merge", "merge-about", 2, || Action::Merge)}
            {button("split", "split-about", 1, || Action::Split)}
            {button("delete", "delete-about", 1, || Action::Delete)}
            {button("new", "new-about", 0, || Action::Create("object".into()))}
        </div>
    }
}

/// Buttons for the outlines of objects, and the number of pixels for them.
#[component]
fn ShapeButtons(app: App, count: Memo<usize>) -> impl IntoView {
    let pixels = RwSignal::new(2_usize);
    let sized = move |event| {
        if let Ok(value) = event_target_value(&event).parse::<usize>() {
            pixels.set(value.clamp(1, 99));
        }
    };
    let button = move |key: &'static str, about: &'static str, action: fn(usize) -> Action| {
        view! {
            <button
                title=app.says(about)
                data-mend=key
                disabled=move || count.get() == 0
                on:click=move |_| app.mend(action(pixels.get_untracked()))
            >{app.says(key)}</button>
        }
    };
    view! {
        <div class="buttons">
            {button("fill", "fill-about", |_| Action::FillHoles)}
            {button("refine", "refine-about", |_| Action::Refine)}
            {button("smooth", "smooth-about", Action::Smooth)}
            {button("grow", "grow-about", Action::Grow)}
            {button("shrink", "shrink-about", Action::Shrink)}
            <label class="pixels">
                {app.says("by-pixels")} " "
                <input
                    type="number"
                    min="1"
                    max="99"
                    aria-label=app.says("by-pixels-about")
                    data-testid="pixels"
                    prop:value=move || pixels.get().to_string()
                    on:change=sized
                />
                " " {app.says("pixels-unit")}
            </label>
        </div>
    }
}

/// The name of the picked objects; the model's labels are suggested.
#[component]
fn Name(app: App) -> impl IntoView {
    let state = app.state;
    let name = Memo::new(move |_| state.with(common_name));
    let none = Memo::new(move |_| state.with(|state| state.selected.is_empty()));
    let labels = Memo::new(move |_| {
        state.with(|state| state.model.as_ref().map(|model| model.labels.clone())).unwrap_or_default()
    });
    let renamed = move |event| {
        let called = event_target_value(&event).trim().to_owned();
        let label = labels.with_untracked(|labels| app.label_named(&called, labels));
        if !label.is_empty() && Some(&label) != name.get_untracked().as_ref() {
            app.mend(Action::Rename(label));
        }
    };
    view! {
        <label class="name">
            <span>{app.says("name")}</span>
            <input
                type="text"
                list="labels"
                maxlength="100"
                autocomplete="off"
                data-testid="name"
                disabled=none
                placeholder=move || app.text(if none.get() { "name-none" } else { "name-several" })
                prop:value=move || name.with(|name| name.as_ref().map(|name| app.label(name))).unwrap_or_default()
                on:change=renamed
            />
            <datalist id="labels">
                {move || labels.get().iter().map(|label| view! { <option value=app.label(label)></option> }).collect_view()}
            </datalist>
        </label>
    }
}

fn all_hidden(state: &AppState) -> bool {
    let is_hidden =
        |index: &usize| state.instances.get(*index).is_some_and(|found| found.presence == Presence::Hidden);
    !state.selected.is_empty() && state.selected.iter().all(is_hidden)
}

/// Returns the label of the picked objects if they share one.
fn common_name(state: &AppState) -> Option<String> {
    let mut labels = state.selected.iter().filter_map(|index| Some(&state.instances.get(*index)?.label));
    let first = labels.next()?;
    labels.all(|label| label == first).then(|| first.clone())
}
