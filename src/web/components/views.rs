//! The switch between what the page can show.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::{Event, RedrawEvent};

/// Objects in the photo, or parts of it hidden and drawn again.
#[component]
pub(super) fn ViewSwitch(app: App) -> impl IntoView {
    let redraws = Memo::new(move |_| app.state.with(|state| state.redraw.is_open));
    let choose = move |opens| move |_| app.dispatch(Event::Redraw(RedrawEvent::Opened(opens)));
    view! {
        <div class="segments views" role="group" aria-label="View">
            <button
                title="Find the objects in the photo"
                data-view="objects"
                aria-pressed=move || (!redraws.get()).to_string()
                on:click=choose(false)
            >"Objects"</button>
            <button
                title="Hide parts of the photo and watch the model draw them"
                data-view="redraw"
                aria-pressed=move || redraws.get().to_string()
                on:click=choose(true)
            >"Hide and redraw"</button>
        </div>
    }
}
