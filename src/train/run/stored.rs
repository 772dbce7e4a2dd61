//! The folders in which a run keeps weights; `manifest.json` lists each file with its digest.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::atomic::{self, at};
use crate::files;
use crate::train::TrainError;
use crate::weights::{Digest, Manifest, ManifestFile};

pub(super) const CONFIG: &str = "config.json";
pub(super) const PREPROCESSOR: &str = "preprocessor_config.json";
/// The parameters to use.
pub(super) const MODEL: &str = "model.safetensors";
/// The parameters that the optimiser updates, beside the averaged ones.
pub(super) const UNAVERAGED: &str = "unaveraged.safetensors";
pub(super) const OPTIMIZER: &str = "optimizer.bpk";
pub(super) const PROGRESS: &str = "progress.json";
/// The score of the weights in `best/`.
pub(super) const VALIDATION: &str = "validation.json";
const MANIFEST: &str = "manifest.json";

/// All files that a run writes into such a folder; any other files belong to somebody else.
pub(super) const OURS: [&str; 8] =
    [CONFIG, PREPROCESSOR, MODEL, UNAVERAGED, OPTIMIZER, PROGRESS, VALIDATION, MANIFEST];

/// A folder that is being written, in [`atomic::fresh`] until it is complete.
pub(super) struct Writing {
    place: PathBuf,
    folder: PathBuf,
    files: Vec<ManifestFile>,
}

impl Writing {
    /// Starts a folder that will replace `place`.
    pub(super) fn begin(place: &Path) -> Result<Self, TrainError> {
        Ok(Self { folder: atomic::fresh(place)?, place: place.to_owned(), files: Vec::new() })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn put(&mut self, name: &str, content: &[u8]) -> Result<(), TrainError> {
        self.files.push(ManifestFile::of(name, content));
        atomic::write(&self.path(name), content)
    }

    /// Adds a file written here by other code to the manifest.
    pub(super) fn note(&mut self, name: &str) -> Result<(), TrainError> {
        let path = self.path(name);
        atomic::settle(&path)?;
        let (bytes, sha256) = digest(&path)?;
        self.files.push(ManifestFile { name: name.to_owned(), bytes, sha256 });
        Ok(())
    }

    /// Moves the folder to its place; `name` describes its contents.
    pub(super) fn finish(self, name: String) -> Result<(), TrainError> {
        let Self { place, folder, files } = self;
        let manifest = Manifest { name, files, licence: String::new(), data: String::new(), threshold: None };
        atomic::write(&folder.join(MANIFEST), &json(&manifest)?)?;
        atomic::swap(&place, &OURS)
    }
}

/// A folder written by [`Writing`], or by an earlier version of this program, which recorded no digests.
pub(super) struct Stored {
    folder: PathBuf,
    manifest: Manifest,
}

impl Stored {
    /// Opens the folder.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] if the manifest cannot be parsed.
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

    /// Returns the description of the contents.
    pub(super) fn name(&self) -> &str {
        &self.manifest.name
    }

    /// Reads a file and checks its digest.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] if the file is not the one that was written.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, TrainError> {
        let path = self.folder.join(name);
        let content = fs::read(&path).map_err(at(&path))?;
        match self.manifest.file(name).map(|promised| promised.verify(&content)) {
            Some(Err(error)) => Err(TrainError::Damaged { path, reason: error.to_string() }),
            _ => Ok(content),
        }
    }

    /// Returns the path of a file to be read by other code, after checking its digest.
    ///
    /// # Errors
    /// [`TrainError::Damaged`] if the file is not the one that was written.
    pub(super) fn checked(&self, name: &str) -> Result<PathBuf, TrainError> {
        let path = self.folder.join(name);
        if let Some(promised) = self.manifest.file(name)
            && digest(&path)? != (promised.bytes, promised.sha256.clone())
        {
            let reason = "its length or digest differs".to_owned();
            return Err(TrainError::Damaged { path, reason });
        }
        Ok(path)
    }
}

/// Returns the length and SHA-256 digest of a file.
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
