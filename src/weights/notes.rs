//! Notes on the parts of a checkpoint that are not used, or not as they are.

use super::layouts::{ENCODER, index_in};
use super::{Architecture, Checkpoint, Folder, Layout, ModelConfig};
use crate::text::counted;

impl Checkpoint {
    /// Returns what is left out of the checkpoint or substituted, each in a sentence; empty if everything is
    /// used.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        notes(&self.config, self.layout, self.tensors().map(|tensor| tensor.name.as_str()))
    }
}

impl Folder {
    /// Returns the same notes as [`Checkpoint::notes`].
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        notes(&self.config, self.layout, self.tensors.keys().map(String::as_str))
    }
}

fn notes<'n>(config: &ModelConfig, layout: Layout, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    if !matches!(config.architecture, Architecture::Encoder(_)) {
        return Vec::new();
    }
    let known =
        |name: &str| layout.rules().any(|rule| rule.files.iter().any(|f| index_in(f, name).is_some()));
    let mut dropped: Vec<&str> = names.filter(|name| layout.drops(name) && !known(name)).collect();
    dropped.sort_unstable();
    let mut notes = Vec::new();
    if !dropped.is_empty() {
        let count = counted(dropped.len(), "tensor");
        notes.push(format!("{count} that no encoder needs left out: {}", dropped.join(", ")));
    }
    if layout.normed() != layout {
        notes.push(format!(
            "`{ENCODER}norm` is newly initialised: these weights pool patches before normalising them"
        ));
    }
    notes
}
