//! The texts of the page in the visitor's language.

use fluent_bundle::{FluentArgs, FluentValue};
use leptos::prelude::{Get, GetUntracked, Set, document, window};

use super::App;
use crate::web::dom;
use crate::web::language::Language;
use crate::web::protocol::Sentence;
use crate::web::texts;

/// The `localStorage` key and the query parameter of the language.
const LANGUAGE: &str = "mae-seg-language";
const ASKED: &str = "lang";

impl App {
    /// Returns the text of a key, reactive to the language.
    pub(in crate::web) fn text(self, key: &str) -> String {
        texts::text(self.language.get(), key, None)
    }

    /// Returns a closure that reads [`Self::text`], for views.
    pub(in crate::web) fn says(
        self,
        key: &'static str,
    ) -> impl Fn() -> String + Copy + Send + Sync + 'static {
        move || self.text(key)
    }

    /// Returns the text of a key with arguments filled in.
    pub(in crate::web) fn tells<const N: usize>(
        self,
        key: &str,
        filled: [(&'static str, FluentValue<'_>); N],
    ) -> String {
        let arguments: FluentArgs<'_> = filled.into_iter().collect();
        texts::text(self.language.get(), key, Some(&arguments))
    }

    /// Returns sentences of the state or the worker, one after another.
    pub(in crate::web) fn sentences(self, sentences: &[Sentence]) -> String {
        let language = self.language.get();
        let said = sentences.iter().map(|sentence| texts::sentence(language, sentence));
        said.collect::<Vec<_>>().join(language.between_sentences())
    }

    /// Returns the name of a label.
    pub(in crate::web) fn label(self, label: &str) -> String {
        texts::label(self.language.get(), label)
    }

    /// Returns the label that a visitor means by a name.
    pub(in crate::web) fn label_named(self, name: &str, known: &[String]) -> String {
        texts::label_named(self.language.get_untracked(), name, known)
    }

    /// Changes the language, also for the next visit.
    pub(in crate::web) fn speak(self, language: Language) {
        dom::remember(LANGUAGE, Some(language.tag()));
        if dom::query(ASKED).is_some() {
            // Otherwise a reload would restore the previous language. Failing to change the address is
            // harmless.
            let _ = dom::share(ASKED, Some(language.tag()));
        }
        self.language.set(language);
    }

    /// Sets the language and the title of the document.
    pub(in crate::web) fn name_page(self) {
        let language = self.language.get();
        if let Some(page) = document().document_element() {
            let _ = page.set_attribute("lang", language.tag());
        }
        document().set_title(&self.text("page-title"));
    }
}

/// Returns the language from the address, else the one chosen earlier, else the first supported one that the
/// visitor reads.
pub(super) fn language() -> Language {
    let asked = [dom::query(ASKED), dom::remembered(LANGUAGE)];
    let asked = asked.into_iter().flatten().find_map(|tag| Language::of(&tag));
    let read = window().navigator().languages();
    asked.unwrap_or_else(|| Language::first_of(read.iter().filter_map(|tag| tag.as_string())))
}
