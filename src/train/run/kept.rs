//! `kept/`: the weights of recent checkpoints, beside the checkpoint to continue from.

use std::fs;
use std::path::{Path, PathBuf};

use super::RunFolder;
use super::atomic::{self, at};
use super::stored::{CONFIG, MODEL, OURS, PREPROCESSOR, Stored, Writing};
use crate::train::TrainError;

impl RunFolder {
    /// Keeps the weights of the latest checkpoint as those of `step`, and deletes all but the newest `most`
    /// kept ones.
    pub(in crate::train) fn keep(&self, step: usize, most: usize) -> Result<(), TrainError> {
        let kept = self.kept();
        let folder = kept.join(named(step));
        if !folder.exists() || step_of(&folder).is_some() {
            let checkpoint = Stored::open(&self.checkpoint())?;
            let mut fresh = Writing::begin(&folder)?;
            for name in [CONFIG, PREPROCESSOR, MODEL] {
                let from = checkpoint.checked(name)?;
                fs::copy(&from, fresh.path(name)).map_err(at(&from))?;
                fresh.note(name)?;
            }
            fresh.finish(titled(step))?;
        }
        let mut steps: Vec<usize> = entries(&kept).iter().filter_map(|path| step_of(path)).collect();
        steps.sort_unstable();
        for step in steps.into_iter().rev().skip(most) {
            atomic::discard(&kept.join(named(step)), &OURS)?;
        }
        Ok(())
    }

    /// Returns the files and folders in `kept/` that this run did not write.
    pub(in crate::train) fn kept_by_others(&self) -> Vec<PathBuf> {
        let by_others = |path: &PathBuf| step_of(path).is_none() && !atomic::is_on_its_way(path);
        entries(&self.kept()).into_iter().filter(by_others).collect()
    }

    fn kept(&self) -> PathBuf {
        self.checkpoint().with_file_name("kept")
    }
}

fn named(step: usize) -> String {
    format!("step-{step:06}")
}

fn titled(step: usize) -> String {
    format!("weights of step {step}")
}

fn entries(kept: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> =
        fs::read_dir(kept).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

/// Returns the step of a folder that [`RunFolder::keep`] wrote; `None` for a copy under another name.
fn step_of(folder: &Path) -> Option<usize> {
    let step = folder.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok()?;
    let stored = Stored::open(folder).ok()?;
    (folder.ends_with(named(step)) && stored.name() == titled(step)).then_some(step)
}
