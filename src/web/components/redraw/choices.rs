//! What is hidden, how it is shown, by which model, and what to take home.

use leptos::html::Details;
use leptos::prelude::*;

use super::super::model_menu::HubName;
use super::super::status_bar::{Bar, progress_words};
use super::super::words::{megabytes, origin, title};
use super::figures::Figures;
use crate::web::app::App;
use crate::web::place::Place;
use crate::web::protocol::{RedrawModel, Sampling};
use crate::web::state::{AppState, Event, PRETRAINED, RedrawEvent, Status};

const WAYS: [(Option<Sampling>, &str, &str); 4] = [
    (Some(Sampling::Random), "Scattered", "Each patch is as likely to be hidden as any other"),
    (Some(Sampling::Block), "Blocks", "Whole rectangles are hidden"),
    (Some(Sampling::Grid), "Grid", "Patches are hidden in a regular pattern"),
    (None, "By hand", "Paint on the photo what is to be hidden"),
];

/// The panel beside the pictures.
#[component]
pub(in crate::web::components) fn RedrawPanel(app: App) -> impl IntoView {
    let state = app.state;
    let failure = Memo::new(move |_| state.with(|state| state.redraw.failure.clone()));
    let progress =
        Memo::new(move |_| state.with(|state| state.redraw.progress().or_else(|| state.progress())));
    view! {
        <p class="hint">
            "A masked autoencoder learned from photos with most of each one hidden: it sees the patches that are left and draws the others. \
            What it draws is not in the photo; it is what such a picture usually looks like. \
            The more is hidden, the less it has to look at, and the sooner it is done."
        </p>
        <RedrawModelMenu app/>
        <div class="status">
            <p role="status" data-testid="redraw-status">{move || state.with(words)}</p>
            <Bar progress/>
        </div>
        {move || failure.get().map(|failure| view! {
            <div class="failure" role="alert" data-testid="redraw-error">
                <p>{failure.sentence}</p>
                <button on:click=move |_| app.dispatch(Event::Redraw(RedrawEvent::Retried))>"Try again"</button>
            </div>
        })}
        <Figures app/>
        <Ways app/>
        <TakeHome app/>
    }
}

/// What is going on.
fn words(state: &AppState) -> String {
    let redraw = &state.redraw;
    if let Some(progress) = redraw.progress().or_else(|| state.progress()) {
        return progress_words(progress);
    }
    match (&redraw.drawn[..], state.status()) {
        _ if redraw.failure.is_some() => "Nothing can be drawn".into(),
        ([one], _) => format!("Drawn in {:.0} ms", one.elapsed_ms),
        ([one, other, ..], _) => format!("Drawn in {:.0} and {:.0} ms", one.elapsed_ms, other.elapsed_ms),
        ([], Status::Error) => "Something went wrong".into(),
        ([], _) if state.can_ask() => "Drawing…".into(),
        ([], _) => "Ready for a photo".into(),
    }
}

/// Which patches are hidden, and how the drawing is shown.
#[component]
fn Ways(app: App) -> impl IntoView {
    let state = app.state;
    let send = move |event| app.dispatch(Event::Redraw(event));
    let way = Memo::new(move |_| {
        state.with(|state| state.redraw.by_hand.is_none().then_some(state.redraw.sampling))
    });
    let nothing = Memo::new(move |_| state.with(|state| state.redraw.drawn.is_empty()));
    let choose = move |way: Option<Sampling>| match way {
        Some(sampling) => {
            send(RedrawEvent::ByHand(false));
            send(RedrawEvent::SamplingChosen(sampling));
        }
        None => send(RedrawEvent::ByHand(true)),
    };
    let by_hand = move || way.get().is_none();
    view! {
        <div class="ways" role="group" aria-label="Which patches are hidden">
            <div class="segments">
                {WAYS.map(|(each, name, about)| view! {
                    <button
                        title=about
                        data-way=name
                        disabled=move || each.is_none() && nothing.get()
                        aria-pressed=move || (way.get() == each).to_string()
                        on:click=move |_| choose(each)
                    >{name}</button>
                }).into_iter().collect_view()}
            </div>
            <Show when=by_hand fallback=move || view! {
                <div class="buttons">
                    <button data-testid="redraw-seed" on:click=move |_| send(RedrawEvent::SeedChanged)>"Hide other patches"</button>
                </div>
            }>
                <p class="hint">"Paint on the large picture: what you touch is hidden, or shown again. With keys: arrows, and Enter."</p>
                <div class="buttons">
                    <button data-testid="redraw-none" on:click=move |_| send(RedrawEvent::Painted(all(app), false))>"Show all"</button>
                    <button data-testid="redraw-all" on:click=move |_| send(RedrawEvent::Painted(all(app), true))>"Hide all"</button>
                </div>
            </Show>
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="redraw-compare"
                    disabled=by_hand
                    prop:checked=move || state.with(|state| state.redraw.compares)
                    on:change=move |event| send(RedrawEvent::Compared(event_target_checked(&event)))
                />
                <span>"Compare with another choice"</span>
            </label>
            <label class="tick">
                <input
                    type="checkbox"
                    data-testid="redraw-paste"
                    prop:checked=move || state.with(|state| state.redraw.pastes)
                    on:change=move |event| send(RedrawEvent::Pasted(event_target_checked(&event)))
                />
                <span>"Keep the photo where it was seen"</span>
            </label>
        </div>
    }
}

