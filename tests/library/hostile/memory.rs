//! Checkpoints in memory, and the errors of reading them.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use mae_seg::weights::{Folder, SourceError, WeightSource, WeightsError, read_folder};

/// The files of a folder; the first is a named weights file, if one was named.
#[derive(Clone)]
pub(crate) struct Files {
    files: BTreeMap<String, Vec<u8>>,
    named: Option<String>,
}

impl Files {
    pub(crate) fn folder<const N: usize>(files: [(&str, &[u8]); N]) -> Self {
        let files = files.map(|(name, content)| (name.to_owned(), content.to_vec()));
        Self { files: files.into(), named: None }
    }

    /// Returns one file, with the configuration of fixture `layouts_mae` beside it.
    pub(crate) fn named(name: &str, content: Vec<u8>) -> Self {
        let config = fixture("layouts_mae/config.json");
        let files = [(name.to_owned(), content), ("config.json".to_owned(), config)];
        Self { files: files.into(), named: Some(name.to_owned()) }
    }

    pub(crate) fn read_all(&self) -> Result<Folder, WeightsError> {
        pollster::block_on(read_folder(self))
    }

    /// Returns the error of reading the checkpoint: one sentence.
    pub(crate) fn refusal(&self) -> String {
        let refusal = self.read_all().map(drop).unwrap_err().to_string();
        assert!(!refusal.contains('\n') && refusal.len() < 1000, "{refusal}");
        refusal
    }
}

impl WeightSource for Files {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let missing = || SourceError::NotFound { file: file.to_owned(), place: "memory".to_owned() };
        self.files.get(file).cloned().ok_or_else(missing)
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        let bytes = self.read(file).await?;
        let whole = |at: u64| usize::try_from(at).unwrap().min(bytes.len());
        Ok(bytes[whole(range.start)..whole(range.end)].to_vec())
    }

    fn size(&self, file: &str) -> Option<u64> {
        Some(self.files.get(file)?.len() as u64)
    }

    fn weights_file(&self) -> Option<&str> {
        self.named.as_deref()
    }
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)).unwrap()
}
