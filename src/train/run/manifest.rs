//! The manifest of a run, `run.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::atomic;
use super::claim::{self, RUN_JSON};
use crate::data::BYTES;
use crate::train::TrainError;

/// Options that may differ when a run is continued: those about saving and panels, and how it was started.
const FREE: [&str; 5] = ["save_every", "panel_every", "keep", "command", "flags"];

/// Retired options, with the value that all runs now use; runs with another value cannot be continued.
const RETIRED: [(&str, &str); 4] =
    [("features_only", "false"), ("flip", "true"), ("full_rate_blocks", "0"), ("poly_power", "0.9")];

/// The key of the validation data. Nothing is learned from them, so they may be dropped and added back, but
/// not replaced.
const JUDGED_BY: &str = "validation";

/// The options and data of a run, as stored in `run.json`; `O` are the options of its verb.
///
/// Options missing in the file of an earlier version take their defaults; retired ones are skipped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunManifest<O> {
    /// The options.
    #[serde(flatten)]
    pub options: O,
    /// The training data by fingerprints or names; they must stay the same for a run to be continued.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// The verb, such as `finetune`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub verb: String,
    /// The words of the command line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// All flags with their values, whether given, from a recipe or by default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, String>,
}

impl<O> RunManifest<O> {
    /// Returns the manifest of a run with `options` and no data.
    pub fn new(options: O) -> Self {
        let (data, command, flags) = Default::default();
        Self { options, data, verb: String::new(), command, flags }
    }

    /// Adds an entry to the training data, if `value` is given.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<String>) -> Self {
        self.data.extend(value.map(|value| (name.to_owned(), value)));
        self
    }
}

impl<O: Clone + Serialize + DeserializeOwned> RunManifest<O> {
    /// Writes `run.json` in `root`. If a run there has made a step or left weights, or if this process
    /// `joins` one that another has begun, it must have the same options and data.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`], [`TrainError::NoRun`], [`TrainError::File`]
    pub(super) fn write(&self, root: &Path, joins: bool) -> Result<(), TrainError> {
        let before = claim::claimed(root)?;
        let begun = joins
            || fs::metadata(root.join("metrics.jsonl")).is_ok_and(|lines| lines.len() > 0)
            || ["checkpoint", "best", "kept"].iter().any(|weights| root.join(weights).exists());
        let unwritable = |error: serde_json::Error| TrainError::Option(error.to_string());
        let mut manifest = self.clone();
        if let Some(before) = before.filter(|_| begun) {
            let other = |difference: String| TrainError::OtherRun { root: root.to_owned(), difference };
            if let Some(difference) = retired(&before) {
                return Err(other(difference));
            }
            let before = read(before).map_err(|error| other(error.to_string()))?;
            if let Some(difference) = self.difference_from(&before).map_err(unwritable)? {
                return Err(other(difference));
            }
            // The best weights were chosen by these validation data, so that other data later would not be
            // comparable.
            if let Some(judge) = before.data.get(JUDGED_BY) {
                manifest.data.entry(JUDGED_BY.to_owned()).or_insert_with(|| judge.clone());
            }
        }
        let text = serde_json::to_vec_pretty(&manifest).map_err(unwritable)?;
        atomic::replace(&root.join(RUN_JSON), &text)
    }

    /// Describes the first difference.
    fn difference_from(&self, before: &Self) -> serde_json::Result<Option<String>> {
        // Both sides are compared after a round trip through text, which may change numbers.
        let asked: Self = read(serde_json::from_slice(&serde_json::to_vec(self)?)?)?;
        let [before, asked] = [serde_json::to_value(before)?, serde_json::to_value(asked)?];
        Ok(difference("", Some(&before), Some(&asked)))
    }
}

/// Describes the first retired option whose value differs from the one that all runs now use.
fn retired(before: &Value) -> Option<String> {
    RETIRED.into_iter().find_map(|(name, now)| {
        let before = before.get(name)?.to_string();
        (before != now).then(|| format!("{name}: {before} there, {now} here"))
    })
}

fn read<M: DeserializeOwned>(manifest: Value) -> serde_json::Result<M> {
    serde_json::from_value(manifest)
}

