//! Files and folders that are whole or not there, whenever the process or the machine stops.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::TrainError;

/// Names the file or folder in what the system says of it.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> TrainError + '_ {
    move |source| TrainError::File { path: path.to_owned(), source }
}

/// Writes a file of a folder that is not in its place yet.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(at(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(path))
}

/// Writes to a temporary name in the same folder, then renames.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let temporary = path.with_extension("part");
    write(&temporary, bytes)?;
    fs::rename(&temporary, path).map_err(at(path))
}

/// Brings what was written to a file by others onto the disk.
pub(super) fn settle(path: &Path) -> Result<(), TrainError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// The folder that takes the place of `current` when it is whole, empty.
pub(super) fn fresh(current: &Path) -> Result<PathBuf, TrainError> {
    let fresh = beside(current, "new");
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).map_err(at(&fresh))?;
    Ok(fresh)
}

/// Puts the [`fresh`] folder in the place of `current`; whenever this is broken off, [`recover`] finds one that is whole.
pub(super) fn swap(current: &Path) -> Result<(), TrainError> {
    let (fresh, old) = (beside(current, "new"), beside(current, "old"));
    settle_folder(&fresh)?;
    if current.exists() {
        let _ = fs::remove_dir_all(&old);
        fs::rename(current, &old).map_err(at(current))?;
    }
    fs::rename(&fresh, current).map_err(at(&fresh))?;
    settle_folder(current.parent().unwrap_or(Path::new(".")))?;
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

/// After a [`swap`] that was broken off half-way: the folder from before is back in its place, and nothing lies beside it.
pub(super) fn recover(current: &Path) -> Result<(), TrainError> {
    let old = beside(current, "old");
    if !current.exists() && old.exists() {
        fs::rename(&old, current).map_err(at(&old))?;
    }
    for left in [old, beside(current, "new")] {
        let _ = fs::remove_dir_all(left);
    }
    Ok(())
}

/// Keeps other processes from working in `folder` until the file that is returned is closed, where its disk can do that.
pub(super) fn lock(folder: &Path) -> Result<File, TrainError> {
    let path = folder.join("run.lock");
    let file = File::create(&path).map_err(at(&path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TrainError::Busy { root: folder.to_owned() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Cuts lines of JSON off from the first that tells of a step after `step`, or was not written to its end.
pub(super) fn drop_after(path: &Path, step: usize) -> Result<(), TrainError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text.map_err(at(path))?,
    };
    let is_kept = |line: &&[u8]| {
        let told: Option<Told> = serde_json::from_slice(line).ok();
        line.ends_with(b"\n") && told.is_none_or(|told| told.step <= step)
    };
    let kept: usize = text.split_inclusive(|&byte| byte == b'\n').take_while(is_kept).map(<[u8]>::len).sum();
    if kept < text.len() {
        let file = File::options().write(true).open(path).map_err(at(path))?;
        file.set_len(kept as u64).map_err(at(path))?;
    }
    Ok(())
}

/// What is read of a line.
#[derive(Deserialize)]
struct Told {
    step: usize,
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_extension(ending)
}

/// Names in a folder outlive a power cut once the folder itself is on the disk; where folders are no files, as on Windows,
/// the system sees to that.
fn settle_folder(path: &Path) -> Result<(), TrainError> {
    if cfg!(unix) { settle(path) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(current: &Path, what: &str) {
        write(&fresh(current).unwrap().join("a"), what.as_bytes()).unwrap();
    }

    #[test]
    fn wherever_a_swap_is_broken_off_a_whole_folder_is_found() {
        let root = tempfile::tempdir().unwrap();
        let current = root.path().join("checkpoint");
        let held = || fs::read_to_string(current.join("a")).unwrap();
        save(&current, "1");
        swap(&current).unwrap();
        for (saved, next) in [("1", "2"), ("1", "3")] {
            save(&current, next);
            fs::rename(&current, beside(&current, "old")).unwrap();
            // Here it was killed; and so was the next start, twice.
            for _ in 0..2 {
                recover(&current).unwrap();
                assert_eq!(held(), saved);
            }
        }
        save(&current, "4");
        swap(&current).unwrap();
        assert_eq!(held(), "4");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_works_in_a_folder_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let first = lock(root.path()).unwrap();
        assert!(matches!(lock(root.path()), Err(TrainError::Busy { .. })));
        drop(first);
        lock(root.path()).unwrap();
    }

    #[test]
    fn lines_of_steps_that_are_done_again_and_broken_ones_go() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("metrics.jsonl");
        drop_after(&path, 0).unwrap();
        let all = "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n";
        for (text, step, left) in [(all, 3, 3), (all, 2, 2), (all, 0, 0), (&all[..17], 3, 1), ("{", 3, 0)] {
            fs::write(&path, text).unwrap();
            drop_after(&path, step).unwrap();
            let expected: String = all.split_inclusive('\n').take(left).collect();
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
        }
    }
}
