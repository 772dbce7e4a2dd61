//! The components of the page. Each reads the state that it shows and dispatches events; none computes.

#![expect(unreachable_pub, reason = "Leptos makes the properties of every component public")]

mod arrows;
mod controls;
mod drop_zone;
mod early;
mod frame;
mod ink;
mod instance_list;
mod keys;
mod language;
mod loading;
mod measure;
mod mend_bar;
mod model_menu;
mod new_version;
mod notices;
mod object_menu;
mod offer;
mod pointer;
mod redraw;
mod save_menu;
mod shortcuts;
mod status_bar;
mod strip;
mod tag;
mod tools;
mod viewer;
mod views;
mod words;

use leptos::prelude::*;

use super::app::App;
use super::state::{AppState, Event};
use controls::Controls;
use drop_zone::DropZone;
use early::EarlyPhoto;
use frame::{Footer, Header};
use instance_list::InstanceList;
use loading::Loading;
use model_menu::ModelMenu;
use notices::Notices;
use object_menu::ObjectMenu;
use offer::Offer;
use redraw::{RedrawPanel, RedrawStage};
use save_menu::SaveMenu;
use status_bar::StatusBar;
use strip::Strip;
use tools::Tools;
use viewer::Viewer;

/// Mounts the app on the page.
pub fn mount() {
    console_error_panic_hook::set_once();
    mount_to_body(Page);
}

/// The whole page.
#[component]
fn Page() -> impl IntoView {
    let app = App::new();
    app.listen_to_others();
    Effect::new(move |_| {
        app.dispatch(Event::Started);
        app.begin_keeping();
        app.take_shared();
        app.take_early();
    });
    Effect::new(move |_| app.name_page());
    let later = Memo::new(move |_| app.state.with(AppState::for_later));
    Effect::new(move |_| later.with(|later| app.keep_index(later)));
    let redraws = Memo::new(move |_| app.state.with(|state| state.redraw.is_open));
    let has_photo = Memo::new(move |_| app.state.with(|state| state.photo.is_some()));
    view! {
        <Header app/>
        <Notices app/>
        <main>
            <section class="stage" aria-label=app.says("photo")>
                // Its canvases stay mounted, so that nothing on them is lost.
                <div class="view" hidden=redraws>
                    <EarlyPhoto app/>
                    <Viewer app/>
                    <Tools app/>
                </div>
                <Show when=move || redraws.get()>
                    <RedrawStage app/>
                </Show>
                <Strip app/>
                <DropZone app/>
            </section>
            <section class="panel" aria-label=app.says("result")>
                <Show when=move || redraws.get()>
                    <RedrawPanel app/>
                </Show>
                <div class="view" hidden=redraws>
                    <ModelMenu app/>
                    <StatusBar app/>
                    <Loading app/>
                    <div class="view" hidden=move || !has_photo.get()>
                        <Controls app/>
                        <InstanceList app/>
                        <Offer app/>
                        <SaveMenu app/>
                    </div>
                </div>
            </section>
        </main>
        <ObjectMenu app/>
        <Footer app/>
    }
}