fn difference(name: &str, before: Option<&Value>, asked: Option<&Value>) -> Option<String> {
    match (before, asked) {
        (Some(Value::Object(before)), Some(Value::Object(asked))) => {
            let keys: BTreeSet<&String> = before.keys().chain(asked.keys()).collect();
            keys.into_iter().filter(|key| !FREE.contains(&key.as_str())).find_map(|key| {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                let known = [before.get(key), asked.get(key)];
                let may_be_missing = inner == format!("data.{JUDGED_BY}");
                if may_be_missing && known.iter().any(Option::is_none) {
                    return None;
                }
                difference(&inner, known[0], known[1])
            })
        }
        (before, asked) if is_same(before, asked) => None,
        (before, asked) => {
            let told = |value: Option<&Value>| value.unwrap_or(&Value::Null).to_string();
            Some(format!("{name}: {} there, {} here", told(before), told(asked)))
        }
    }
}

/// Returns whether two values are equal; data recorded by an earlier version, which knew only names and
/// lengths, are compared by those.
fn is_same(before: Option<&Value>, asked: Option<&Value>) -> bool {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let names = text(asked).and_then(|asked| asked.split_once(BYTES).map(|(names, _)| names.to_owned()));
    before == asked || (names.is_some() && text(before) == names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::data::{AugmentOptions, Zoom};
    use crate::train::loss::SetLossConfig;
    use crate::train::{FinetuneOptions, Optimizer, PretrainOptions, StepOptions, Tune};

    /// A manifest of earlier versions, with options that are gone and without some that are new.
    const EARLIER: &str = r#"{
        "tune": {"top": 6}, "num_queries": 0, "whole": true, "num_blocks": 3, "masked_attention": true,
        "annealing": [], "drop_path": 0.0, "total_steps": 1200, "learning_rate": 0.0004, "layer_decay": 0.75,
        "full_rate_blocks": 0, "warmup_steps": 20, "encoder_warmup_steps": 40, "poly_power": 0.9,
        "augment": {"image_size": 322, "zoom": [0.6, 1.6], "flip": true, "colour": 0.3, "cutouts": 1,
            "transplants": 1},
        "loss": {"mask_coefficient": 5.0, "dice_coefficient": 5.0, "class_coefficient": 2.0,
            "no_object_coefficient": 0.1, "num_points": 1024, "oversample_ratio": 3.0, "importance_ratio": 0.75},
        "batch_size": 8, "accumulate": 1, "clip_norm": null, "optimizer": "muon", "weight_decay": 0.05,
        "average_decay": 0.995, "seed": 0, "save_every": 100, "panel_every": 200, "keep": 0,
        "data": {"encoder": "s2", "photos": "6645, 208eb04267bf4cff"}, "verb": "finetune",
        "command": ["mae-seg", "finetune"], "flags": {"poly-power": "0.9", "average": "0.995"}}"#;

    fn earlier() -> RunManifest<FinetuneOptions> {
        let zoom = Zoom(Some((0.6, 1.6)));
        let augment =
            AugmentOptions { image_size: 322, zoom, cutouts: 1, transplants: 1, ..Default::default() };
        let steps = StepOptions {
            batch_size: 8,
            optimizer: Optimizer::Muon,
            average_decay: 0.995,
            ..StepOptions::default()
        };
        let options = FinetuneOptions {
            tune: Tune::Top(6),
            num_queries: 0,
            whole: true,
            total_steps: 1200,
            learning_rate: 4e-4,
            layer_decay: 0.75,
            warmup_steps: 20,
            encoder_warmup_steps: Some(40),
            augment,
            loss: SetLossConfig { num_points: 1024, ..SetLossConfig::default() },
            steps,
            ..FinetuneOptions::default()
        };
        let manifest = RunManifest { verb: "finetune".to_owned(), ..RunManifest::new(options) };
        let photos = "6645, 208eb04267bf4cff, bytes 1d";
        manifest.with("encoder", Some("s2".to_owned())).with("photos", Some(photos.to_owned()))
    }

    /// Returns a folder whose run has made a step.
    fn begun(manifest: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(RUN_JSON), manifest).unwrap();
        fs::write(root.path().join("metrics.jsonl"), "{}\n").unwrap();
        root
    }

    fn pretraining(mask_ratio: f64) -> RunManifest<PretrainOptions> {
        let mut options = PretrainOptions::default();
        options.model.mask_ratio = mask_ratio;
        RunManifest::new(options)
    }

    #[test]
    fn runs_of_earlier_versions_go_on_with_the_same_options() {
        let root = begun(EARLIER);
        earlier().write(root.path(), false).unwrap();
        earlier().write(root.path(), false).unwrap();
        let mut other = earlier();
        other.options.drop_path = 0.1;
        let error = other.write(root.path(), false).unwrap_err().to_string();
        assert!(error.contains("drop_path: 0.0 there, 0.1 here"), "{error}");
        let root = begun(&EARLIER.replace("\"poly_power\": 0.9", "\"poly_power\": 1.0"));
        let error = earlier().write(root.path(), false).unwrap_err().to_string();
        assert!(error.contains("poly_power: 1.0 there, 0.9 here"), "{error}");
        let mut other = earlier();
        other.options.augment.least_area = 1;
        let error = other.write(begun(EARLIER).path(), false).unwrap_err().to_string();
        assert!(error.contains("augment.least_area: 16 there, 1 here"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again_to_the_bit() {
        for learning_rate in [1e-4, 0.1 + 0.2, 2.0 / 3.0 * 1e-5, 5e-324] {
            let mut manifest = earlier();
            manifest.options.learning_rate = learning_rate;
            manifest.options.annealing = vec![(0.16808, 0.33615)];
            let root = begun(&serde_json::to_string(&manifest).unwrap());
            manifest.write(root.path(), false).unwrap();
        }
    }

    #[test]
    fn weights_that_are_left_are_of_the_same_run() {
        for left in ["best", "kept"] {
            let root = tempfile::tempdir().unwrap();
            pretraining(0.5).write(root.path(), false).unwrap();
            pretraining(0.75).write(root.path(), false).unwrap();
            fs::create_dir(root.path().join(left)).unwrap();
            let error = pretraining(0.5).write(root.path(), false).unwrap_err();
            assert!(error.to_string().contains("model.mask_ratio: 0.75 there, 0.5 here"), "{left}: {error}");
            let mut rarely = pretraining(0.75);
            rarely.options.passes.steps.save_every = 9;
            rarely.write(root.path(), false).unwrap();
        }
    }

    #[test]
    fn files_without_a_manifest_are_no_run() {
        let root = begun("");
        let error = earlier().write(root.path(), false).unwrap_err().to_string();
        assert!(error.contains("run.json, metrics.jsonl"), "{error}");
        let error = pretraining(0.5).write(begun(EARLIER).path(), false).unwrap_err();
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    }

    #[test]
    fn a_judge_that_went_away_is_not_replaced_by_another() {
        let root = begun(&serde_json::to_string(&pretraining(0.5)).unwrap());
        let write = |judge: Option<&str>| {
            pretraining(0.5).with(JUDGED_BY, judge.map(str::to_owned)).write(root.path(), false)
        };
        for judge in [None, Some("b"), None, Some("b"), None] {
            write(judge).unwrap();
        }
        let error = write(Some("c")).unwrap_err().to_string();
        assert!(error.contains("data.validation"), "{error}");
    }

    #[test]
    fn data_that_come_or_go_make_another_run() {
        let difference = |before: &Value, asked: &Value| difference("", Some(before), Some(asked));
        let before = json!({"data": {"photos": "a", "validation": "c"}});
        let asked = json!({"data": {"photos": "a", "cut-outs": "b"}});
        assert_eq!(difference(&before, &asked).unwrap(), "data.cut-outs: null there, \"b\" here");
        assert_eq!(difference(&before, &json!({"data": {"photos": "a"}})), None, "not judged any more");
        assert!(difference(&asked, &before).is_some());
        assert_eq!(difference(&before, &before), None);
    }

    #[test]
    fn bytes_that_an_earlier_version_did_not_tell_are_no_difference() {
        let difference = |before: &Value, asked: &Value| difference("", Some(before), Some(asked));
        let told = |photos: &str| json!({"data": {"photos": photos}});
        let (earlier, now, other) = (told("8, ab"), told("8, ab, bytes cd"), told("8, ab, bytes ef"));
        assert_eq!(difference(&earlier, &now), None);
        assert!(difference(&now, &other).is_some() && difference(&now, &earlier).is_some());
    }
}
