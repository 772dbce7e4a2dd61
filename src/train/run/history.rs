//! Reads the files of a training run: `run.json` and `metrics.jsonl`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::claim::RUN_JSON;
use super::manifest::RunManifest;
use crate::files;
use crate::train::TrainError;

/// A training run, finished or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The path of its folder as given.
    pub name: String,
    /// Its options, with nested ones as `model.encoder.depth`.
    pub options: BTreeMap<String, String>,
    /// Its data and all its flags, as `--flag`; `None` if it was not started by flags.
    pub flags: Option<BTreeMap<String, String>>,
    /// Logged values by step and name.
    pub steps: BTreeMap<u64, BTreeMap<String, f64>>,
}

impl Run {
    /// Reads the folder of a run. For steps done twice, after an interruption, the last values count; a last
    /// line that is still being written is ignored.
    ///
    /// # Errors
    /// [`TrainError::Run`] naming the file and line at fault.
    pub fn open(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(RUN_JSON);
        let manifest: RunManifest<Map<String, Value>> =
            serde_json::from_str(&read(&path)?).map_err(|error| refused(&path, &error))?;
        let path = folder.join("metrics.jsonl");
        let text = read(&path)?;
        let mut steps = BTreeMap::new();
        for (number, line) in (1..).zip(text.split_inclusive('\n')) {
            match serde_json::from_str::<Map<String, Value>>(line) {
                Ok(values) => {
                    let step = values.get("step").and_then(Value::as_u64);
                    let step = step.ok_or_else(|| refused(&path, &format!("line {number} has no `step`")))?;
                    let numbers = values.into_iter().filter_map(|(name, v)| Some((name, v.as_f64()?)));
                    steps.insert(step, numbers.collect());
                }
                Err(_) if !line.ends_with('\n') => {}
                Err(error) => return Err(refused(&path, &format!("line {number}: {error}"))),
            }
        }
        let RunManifest { options: nested, data, verb, flags, .. } = manifest;
        let data: Vec<_> = data.into_iter().map(|(name, value)| (format!("data.{name}"), value)).collect();
        let mut options: BTreeMap<_, _> = data.iter().cloned().chain([("verb".to_owned(), verb)]).collect();
        flatten("", &Value::Object(nested), &mut options);
        // The locations of the run and of its recipe are not differences between runs.
        let flags = flags.into_iter().filter(|(name, _)| name != "out" && name != "recipe");
        let flags: BTreeMap<_, _> = flags.map(|(name, value)| (format!("--{name}"), value)).collect();
        let flags = (!flags.is_empty()).then(|| flags.into_iter().chain(data).collect());
        Ok(Self { name: folder.display().to_string(), options, flags, steps })
    }

    /// Returns the names of all logged values except the step.
    #[must_use]
    pub fn metrics(&self) -> Vec<String> {
        let mut names: Vec<String> = self.steps.values().flat_map(|values| values.keys().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| name != "step" && name != "steps");
        names
    }

    /// Returns steps and values of a metric, each value the mean of the last `window`.
    #[must_use]
    pub fn smoothed(&self, metric: &str, window: usize) -> Vec<(f64, f64)> {
        let points: Vec<(f64, f64)> = self
            .steps
            .iter()
            .filter_map(|(step, values)| Some((*step as f64, *values.get(metric)?)))
            .collect();
        let mean = |values: &[(f64, f64)]| values.iter().map(|p| p.1).sum::<f64>() / values.len() as f64;
        (0..points.len())
            .map(|at| (points[at].0, mean(&points[(at + 1).saturating_sub(window.max(1))..=at])))
            .collect()
    }
}

/// Returns the flags in which runs differ (or the options, if a run has no flags), with the value of each
/// run; a dash for a missing one.
#[must_use]
pub fn differences(runs: &[Run]) -> Vec<(String, Vec<String>)> {
    let flags: Option<Vec<_>> = runs.iter().map(|run| run.flags.as_ref()).collect();
    let told = flags.unwrap_or_else(|| runs.iter().map(|run| &run.options).collect());
    let mut names: Vec<&String> = told.iter().flat_map(|told| told.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let values = |name: &String| {
        let value = |told: &&BTreeMap<_, _>| told.get(name).cloned().unwrap_or_else(|| "–".to_owned());
        told.iter().map(value).collect::<Vec<_>>()
    };
    names
        .into_iter()
        .map(|name| (name.clone(), values(name)))
        .filter(|(_, values)| values.iter().any(|value| *value != values[0]))
        .collect()
}

fn flatten(prefix: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(keys) => keys.iter().for_each(|(key, value)| {
            let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            flatten(&name, value, flat);
        }),
        Value::String(text) => drop(flat.insert(prefix.to_owned(), text.clone())),
        other => drop(flat.insert(prefix.to_owned(), other.to_string())),
    }
}

fn read(path: &Path) -> Result<String, TrainError> {
    files::text(path, files::LIST).map_err(|error| refused(path, &error))
}

fn refused(path: &Path, reason: &dyn std::fmt::Display) -> TrainError {
    TrainError::Run { path: PathBuf::from(path), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn run(options: &str, metrics: &str) -> Result<Run, TrainError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("run.json"), options).unwrap();
        fs::write(folder.path().join("metrics.jsonl"), metrics).unwrap();
        Run::open(folder.path())
    }

    #[test]
    fn resumed_and_unfinished_runs_are_read() {
        let run = run(
            "{}",
            "{\"step\":1,\"loss\":4}\n{\"step\":2,\"loss\":9}\n{\"step\":2,\"loss\":2}\n{\"step\":3,\"lo",
        )
        .unwrap();
        assert_eq!(run.smoothed("loss", 1), [(1.0, 4.0), (2.0, 2.0)]);
        assert_eq!(run.smoothed("loss", 2), [(1.0, 4.0), (2.0, 3.0)]);
        assert_eq!(run.metrics(), ["loss"]);
    }

    #[test]
    fn damage_is_named_with_its_line() {
        let error = run("{}", "{\"step\":1}\nnonsense\n{\"step\":3}\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("metrics.jsonl"), "{error}");
        let error = run("{}", "{\"loss\":1}\n").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        assert!(run("[", "").unwrap_err().to_string().contains("run.json"));
    }

    #[test]
    fn only_options_that_differ_are_told() {
        let runs =
            [r#"{"seed": 1, "model": {"depth": 2, "kind": "a"}}"#, r#"{"seed": 1, "model": {"depth": 3}}"#]
                .map(|options| run(options, "").unwrap());
        let expected = [("model.depth", ["2", "3"]), ("model.kind", ["a", "–"])]
            .map(|(name, values)| (name.to_owned(), values.map(str::to_owned).to_vec()));
        assert_eq!(differences(&runs), expected);
    }

    #[test]
    fn flags_are_compared_where_all_runs_have_them() {
        let noted = |rate| format!(r#"{{"rate": {rate}, "flags": {{"lr": "{rate}", "out": "{rate}"}}}}"#);
        let names = |runs: &[Run]| differences(runs).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let mut runs = ["1", "2"].map(|rate| run(&noted(rate), "").unwrap()).to_vec();
        assert_eq!(names(&runs), ["--lr"]);
        runs.push(run(r#"{"rate": 2}"#, "").unwrap());
        assert_eq!(names(&runs), ["rate"]);
    }
}
