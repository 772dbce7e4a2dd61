//! The output folder of an export or import.

use std::fs;
use std::path::{self, Path, PathBuf};

use anyhow::{Result, bail, ensure};

use crate::cli::source::Source;
use crate::cli::terminal::output::write_folder;
use crate::files;
use crate::weights::{Manifest, ManifestFile};

const MANIFEST: &str = "manifest.json";
/// The file that marks a folder as a training run.
const RUN: &str = "run.json";
/// Prefixes of the names of a run's subfolders.
const OF_A_RUN: [&str; 5] = ["checkpoint", "best", "kept", "panels", "features"];
/// Files that loaders read instead of, or together with, the written ones.
const READ: [&str; 6] = [
    "config.json",
    "preprocessor_config.json",
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];

/// A folder to write weights to, checked to hold no files that would be lost.
#[derive(Debug)]
pub(super) struct Target {
    root: PathBuf,
    /// Files of an earlier export, as its manifest lists them.
    earlier: Vec<ManifestFile>,
}

impl Target {
    /// Opens the folder for writing.
    ///
    /// # Errors
    /// Fails if the folder belongs to a run, is the source itself, or holds weight files that are not those
    /// of an earlier export.
    pub(super) fn open(root: &Path, from: &Source) -> Result<Self> {
        let shown = root.display();
        ensure!(!is_of_a_run(root), "{shown} belongs to a training run; choose another folder for --out");
        let is_source = |place: &Path| {
            fs::canonicalize(root).is_ok_and(|root| fs::canonicalize(place).is_ok_and(|place| place == root))
        };
        ensure!(
            !from.folder().is_some_and(is_source),
            "{shown} is where the weights are read from; choose another folder for --out"
        );
        let manifest = files::read(&root.join(MANIFEST), files::TEXT).ok();
        let manifest = manifest.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
        let earlier = manifest.map_or_else(Vec::new, |manifest| manifest.files);
        let target = Self { root: root.to_owned(), earlier };
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
            let is_of_weights = READ.contains(&name.as_str()) || is_shard(&name);
            let is_manifest = name == MANIFEST && !target.earlier.is_empty();
            if (is_of_weights || name == MANIFEST) && !is_manifest && !target.is_earlier(&name) {
                bail!(
                    "{shown} holds {name}, which is not from an earlier export or was changed since; choose another folder \
                     for --out"
                );
            }
        }
        Ok(target)
    }

    /// Writes the files, and deletes those of the earlier export that were not replaced.
    pub(super) fn write(&self, files: &[(String, Vec<u8>)]) -> Result<()> {
        write_folder(&self.root, files)?;
        for old in self.earlier.iter().filter(|old| !files.iter().any(|(name, _)| *name == old.name)) {
            if self.is_earlier(&old.name) {
                fs::remove_file(self.root.join(&old.name))?;
            }
        }
        Ok(())
    }

    fn is_earlier(&self, name: &str) -> bool {
        let promised = self.earlier.iter().find(|file| file.name == name && is_plain(name));
        promised.is_some_and(|promised| {
            fs::read(self.root.join(name)).is_ok_and(|content| promised.verify(&content).is_ok())
        })
    }
}

/// Returns whether a folder is a training run, or lies where a run keeps its weights and pictures.
fn is_of_a_run(root: &Path) -> bool {
    let place = path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let of_a_run = |run: &Path| {
        let inside = place.strip_prefix(run).ok().and_then(|inside| inside.iter().next());
        run.join(RUN).exists()
            && inside
                .is_none_or(|inside| OF_A_RUN.iter().any(|part| inside.to_string_lossy().starts_with(part)))
    };
    root.join("progress.json").exists() || place.ancestors().take(3).any(of_a_run)
}

/// Returns whether a file is one of several shards of weights.
fn is_shard(name: &str) -> bool {
    name.starts_with("model-") && name.ends_with(".safetensors")
}

/// Returns whether a name stays within the folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Disk;

    const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

    fn files(shards: &[&str], content: &str) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> =
            shards.iter().chain(&["config.json"]).map(|name| ((*name).to_owned(), content.into())).collect();
        let promised =
            files.iter().map(|(name, content): &(String, Vec<u8>)| ManifestFile::of(name, content));
        let manifest = Manifest { files: promised.collect(), ..Manifest::default() };
        files.push((MANIFEST.to_owned(), serde_json::to_vec(&manifest).unwrap()));
        files
    }

    #[test]
    fn an_export_replaces_an_earlier_one_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let elsewhere = Source::Disk(Disk::file("elsewhere.pth"));
        let open = || Target::open(&path("out"), &elsewhere);
        open().unwrap().write(&files(&SHARDS, "1")).unwrap();
        fs::write(path("out/README.md"), "mine").unwrap();
        open().unwrap().write(&files(&["model-00001-of-00001.safetensors"], "2")).unwrap();
        assert!(SHARDS.iter().all(|old| !path("out").join(old).exists()), "old shards are gone");
        assert_eq!(fs::read(path("out/config.json")).unwrap(), b"2");
        assert_eq!(fs::read(path("out/README.md")).unwrap(), b"mine");
        for (name, content) in [("model.safetensors", "mine"), ("config.json", "changed")] {
            fs::write(path("out").join(name), content).unwrap();
            let error = open().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            fs::remove_file(path("out").join(name)).unwrap();
        }
        let here = Source::open(Some(&path("out"))).unwrap();
        assert!(Target::open(&path("out"), &here).unwrap_err().to_string().contains("read from"));
        fs::write(path("run.json"), "{}").unwrap();
        for place in ["", "best", "kept/step-000002", "checkpoint"] {
            let error = Target::open(&path(place), &elsewhere).unwrap_err().to_string();
            assert!(error.contains("training run"), "{place}: {error}");
        }
        assert!(open().is_ok(), "a folder of its own beside them");
    }
}
