//! The pictures: the photo overlaid with the drawing, and beside it the photo, its visible patches, and the
//! drawing.

use leptos::prelude::*;
use web_sys::{HtmlElement, PointerEvent};

use super::super::pointer::place;
use super::super::words;
use super::by_hand::ByHand;
use super::features::Features;
use super::picture::Picture;
use crate::web::app::App;
use crate::web::protocol::MOST_PERCENT;
use crate::web::state::{Event, Redraw, RedrawEvent};

/// All pictures.
#[component]
pub(in crate::web::components) fn RedrawStage(app: App) -> impl IntoView {
    let state = app.state;
    let is_empty = Memo::new(move |_| state.with(|state| state.redraw.drawn.is_empty()));
    let compares = Memo::new(move |_| state.with(|state| state.redraw.drawn.len() > 1));
    let pictures = app.sheets.redrawn;
    let waits = Memo::new(move |_| {
        state.with(|state| {
            state.photo.is_some() && state.redraw.drawn.is_empty() && state.redraw.failure.is_none()
        })
    });
    view! {
        <Show when=move || waits.get()>
            <div class="wait" aria-hidden="true"></div>
        </Show>
        <div class="redraw" class:empty=is_empty class:compares=compares data-testid="redraw" data-state=move || state.with(|state| state.redraw.word())>
            <div class="whole">
                <Wipe app/>
                <Sliders app/>
            </div>
            <div class="tiles">
                <figure>
                    <Picture app pictures index=0 name="redraw-photo" title="the-photo"/>
                    <figcaption>{app.says("the-photo")}</figcaption>
                </figure>
                <figure>
                    <Picture app pictures index=1 name="redraw-seen" title="seen"/>
                    <figcaption>{app.says("seen")}</figcaption>
                </figure>
                <figure>
                    <Picture app pictures index=2 name="redraw-drawn" title="drawn"/>
                    <figcaption>{app.says("drawn")}</figcaption>
                </figure>
                <Show when=move || compares.get()>
                    <figure>
                        <Picture app pictures index=3 name="redraw-seen-2" title="seen-other-about"/>
                        <figcaption>{app.says("seen-other")}</figcaption>
                    </figure>
                    <figure>
                        <Picture app pictures index=4 name="redraw-drawn-2" title="drawn-other"/>
                        <figcaption>{app.says("drawn-other")}</figcaption>
                    </figure>
                </Show>
            </div>
            <Features app/>
        </div>
    }
}

/// The photo, covered by the drawing as far as the slider says, or ready for patches to be chosen by hand.
#[component]
fn Wipe(app: App) -> impl IntoView {
    let (state, pictures, wipe) = (app.state, app.sheets.redrawn, app.desk.wipe);
    let by_hand = Memo::new(move |_| state.with(|state| state.redraw.by_hand.is_some()));
    let held = StoredValue::new(false);
    let follow = move |event: &PointerEvent| wipe.set(place(event)[0] * 100.0);
    let down = move |event: PointerEvent| {
        let frame: HtmlElement = event_target(&event);
        held.set_value(event.button() == 0 && frame.set_pointer_capture(event.pointer_id()).is_ok());
        if held.get_value() {
            follow(&event);
        }
    };
    let moved = move |event: PointerEvent| {
        if held.get_value() {
            follow(&event);
        }
    };
    view! {
        <div class="wipe" style:--wipe=move || format!("{}%", wipe.get())>
            <Picture app pictures index=0 name="redraw-under" title="the-photo"/>
            <Show when=move || !by_hand.get() fallback=move || view! { <ByHand app/> }>
                <div class="over"><Picture app pictures index=2 name="redraw-over" title="drawn"/></div>
                <div class="edge" aria-hidden="true"></div>
                <div
                    class="grip"
                    aria-hidden="true"
                    on:pointerdown=down
                    on:pointermove=moved
                    on:pointerup=move |_| held.set_value(false)
                    on:pointercancel=move |_| held.set_value(false)
                ></div>
            </Show>
        </div>
    }
}

/// Sliders for how much is hidden, and how far the drawing covers the photo.
#[component]
fn Sliders(app: App) -> impl IntoView {
    let (state, wipe) = (app.state, app.desk.wipe);
    let by_hand = Memo::new(move |_| state.with(|state| state.redraw.by_hand.is_some()));
    let percent = Memo::new(move |_| state.with(|state| state.redraw.percent));
    let moved = move |event| {
        if let Ok(percent) = event_target_value(&event).parse() {
            app.dispatch(Event::Redraw(RedrawEvent::PercentMoved(percent)));
        }
    };
    let wiped = move |event| {
        if let Ok(value) = event_target_value(&event).parse() {
            wipe.set(value);
        }
    };
    view! {
        <label class="threshold">
            <span>{app.says("hidden")}</span>
            <output data-testid="redraw-count">{move || state.with(|state| count_words(app, &state.redraw))}</output>
            <input
                type="range"
                min="0"
                max=MOST_PERCENT.to_string()
                aria-valuetext=move || words::percent(app, f64::from(percent.get()) / 100.0)
                data-testid="redraw-percent"
                disabled=by_hand
                prop:value=move || percent.get().to_string()
                on:input=moved
            />
        </label>
        <Show when=move || !by_hand.get()>
            <label class="threshold wiper">
                <span>{app.says("photo")}</span>
                <span>{app.says("drawing")}</span>
                <input
                    type="range"
                    min="0"
                    max="100"
                    aria-label=app.says("wipe")
                    aria-valuetext=move || app.tells("wipe-share", [("share", (wipe.get() / 100.0).into())])
                    data-testid="redraw-wipe"
                    prop:value=move || wipe.get().to_string()
                    on:input=wiped
                />
            </label>
        </Show>
    }
}

/// Formats a count such as `147 of 196 patches · 75%`.
fn count_words(app: App, redraw: &Redraw) -> String {
    let (counts, share) = redraw.hidden_count();
    let share = ("share", share.into());
    match counts {
        Some([hidden, count]) => {
            app.tells("hidden-count", [("hidden", hidden.into()), ("count", count.into()), share])
        }
        None => app.tells("hidden-share", [share]),
    }
}
