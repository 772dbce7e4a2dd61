use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::*;

/// Returns what a text refers to: arguments with their `$`, and keys of other texts.
fn filled(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let variables = text.split('$').skip(1).map(|rest| {
        let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
        format!("${name}")
    });
    let references = text.split("{ ").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_at(rest.find(|c| !is_name(c))?);
        (!name.is_empty() && rest.starts_with(" }")).then(|| name.to_owned())
    });
    variables.chain(references).collect()
}

/// Returns the keys and texts of a language as written.
fn written(language: Language) -> BTreeMap<&'static str, String> {
    let mut texts = BTreeMap::new();
    let mut last = "";
    for line in file(language).lines() {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            let (key, text) = line.split_once(" =").unwrap();
            last = key;
            assert!(texts.insert(key, text.to_owned()).is_none(), "{key} stands twice");
        } else if line.starts_with([' ', '}']) {
            texts.get_mut(last).unwrap().push_str(line);
        }
    }
    texts
}

#[test]
fn every_text_is_there_in_every_language_and_is_filled_with_the_same() {
    let english = written(Language::English);
    for language in Language::ALL {
        let read = FluentResource::try_new(file(language).to_owned());
        assert!(read.is_ok(), "{language:?}: {:?}", read.err().map(|(_, errors)| errors));
        let texts = written(language);
        let keys = |texts: &BTreeMap<&'static str, String>| texts.keys().copied().collect::<Vec<_>>();
        assert_eq!(keys(&texts), keys(&english), "{language:?}");
        for (key, written) in &texts {
            assert_eq!(filled(written), filled(&english[key]), "{key} in {language:?}");
            let said = text(language, key, None);
            assert!(!said.trim().is_empty(), "{key} in {language:?}");
        }
    }
}

#[test]
fn every_sentence_has_a_text_that_is_filled_with_its_fields() {
    let texts = written(Language::English);
    for (variant, fields) in Sentence::ALL {
        let dashed = variant.char_indices().flat_map(|(at, c)| {
            [(at > 0 && c.is_ascii_uppercase()).then_some('-'), Some(c.to_ascii_lowercase())]
        });
        let key: String = dashed.flatten().collect();
        let text = texts.get(key.as_str()).unwrap_or_else(|| panic!("no text is called {key}"));
        let given: BTreeSet<String> = fields.iter().map(|field| format!("${field}")).collect();
        let taken_in = filled(text).into_iter().flat_map(|name| match texts.get(name.as_str()) {
            Some(text) => filled(text),
            None => BTreeSet::from([name]),
        });
        assert_eq!(taken_in.collect::<BTreeSet<_>>(), given, "{key}");
    }
    let saved = Sentence::Saved { name: "a.png".into() };
    assert_eq!(sentence(Language::English, &saved), "Saved as a.png.");
    assert_eq!(sentence(Language::Chinese, &saved), "已保存为 a.png。");
}

/// Returns all sources of the page, one after another.
fn sources() -> String {
    let mut sources = String::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    sources
}

#[test]
fn what_is_said_has_a_text() {
    let (sources, texts) = (sources(), written(Language::English));
    for said in ["app.says(", "app.text(", "app.tells("] {
        for rest in sources.split(said).skip(1) {
            let key = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            // These words occur in this test, too.
            let key = key.filter(|key| key.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(key.is_none_or(|key| texts.contains_key(key)), "{key:?} has no text");
        }
    }
}

#[test]
fn no_text_is_left_over() {
    let sources = sources();
    let sentences: String = Sentence::ALL.iter().map(|(variant, _)| variant.to_lowercase() + " ").collect();
    let texts = written(Language::English);
    let taken_in: BTreeSet<String> = texts.values().flat_map(|text| filled(text)).collect();
    for key in texts.keys() {
        let is_named = |key: &str| sources.contains(&format!("\"{key}\""));
        let is_said = sentences.split(' ').any(|variant| variant == key.replace('-', ""));
        let is_used = is_named(key) || key.strip_prefix("save-").is_some_and(is_named) || is_said;
        assert!(is_used || taken_in.contains(*key), "nobody says {key}");
    }
}

#[test]
fn one_is_told_from_many_where_the_language_does() {
    let objects =
        |language, count: usize| text(language, "objects", Some(&FluentArgs::from_iter([("count", count)])));
    assert_eq!(
        [0, 1, 2].map(|count| objects(Language::English, count)),
        ["0 objects", "1 object", "2 objects"]
    );
    assert_eq!([0, 1].map(|count| objects(Language::Chinese, count)), ["0 个物体", "1 个物体"]);
}

#[test]
fn labels_of_our_models_have_names() {
    for config in [
        include_str!("../../../www/weights/mae-tiny/config.json"),
        include_str!("../../../www/weights/mae-small/config.json"),
    ] {
        let config: serde_json::Value = serde_json::from_str(config).unwrap();
        let labels: Vec<String> =
            serde_json::from_value::<BTreeMap<String, String>>(config["id2label"].clone())
                .unwrap()
                .into_values()
                .collect();
        for known in &labels {
            let named = label(Language::Chinese, known);
            assert!(!named.is_ascii(), "{known}");
            assert_eq!(label_named(Language::Chinese, &named, &labels), *known);
            assert_eq!(label(Language::English, known), *known);
        }
    }
    assert_eq!(label(Language::English, "sky-other-merged"), "sky", "what the data set adds for itself");
    assert_eq!(label(Language::Chinese, "sky-other-merged"), "天空");
    assert_eq!(label(Language::Chinese, "my cup"), "my cup", "as it was called by hand");
    assert_eq!(label_named(Language::Chinese, "我的杯子", &["cup".into()]), "我的杯子");
}
