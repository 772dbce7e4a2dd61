//! Translations of labels: models have them in English, and files and forms keep those.

use std::collections::HashMap;

use crate::web::language::Language;

/// English names and their Chinese translations.
const CHINESE: &str = include_str!("../locales/labels.zh-CN.json");

/// Suffixes that COCO adds to names for its own purposes.
const ENDINGS: [&str; 3] = ["-merged", "-other", "-stuff"];

thread_local! {
    static LABELS: HashMap<String, String> = serde_json::from_str(CHINESE).unwrap_or_default();
}

/// Returns the translation of a model's label, or of a name that a visitor gave.
pub(crate) fn label(language: Language, label: &str) -> String {
    match language {
        Language::English => {
            ENDINGS.iter().fold(label, |label, ending| label.trim_end_matches(ending)).to_owned()
        }
        Language::Chinese => LABELS.with(|labels| labels.get(label).map_or(label, |label| label).to_owned()),
    }
}

/// Returns the label of `known` with this translation; an unknown name is kept as it is.
pub(crate) fn label_named(language: Language, name: &str, known: &[String]) -> String {
    let is_called_so = |known: &&String| label(language, known) == name;
    known.iter().find(is_called_so).map_or_else(|| name.to_owned(), String::clone)
}
