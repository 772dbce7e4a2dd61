//! The pictures: the photo with what was drawn of it over it, and beside them photo, what was seen, and drawing.

use leptos::prelude::*;
use web_sys::{HtmlElement, PointerEvent};

use super::super::pointer::place;
use super::by_hand::ByHand;
use super::features::Features;
use super::picture::Picture;
use crate::web::app::App;
use crate::web::protocol::MOST_PERCENT;
use crate::web::state::{Event, RedrawEvent};

/// Everything that is looked at.
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
                    <Picture pictures index=0 name="redraw-photo" title="The photo"/>
                    <figcaption>"The photo"</figcaption>
                </figure>
                <figure>
                    <Picture pictures index=1 name="redraw-seen" title="What the model sees"/>
                    <figcaption>"What the model sees"</figcaption>
                </figure>
                <figure>
                    <Picture pictures index=2 name="redraw-drawn" title="What it draws"/>
                    <figcaption>"What it draws"</figcaption>
                </figure>
                <Show when=move || compares.get()>
                    <figure>
                        <Picture pictures index=3 name="redraw-seen-2" title="What the model sees where other patches are hidden"/>
                        <figcaption>"Other patches"</figcaption>
                    </figure>
                    <figure>
                        <Picture pictures index=4 name="redraw-drawn-2" title="What it draws of those"/>
                        <figcaption>"What it draws of those"</figcaption>
                    </figure>
                </Show>
            </div>
            <Features app/>
        </div>
    }
}

/// The photo, covered with the drawing as far as wished; or ready for patches to be chosen by hand.
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
            <Picture pictures index=0 name="redraw-under" title="The photo"/>
            <Show when=move || !by_hand.get() fallback=move || view! { <ByHand app/> }>
                <div class="over"><Picture pictures index=2 name="redraw-over" title="What the model draws"/></div>
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

/// How much is hidden, and how far the drawing covers the photo.
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
            <span>"Hidden"</span>
            <output data-testid="redraw-count">{move || state.with(|state| state.redraw.count_words())}</output>
            <input
                type="range"
                min="0"
                max=MOST_PERCENT.to_string()
                aria-valuetext=move || format!("{} percent", percent.get())
                data-testid="redraw-percent"
                disabled=by_hand
                prop:value=move || percent.get().to_string()
                on:input=moved
            />
        </label>
        <Show when=move || !by_hand.get()>
            <label class="threshold wiper">
                <span>"Photo"</span>
                <span>"Drawing"</span>
                <input
                    type="range"
                    min="0"
                    max="100"
                    aria-label="How much of the photo is shown beside the drawing"
                    aria-valuetext=move || format!("{:.0} percent photo", wipe.get())
                    data-testid="redraw-wipe"
                    prop:value=move || wipe.get().to_string()
                    on:input=wiped
                />
            </label>
        </Show>
    }
}
