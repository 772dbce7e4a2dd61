//! Atomic replacement of files and folders, even if the process or the machine stops at any time.
//!
//! A folder is written beside the one it replaces. Meanwhile both contain a marker file: a folder without it,
//! such as somebody's copy of a checkpoint under one of these names, is never replaced or deleted.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::train::TrainError;

/// Returns a function that adds the path to an I/O error.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> TrainError + '_ {
    move |source| TrainError::File { path: path.to_owned(), source }
}

/// Writes and syncs a file in a folder that is not in its place yet.
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

/// Syncs a file that other code wrote to the disk.
pub(super) fn settle(path: &Path) -> Result<(), TrainError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(at(path))
}

/// The marker file of a folder that is being moved into or out of its place.
const MARK: &str = "on-its-way";

/// Creates the empty folder that will replace `current` once it is complete.
pub(super) fn fresh(current: &Path) -> Result<PathBuf, TrainError> {
    let fresh = beside(current, "new");
    remove(&fresh);
    fs::create_dir_all(&fresh).map_err(at(&fresh))?;
    write(&fresh.join(MARK), b"")?;
    Ok(fresh)
}

/// Replaces `current` by the [`fresh`] folder; if this is interrupted at any point, [`recover`] finds a
/// complete one. Files of others in `current`, which are all but `ours`, stay there.
pub(super) fn swap(current: &Path, ours: &[&str]) -> Result<(), TrainError> {
    let (fresh, old) = (beside(current, "new"), beside(current, "old"));
    settle_folder(&fresh)?;
    if current.exists() {
        write(&current.join(MARK), b"")?;
        fs::rename(current, &old).map_err(at(current))?;
    }
    fs::rename(&fresh, current).map_err(at(&fresh))?;
    settle_folder(current.parent().unwrap_or(Path::new(".")))?;
    recover(current, ours)
}

/// Completes or reverts an interrupted [`swap`]: afterwards a complete folder is in place, and no other
/// folder of this program lies beside it.
pub(super) fn recover(current: &Path, ours: &[&str]) -> Result<(), TrainError> {
    let (fresh, old) = (beside(current, "new"), beside(current, "old"));
    if old.exists() {
        if current.exists() {
            hand_over(&old, current, ours)?;
            remove(&old);
        } else {
            fs::rename(&old, current).map_err(at(&old))?;
        }
    }
    remove(&fresh);
    let _ = fs::remove_file(current.join(MARK));
    Ok(())
}

/// Deletes a marked folder, the marker last, so that it is still recognised if the deletion is interrupted.
fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name() != MARK {
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
    let _ = fs::remove_dir_all(folder);
}

/// Moves all files but `ours` from one folder to the other.
fn hand_over(from: &Path, to: &Path, ours: &[&str]) -> Result<(), TrainError> {
    for name in others(from, ours) {
        let (from, to) = (from.join(&name), to.join(&name));
        if !to.exists() {
            fs::rename(&from, &to).map_err(at(&from))?;
        }
    }
    Ok(())
}

/// Returns the names of all files in a folder but `ours`.
fn others(folder: &Path, ours: &[&str]) -> Vec<OsString> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
    names.filter(|name| name != MARK && !ours.iter().any(|ours| name == OsStr::new(ours))).collect()
}

/// Deletes a folder if it contains nothing but `ours`; returns whether it did.
pub(super) fn discard(folder: &Path, ours: &[&str]) -> Result<bool, TrainError> {
    let is_ours = others(folder, ours).is_empty();
    if is_ours {
        fs::remove_dir_all(folder).map_err(at(folder))?;
    }
    Ok(is_ours)
}