/// Every patch.
fn all(app: App) -> Vec<usize> {
    app.state.with_untracked(|state| (0..state.redraw.by_hand.as_ref().map_or(0, Vec::len)).collect())
}

/// A picture, or a moving one.
#[component]
fn TakeHome(app: App) -> impl IntoView {
    let state = app.state;
    let nothing = Memo::new(move |_| state.with(|state| state.redraw.drawn.is_empty() || !state.can_ask()));
    let by_hand = Memo::new(move |_| state.with(|state| state.redraw.by_hand.is_some()));
    let save = move |moves| move |_| app.dispatch(Event::Redraw(RedrawEvent::SaveWanted { moves }));
    view! {
        <fieldset class="save" disabled=nothing>
            <legend>"Save"</legend>
            <div class="downloads">
                <button title="Photo, what was seen, and the drawing side by side" data-testid="redraw-save" on:click=save(false)>
                    "Picture (PNG)"
                </button>
                <button
                    title="From nothing hidden to almost everything"
                    disabled=by_hand
                    data-testid="redraw-animate"
                    on:click=save(true)
                >
                    "Moving picture (GIF)"
                </button>
            </div>
            <p class="hint" role="status" data-testid="redraw-taken">{move || state.with(|state| state.taking().to_owned())}</p>
        </fieldset>
    }
}

/// The model that draws; opened, how to get another.
#[component]
fn RedrawModelMenu(app: App) -> impl IntoView {
    let state = app.state;
    let menu = NodeRef::<Details>::new();
    let place = Memo::new(move |_| {
        state.with(|state| state.redraw.place.clone()).unwrap_or_else(|| Place::Site(PRETRAINED.into()))
    });
    let facts =
        Memo::new(move |_| state.with(|state| state.redraw.model.as_ref().map(facts)).unwrap_or_default());
    let choose = move |place| {
        menu.get_untracked().into_iter().for_each(|menu| menu.set_open(false));
        app.dispatch(Event::Redraw(RedrawEvent::ModelChosen(place)));
    };
    view! {
        <details class="model" node_ref=menu data-testid="redraw-model">
            <summary>
                <span class="caption">"Drawn by"</span>
                <span class="title">{move || title(&place.get())}</span>
                <span class="facts" data-testid="redraw-facts">{facts}</span>
            </summary>
            <HubName app choose id="redraw-name" caption="Another masked autoencoder from the Hugging Face Hub" example="facebook/vit-mae-base"/>
            <p class="hint">
                "Meta's MAE is downloaded straight to your browser, 450 MB, and is not for commercial use (CC BY-NC 4.0). A folder of \
                weights of this device can be dropped on the page."
            </p>
        </details>
    }
}

/// `14 × 14 patches · 16.3 MB · bundled`
fn facts(model: &RedrawModel) -> String {
    let grid = model.grid;
    let from =
        if model.place == Place::Site(PRETRAINED.into()) { "bundled".into() } else { origin(&model.place) };
    format!("{grid} × {grid} patches · {} · {from}", megabytes(model.weight_bytes))
}
