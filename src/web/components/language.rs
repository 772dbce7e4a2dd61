//! The choice of the page's language.

use leptos::prelude::*;

use crate::web::app::App;
use crate::web::language::Language;

/// A button for each language, with its own name for itself.
#[component]
pub(super) fn LanguageSwitch(app: App) -> impl IntoView {
    view! {
        <div class="languages" role="group" aria-label=app.says("languages")>
            {Language::ALL.map(|language| view! {
                <button
                    class="link"
                    lang=language.tag()
                    data-language=language.tag()
                    aria-pressed=move || (app.language.get() == language).to_string()
                    on:click=move |_| app.speak(language)
                >{language.name()}</button>
            }).into_iter().collect_view()}
        </div>
    }
}
