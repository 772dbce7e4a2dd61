//! The photo before it was decoded.

use leptos::prelude::*;
use web_sys::Url;

use crate::web::app::App;

/// The photo as drawn by the browser itself, until the model is ready and has decoded it.
#[component]
pub(super) fn EarlyPhoto(app: App) -> impl IntoView {
    let coming = Memo::new(move |_| app.state.with(|state| state.coming.filter(|_| state.photo.is_none())));
    move || {
        let address = app.address_of(coming.get()?)?;
        let (drawn, unknown) = (address.clone(), RwSignal::new(false));
        let release = move |_| drop(Url::revoke_object_url(&drawn));
        // The worker may support formats that the browser does not.
        Some(view! {
            <img
                class="early"
                data-testid="early-photo"
                src=address
                alt=app.says("your-photo")
                hidden=move || unknown.get()
                on:load=release
                on:error=move |_| unknown.set(true)
            />
        })
    }
}
