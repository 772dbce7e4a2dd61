//! The folders that a run keeps weights in: each file is noted in `manifest.json` with its digest.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::TrainError;
use super::durable::{self, at};
use crate::files;
use crate::weights::{Digest, Manifest, ManifestFile};

pub(super) const CONFIG: &str = "config.json";
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";
/// Parameters to use.
pub(super) const MODEL: &str = "model.safetensors";
/// Parameters as the optimiser left them, beside the averaged ones.
pub(super) const UNAVERAGED: &str = "unaveraged.safetensors";
pub(super) const OPTIMIZER: &str = "optimizer.bpk";
pub(super) const PROGRESS: &str = "progress.json";
/// How good the weights in `best/` are.
pub(super) const VALIDATION: &str = "validation.json";
const MANIFEST: &str = "manifest.json";

/// All that a run writes into such a folder; whatever else lies there is somebody else's.
pub(super) const OURS: [&str; 8] =
    [CONFIG, PREPROCESSOR, MODEL, UNAVERAGED, OPTIMIZER, PROGRESS, VALIDATION, MANIFEST];

/// A folder that is being written, in [`durable::fresh`] until it is whole.
pub(super) struct Writing {
    place: PathBuf,
    folder: PathBuf,
    files: Vec<ManifestFile>,
}

impl Writing {
    /// A folder that will take the place of `place`.
    pub(super) fn begin(place: &Path) -> Result<Self, TrainError> {
        Ok(Self { folder: durable::fresh(place)?, place: place.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> Result<(), TrainError> {
        self.files.push(ManifestFile::of(name, content));
        durable::write(&self.path(name), content)
    }

    /// Notes a file that others wrote here.
    pub(super) fn note(&mut self, name: &str) -> Result<(), TrainError> {
        let path = self.path(name);
        durable::settle(&path)?;
        let (bytes, sha256) = digest(&path)?;
        self.files.push(ManifestFile { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Puts the folder into its place; `name` is what it holds, in words.
    pub(super) fn finish(self, name: String) -> Result<(), TrainError> {
        let Self { place, folder, files } = self;
        let manifest = Manifest { name, files, licence: String::new(), data: String::new(), threshold: None };
        durable::write(&folder.join(MANIFEST), &json(&manifest)?)?;
        durable::swap(&place, &OURS)
    }
}

/// A folder that was written so, or by an earlier version of this program, which noted no digests.
pub(super) struct Stored {
    folder: PathBuf,
    manifest: Manifest,
}

impl Stored {
    /// # Errors
    /// [`TrainError::Damaged`] where the manifest cannot be understood.
    pub(super) fn open(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(MANIFEST);
        let manifest = if path.exists() {
            let text = files::read(&path, files::TEXT).map_err(at(&path))?;
            serde_json::from_slice(&text)
                .map_err(|error| TrainError::Damaged { path, reason: error.to_string() })?
        } else {
            Manifest::default()
        };
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// What it holds, in words.
    pub(super) fn name(&self) -> &str {
        &self.manifest.name
    }

    /// # Errors
    /// [`TrainError::Damaged`] where the file is not the one that was written.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let path = self.folder.join(name);
        let content = fs::read(&path).map_err(at(&path))?;
        match self.manifest.file(name).map(|promised| promised.verify(&content)) {
            Some(Err(error)) => Err(TrainError::Damaged { path, reason: error.to_string() }),
            _ => Ok(content),
        }
    }

    /// The path of a file that others read, after comparing it with its digest.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] where the file is not the one that was written.
    pub(super) fn checked(&self, name: &str) -> Result<PathBuf, TrainError> {
        let path = self.folder.join(name);
        if let Some(promised) = self.manifest.file(name)
            && digest(&path)? != (promised.bytes, promised.sha256.clone())
        {
            let reason = "its length or digest is another".to_owned();
            return Err(TrainError::Damaged { path, reason });
        }
        Ok(path)
    }
}

/// Length and SHA-256 of a file.
fn digest(path: &Path) -> Result<(u64, String), TrainError> {
    let mut file = File::open(path).map_err(at(path))?;
    let (mut digest, mut bytes, mut chunk) = (Digest::default(), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut chunk).map_err(at(path))? {
            0 => return Ok((bytes, digest.finish())),
            count => {
                digest.update(&chunk[..count]);
                bytes += count as u64;
            }
        }
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<Vec<u8>, TrainError> {
    serde_json::to_vec_pretty(value).map_err(|error| TrainError::Option(error.to_string()))
}
