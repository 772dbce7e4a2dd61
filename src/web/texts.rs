//! The texts of the page in every language: `locales/*.ftl`, in [Fluent](https://projectfluent.org)'s format.
//!
//! Texts have keys. Everything that a visitor reads or hears comes from here; what other parts of the crate
//! write stays English.

mod labels;
#[cfg(target_arch = "wasm32")]
mod numbers;
#[cfg(test)]
mod tests;

pub(crate) use labels::{label, label_named};

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource, FluentValue};

use super::language::Language;
use super::protocol::Sentence;

type Texts = FluentBundle<FluentResource>;

thread_local! {
    static ENGLISH: Texts = texts(Language::English);
    static CHINESE: Texts = texts(Language::Chinese);
}

/// Returns the file of a language.
const fn file(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("locales/en.ftl"),
        Language::Chinese => include_str!("locales/zh-CN.ftl"),
    }
}

fn texts(language: Language) -> Texts {
    let mut texts = FluentBundle::new(language.tag().parse().into_iter().collect());
    // A test parses the files completely, so that nothing is dropped here.
    let file = FluentResource::try_new(file(language).to_owned()).unwrap_or_else(|(read, _)| read);
    drop(texts.add_resource(file));
    drop(texts.add_builtins());
    // Isolating marks around arguments would be copied along with names of files.
    texts.set_use_isolating(false);
    #[cfg(target_arch = "wasm32")]
    texts.set_formatter(Some(match language {
        Language::English => |value, _| numbers::written(value, Language::English),
        Language::Chinese => |value, _| numbers::written(value, Language::Chinese),
    }));
    texts
}

/// Returns the text of a key, with arguments filled in.
pub(crate) fn text(language: Language, key: &str, arguments: Option<&FluentArgs<'_>>) -> String {
    let text = |texts: &Texts| {
        let pattern = texts.get_message(key).and_then(|message| message.value());
        // The key itself is better than nothing, and a test finds it.
        pattern.map_or_else(
            || key.to_owned(),
            |pattern| texts.format_pattern(pattern, arguments, &mut Vec::new()).into_owned(),
        )
    };
    match language {
        Language::English => ENGLISH.with(text),
        Language::Chinese => CHINESE.with(text),
    }
}

/// Returns a sentence of the state or the worker.
pub(crate) fn sentence(language: Language, sentence: &Sentence) -> String {
    let (key, parameters) = sentence.parts();
    let mut arguments = FluentArgs::new();
    for (name, value) in parameters {
        let value = match value {
            serde_json::Value::String(text) => FluentValue::from(text),
            value => FluentValue::from(value.as_f64().unwrap_or_default()),
        };
        arguments.set(name, value);
    }
    text(language, &key, Some(&arguments))
}
