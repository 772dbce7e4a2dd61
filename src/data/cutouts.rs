//! A folder of cut-outs: images with alpha, and `cutouts.json` with the category of each.

use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;
use super::coco::{Entry, read_list};
use super::fingerprint::look;
use super::labels::LabelTable;
use super::layer::Layer;
use crate::files;
use crate::image::decode_rgba;

/// Name of the list in the folder.
const LIST: &str = "cutouts.json";

/// The paths and labels of cut-outs.
#[derive(Debug, Default)]
pub(super) struct Cutouts {
    items: Vec<(PathBuf, Option<usize>)>,
}

impl Cutouts {
    /// Reads the list of a folder.
    pub(super) fn open(folder: &Path, labels: &LabelTable) -> Result<Self, DataError> {
        let path = folder.join(LIST);
        let item = |entry: &Entry| {
            let text = |key| entry.text(key).ok_or_else(|| entry.wrong(key, "a text"));
            Ok((text("file")?, text("category")?, entry.text("source").unwrap_or_default()))
        };
        let listed = read_list(&path, "cutouts", item)?;
        let listed: Result<Vec<(String, String, String)>, String> =
            listed.and_then(|items| items.into_iter().collect());
        let listed = listed.map_err(|reason| DataError::CutoutList { path: path.clone(), reason })?;
        let items = listed
            .iter()
            .map(|(file, category, source)| (folder.join(file), labels.of_cutout(category, source)))
            .collect();
        Ok(Self { items })
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns the file name and label of each cut-out as a text, for the fingerprint.
    pub(super) fn told(&self) -> impl Iterator<Item = String> {
        self.items.iter().map(|(path, label)| format!("{:?} {label:?}", path.file_name()))
    }

    /// Returns a digest of the content of each cut-out.
    pub(super) fn looks(&self) -> impl Iterator<Item = Vec<u8>> {
        self.items.iter().map(|(path, _)| {
            let len = fs::metadata(path).map_or(0, |metadata| metadata.len());
            look(path, 0, len)
        })
    }

    /// Reads one cut-out and its label; `None` for an object of unknown class.
    pub(super) fn load(&self, index: usize) -> Result<(Layer, Option<usize>), DataError> {
        let (path, label) = &self.items[index];
        let bytes = files::photo(path).map_err(|source| DataError::Io { path: path.clone(), source })?;
        let decoded = decode_rgba(&bytes)
            .map_err(|e| DataError::Cutout { path: path.clone(), reason: e.to_string() })?;
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        Ok((Layer { width, height, rgba: decoded.into_raw() }, *label))
    }
}
