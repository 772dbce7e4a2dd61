//! Checks that a folder belongs to a training run, because only there may a run replace and delete files.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::files;
use crate::train::TrainError;

/// The file of a run that holds its [`RunManifest`](super::RunManifest).
pub(super) const RUN_JSON: &str = "run.json";

/// Files and folders that a run writes and may later replace or delete.
const WRITTEN: [&str; 12] = [
    RUN_JSON,
    "run.part",
    "metrics.jsonl",
    "panels",
    "checkpoint",
    "checkpoint.new",
    "checkpoint.old",
    "best",
    "best.new",
    "best.old",
    "kept",
    "features",
];
/// Options that every run has.
const OPTIONS: [&str; 3] = ["batch_size", "save_every", "panel_every"];

/// Returns the manifest of the run in `root`, or `None` if there is neither a run nor anything in its way.
///
/// # Errors
/// [`TrainError::NoRun`] if files that a run would replace or delete are not known to belong to a run.
pub(super) fn claimed(root: &Path) -> Result<Option<Value>, TrainError> {
    let there: Vec<&str> =
        WRITTEN.into_iter().filter(|name| fs::symlink_metadata(root.join(name)).is_ok()).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let manifest = files::read(&root.join(RUN_JSON), files::TEXT);
    let manifest: Option<Value> = manifest.ok().and_then(|text| serde_json::from_slice(&text).ok());
    match manifest.filter(|known| OPTIONS.iter().all(|option| known.get(option).is_some_and(Value::is_u64))) {
        None => Err(TrainError::NoRun { root: root.to_owned(), there: there.join(", ") }),
        manifest => Ok(manifest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_others_are_no_run() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        assert!(claimed(&path("none")).unwrap().is_none());
        fs::write(path("notes.txt"), "mine").unwrap();
        assert!(claimed(root.path()).unwrap().is_none(), "no run would touch it");
        for (name, text) in [("run.json", "precious"), ("run.json", "{\"name\": 1}"), ("best", "")] {
            fs::write(path(name), text).unwrap();
            let error = claimed(root.path()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let options = r#"{"batch_size": 4, "save_every": 5, "panel_every": 6}"#;
        fs::write(path("run.json"), options).unwrap();
        assert_eq!(claimed(root.path()).unwrap().unwrap()["save_every"], 5);
    }
}
