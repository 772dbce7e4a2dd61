//! A folder of cut-outs: images with alpha, and `cutouts.json` that says what each shows.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::DataError;
use super::labels::LabelTable;
use super::layer::Layer;

/// Name of the list inside the folder.
const LIST: &str = "cutouts.json";

#[derive(Debug, Deserialize)]
struct Entry {
    file: String,
    category: String,
    #[serde(default)]
    source: String,
}

/// Where cut-outs lie and what they are called.
#[derive(Debug, Default)]
pub(super) struct Cutouts {
    items: Vec<(PathBuf, Option<usize>)>,
}

impl Cutouts {
    /// Reads the list of a folder.
    pub(super) fn open(folder: &Path, labels: &LabelTable) -> Result<Self, DataError> {
        let path = folder.join(LIST);
        let bytes = fs::read(&path).map_err(|source| DataError::Io { path: path.clone(), source })?;
        let entries: Vec<Entry> = serde_json::from_slice(&bytes)
            .map_err(|e| DataError::CutoutList { path: path.clone(), reason: e.to_string() })?;
        let items = entries
            .iter()
            .map(|e| (folder.join(&e.file), labels.of_cutout(&e.category, &e.source)))
            .collect();
        Ok(Self { items })
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The file name and label of each, in a text to compare.
    pub(super) fn told(&self) -> impl Iterator<Item = String> {
        self.items.iter().map(|(path, label)| format!("{:?} {label:?}", path.file_name()))
    }

    /// Reads one cut-out and its label; `None` = an object of unknown class.
    pub(super) fn load(&self, index: usize) -> Result<(Layer, Option<usize>), DataError> {
        let (path, label) = &self.items[index];
        let bytes = fs::read(path).map_err(|source| DataError::Io { path: path.clone(), source })?;
        let decoded = image::load_from_memory(&bytes)
            .map_err(|e| DataError::Cutout { path: path.clone(), reason: e.to_string() })?
            .into_rgba8();
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        Ok((Layer { width, height, rgba: decoded.into_raw() }, *label))
    }
}
