//! What a run was asked for: `run.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::claim::{self, ASKED};
use super::{TrainError, durable};
use crate::data::BYTES;

/// What a run may be continued with otherwise: when it saves and shows, and how it was started.
const FREE: [&str; 5] = ["save_every", "panel_every", "keep", "command", "flags"];

/// Of the data, what nothing is learned from: it may go and come back, but not change.
const JUDGED_BY: &str = "validation";

/// Writes `options` to `run.json` of `root`; a run that was there and has made a step, or left weights, must be the same.
///
/// An option that only one of the two knows of is no difference, so that a newer version of this program goes on with an older
/// run; of data it is one.
///
/// # Errors
/// [`TrainError::OtherRun`], [`TrainError::NoRun`], [`TrainError::File`]
pub(super) fn note<O: Serialize>(root: &Path, options: &O) -> Result<(), TrainError> {
    let path = root.join(ASKED);
    let before = claim::asked(root)?;
    let wrong = |error: serde_json::Error| TrainError::Option(error.to_string());
    let mut text = serde_json::to_vec_pretty(options).map_err(wrong)?;
    let mut asked: Value = serde_json::from_slice(&text).map_err(wrong)?;
    let begun = fs::metadata(root.join("metrics.jsonl")).is_ok_and(|lines| lines.len() > 0)
        || ["checkpoint", "best", "kept"].iter().any(|weights| root.join(weights).exists());
    if let Some(before) = before.filter(|_| begun) {
        if let Some(difference) = difference("", &before, &asked) {
            return Err(TrainError::OtherRun { root: root.to_owned(), difference });
        }
        // Its best weights were found by this judge; another one later would not be a fair one.
        let judge = before.get("data").and_then(|data| data.get(JUDGED_BY).cloned());
        if let (Some(judge), Some(Value::Object(data))) = (judge, asked.get_mut("data"))
            && !data.contains_key(JUDGED_BY)
        {
            data.insert(JUDGED_BY.to_owned(), judge);
            text = serde_json::to_vec_pretty(&asked).map_err(wrong)?;
        }
    }
    durable::replace(&path, &text)
}

/// The first option that differs, in words.
fn difference(name: &str, before: &Value, asked: &Value) -> Option<String> {
    match (before, asked) {
        (Value::Object(before), Value::Object(asked)) => {
            let keys: BTreeSet<&String> = before.keys().chain(asked.keys()).collect();
            keys.into_iter().filter(|key| !FREE.contains(&key.as_str())).find_map(|key| {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                match [before.get(key), asked.get(key)] {
                    [Some(before), Some(asked)] => difference(&inner, before, asked),
                    [before, asked] if name == "data" && key != JUDGED_BY => {
                        let told = |value: Option<&Value>| value.unwrap_or(&Value::Null).to_string();
                        Some(format!("{inner}: {} there, {} here", told(before), told(asked)))
                    }
                    _ => None,
                }
            })
        }
        (before, asked) => (!is_same(before, asked)).then(|| format!("{name}: {before} there, {asked} here")),
    }
}

/// Equal, or told by an earlier version of this program, which knew data by names and lengths only.
fn is_same(before: &Value, asked: &Value) -> bool {
    let names = asked.as_str().and_then(|asked| asked.split_once(BYTES)).map(|(names, _)| names);
    before == asked || (names.is_some() && before.as_str() == names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `options`, and what every run has.
    fn run(mut options: Value) -> Value {
        for option in ["batch_size", "save_every", "panel_every"] {
            options[option] = json!(2);
        }
        options
    }

    #[test]
    fn weights_that_are_left_are_of_the_same_run() {
        for left in ["best", "kept"] {
            let root = tempfile::tempdir().unwrap();
            let note = |lr: f64| note(root.path(), &run(json!({"lr": lr})));
            note(0.1).unwrap();
            note(0.2).unwrap();
            fs::create_dir(root.path().join(left)).unwrap();
            assert!(matches!(note(0.1), Err(TrainError::OtherRun { .. })), "{left}");
            note(0.2).unwrap();
        }
    }

    #[test]
    fn bytes_that_an_earlier_version_did_not_tell_are_no_difference() {
        let told = |photos: &str| json!({"data": {"photos": photos}});
        let (earlier, now, other) = (told("8, ab"), told("8, ab, bytes cd"), told("8, ab, bytes ef"));
        assert_eq!(difference("", &earlier, &now), None);
        assert!(difference("", &now, &other).is_some() && difference("", &now, &earlier).is_some());
    }

    #[test]
    fn a_run_goes_on_with_the_same_options_only() {
        let root = tempfile::tempdir().unwrap();
        let note = |options: Value| note(root.path(), &run(options)).map_err(|error| error.to_string());
        note(json!({"lr": 3.0})).unwrap();
        let first = json!({"lr": 0.1, "model": {"depth": 12}, "keep": 0, "command": ["a"]});
        note(first.clone()).unwrap();
        fs::write(root.path().join("metrics.jsonl"), "{}\n").unwrap();
        note(first.clone()).unwrap();
        note(first.clone()).unwrap();
        note(json!({"lr": 0.1, "model": {"depth": 12}, "keep": 3, "command": ["b"], "newer": true})).unwrap();
        let error = note(json!({"lr": 0.1, "model": {"depth": 6}, "keep": 3})).unwrap_err();
        assert!(error.contains("model.depth: 12 there, 6 here"), "{error}");
        fs::write(root.path().join("run.json"), "").unwrap();
        let error = note(first).unwrap_err();
        assert!(error.contains("run.json, metrics.jsonl"), "{error}");
    }

    #[test]
    fn a_judge_that_went_away_is_not_replaced_by_another() {
        let root = tempfile::tempdir().unwrap();
        let note = |data: Value| note(root.path(), &run(json!({"lr": 0.1, "data": data})));
        note(json!({"photos": "a"})).unwrap();
        fs::write(root.path().join("metrics.jsonl"), "{}\n").unwrap();
        note(json!({"photos": "a", "validation": "b"})).unwrap();
        note(json!({"photos": "a"})).unwrap();
        note(json!({"photos": "a", "validation": "b"})).unwrap();
        note(json!({"photos": "a"})).unwrap();
        let error = note(json!({"photos": "a", "validation": "c"})).unwrap_err().to_string();
        assert!(error.contains("data.validation"), "{error}");
    }

    #[test]
    fn data_that_come_or_go_make_another_run() {
        let before = json!({"data": {"photos": "a", "validation": "c"}});
        let asked = json!({"data": {"photos": "a", "cut-outs": "b"}, "newer": 1});
        let told = difference("", &before, &asked).unwrap();
        assert_eq!(told, "data.cut-outs: null there, \"b\" here");
        assert_eq!(difference("", &before, &json!({"data": {"photos": "a"}})), None, "not judged any more");
        assert!(difference("", &asked, &before).is_some());
        assert_eq!(difference("", &before, &before), None);
    }
}