/// Locks `folder` against other processes until the returned file is closed, if its file system supports
/// locks.
pub(super) fn lock(folder: &Path) -> Result<File, TrainError> {
    let path = folder.join("run.lock");
    let file = File::options().create(true).append(true).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(TrainError::Busy { root: folder.to_owned() }),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

/// Truncates a file of JSON lines before the first line that is about a step after `step` or is incomplete.
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

/// Returns the first step up to `step` that is missing in a file of JSON lines, and the number of missing
/// steps.
pub(super) fn missing(path: &Path, step: usize) -> Result<Option<(usize, usize)>, TrainError> {
    if step == 0 {
        return Ok(None);
    }
    let text = if path.exists() { fs::read(path).map_err(at(path))? } else { Vec::new() };
    let told = text.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice::<Told>(line).ok());
    let told: BTreeSet<usize> = told.map(|told| told.step).collect();
    let missing: Vec<usize> = (1..=step).filter(|step| !told.contains(step)).collect();
    Ok(missing.first().map(|&first| (first, missing.len())))
}

/// The part of a line that is read.
#[derive(Deserialize)]
struct Told {
    step: usize,
}

/// Returns whether a folder contains our marker, or is still empty.
pub(super) fn is_on_its_way(folder: &Path) -> bool {
    folder.join(MARK).is_file() || fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Returns the first path with this ending that is free or [ours](is_on_its_way).
fn beside(path: &Path, ending: &str) -> PathBuf {
    let named = |number: usize| match number {
        1 => path.with_extension(ending),
        more => path.with_extension(format!("{ending}-{more}")),
    };
    let is_free = |path: &Path| fs::symlink_metadata(path).is_err() || is_on_its_way(path);
    let mut number = 1;
    while !is_free(&named(number)) {
        number += 1;
    }
    named(number)
}

/// Syncs a folder, so that the names in it survive a power failure; where folders cannot be opened as files,
/// as on Windows, the system takes care of that.
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
    fn what_others_put_beside_or_into_a_folder_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let current = path("checkpoint");
        for copy in ["checkpoint.old", "checkpoint.new"] {
            fs::create_dir(path(copy)).unwrap();
            fs::write(path(copy).join("a"), "mine").unwrap();
        }
        for saved in ["1", "2", "3"] {
            save(&current, saved);
            swap(&current, &["a"]).unwrap();
            fs::write(current.join("notes"), "mine").unwrap();
            recover(&current, &["a"]).unwrap();
            assert_eq!(fs::read_to_string(current.join("a")).unwrap(), saved);
        }
        for kept in ["checkpoint.old/a", "checkpoint.new/a", "checkpoint/notes"] {
            assert_eq!(fs::read_to_string(path(kept)).unwrap(), "mine", "{kept}");
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3, "and nothing of ours is left");
        assert!(!discard(&current, &["a"]).unwrap());
        assert!(discard(&current, &["a", "notes"]).unwrap() && !current.exists());
    }

    #[test]
    fn steps_without_a_line_are_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("metrics.jsonl");
        fs::write(&path, "{\"step\":1}\nbroken\n{\"step\":4}\n").unwrap();
        let expected = [(0, None), (1, None), (2, Some((2, 1))), (4, Some((2, 2))), (6, Some((2, 4)))];
        for (step, told) in expected {
            assert_eq!(missing(&path, step).unwrap(), told, "{step}");
        }
    }

    #[test]
    fn wherever_a_swap_is_broken_off_a_whole_folder_is_found() {
        let root = tempfile::tempdir().unwrap();
        let current = root.path().join("checkpoint");
        let held = || fs::read_to_string(current.join("a")).unwrap();
        save(&current, "1");
        swap(&current, &["a"]).unwrap();
        for (saved, next) in [("1", "2"), ("1", "3")] {
            save(&current, next);
            write(&current.join(MARK), b"").unwrap();
            fs::rename(&current, beside(&current, "old")).unwrap();
            // Simulates being killed here, and again during the next start, twice.
            for _ in 0..2 {
                recover(&current, &["a"]).unwrap();
                assert_eq!(held(), saved);
            }
        }
        save(&current, "4");
        swap(&current, &["a"]).unwrap();
        assert_eq!(held(), "4");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&current).unwrap().count(), 1, "no mark is left");
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
