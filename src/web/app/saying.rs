//! What the page says, in the visitor's language.

use fluent_bundle::{FluentArgs, FluentValue};
use leptos::prelude::{Get, GetUntracked, Set, document, window};

use super::App;
use crate::web::dom;
use crate::web::language::Language;
use crate::web::protocol::Sentence;
use crate::web::texts;

/// What the browser remembers the language under, and the address calls it.
const LANGUAGE: &str = "mae-seg-language";
const ASKED: &str = "lang";

impl App {
    /// The text of a key; it follows the language.
    pub(in crate::web) fn text(self, key: &str) -> String {
        texts::text(self.language.get(), key, None)
    }

    /// A view's way to read [`Self::text`].
    pub(in crate::web) fn says(
        self,
        key: &'static str,
    ) -> impl Fn() -> String + Copy + Send + Sync + 'static {
        move || self.text(key)
    }

    /// The text of a key, with what is to be filled in.
    pub(in crate::web) fn tells<const N: usize>(
        self,
        key: &str,
        filled: [(&'static str, FluentValue<'_>); N],
    ) -> String {
        let arguments: FluentArgs<'_> = filled.into_iter().collect();
        texts::text(self.language.get(), key, Some(&arguments))
    }

    /// Sentences of the state or the worker, one after another.
    pub(in crate::web) fn sentences(self, sentences: &[Sentence]) -> String {
        let language = self.language.get();
        let said = sentences.iter().map(|sentence| texts::sentence(language, sentence));
        said.collect::<Vec<_>>().join(language.between_sentences())
    }

    /// What to call an object of this label.
    pub(in crate::web) fn label(self, label: &str) -> String {
        texts::label(self.language.get(), label)
    }

    /// The label that a visitor means by a name.
    pub(in crate::web) fn label_named(self, name: &str, known: &[String]) -> String {
        texts::label_named(self.language.get_untracked(), name, known)
    }

    /// Speaks another language from now on, also at the next visit.
    pub(in crate::web) fn speak(self, language: Language) {
        dom::remember(LANGUAGE, Some(language.tag()));
        if dom::query(ASKED).is_some() {
            // Else a reload would bring the other one back. An address that stays as it is harms nobody.
            let _ = dom::share(ASKED, Some(language.tag()));
        }
        self.language.set(language);
    }

    /// Tells the browser in which language the page is, and its title in it.
    pub(in crate::web) fn name_page(self) {
        let language = self.language.get();
        if let Some(page) = document().document_element() {
            let _ = page.set_attribute("lang", language.tag());
        }
        document().set_title(&self.text("page-title"));
    }
}

/// The language that the address asks for, else the one that was chosen before, else the first that the visitor reads.
pub(super) fn language() -> Language {
    let asked = [dom::query(ASKED), dom::remembered(LANGUAGE)];
    let asked = asked.into_iter().flatten().find_map(|tag| Language::of(&tag));
    let read = window().navigator().languages();
    asked.unwrap_or_else(|| Language::first_of(read.iter().filter_map(|tag| tag.as_string())))
}
