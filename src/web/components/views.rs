//! The switch between the views of the page.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::state::{Event, RedrawEvent};

/// Buttons for the two views: objects in the photo, and hidden parts drawn again.
#[component]
pub(super) fn ViewSwitch(app: App) -> impl IntoView {
    let redraws = Memo::new(move |_| app.state.with(|state| state.redraw.is_open));
    let choose = move |opens| move |_| app.dispatch(Event::Redraw(RedrawEvent::Opened(opens)));
    view! {
        <div class="segments views" role="group" aria-label=app.says("views")>
            <button
                title=app.says("view-objects-about")
                data-view="objects"
                aria-pressed=move || (!redraws.get()).to_string()
                on:click=choose(false)
            >{app.says("view-objects")}</button>
            <button
                title=app.says("view-redraw-about")
                data-view="redraw"
                aria-pressed=move || redraws.get().to_string()
                on:click=choose(true)
            >{app.says("view-redraw")}</button>
        </div>
    }
}
