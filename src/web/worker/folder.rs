//! A weight folder on a web server: every file verified, and kept by its digest for the next visit.

use std::cell::Cell;

use super::download::{DownloadError, download};
use super::store::Store;
use crate::weights::{Manifest, SourceError, WeightSource};

const MANIFEST: &str = "manifest.json";

/// The folder at an address.
pub(super) struct WebFolder<F> {
    address: String,
    manifest: Option<(Manifest, Vec<u8>)>,
    store: Store,
    done_bytes: Cell<u64>,
    kept: Cell<bool>,
    /// Called with the bytes here so far, and in all where the manifest says so.
    on_bytes: F,
}

impl<F: Fn(u64, Option<u64>)> WebFolder<F> {
    /// Reads the manifest of the folder at `address`, which ends in `/`. A folder without one works; nothing of it is
    /// kept, and its size is known only at the end.
    ///
    /// # Errors
    ///
    /// When the manifest cannot be fetched although the server has one, or is damaged.
    pub(super) async fn open(address: String, on_bytes: F) -> Result<Self, SourceError> {
        let manifest = match download(&format!("{address}{MANIFEST}"), |_| {}).await {
            Ok(bytes) => {
                let manifest = serde_json::from_slice(&bytes)
                    .map_err(|error| unavailable(MANIFEST, &address, error.to_string()))?;
                Some((manifest, bytes))
            }
            Err(DownloadError::Missing) => None,
            Err(DownloadError::Broken(reason)) => return Err(unavailable(MANIFEST, &address, reason)),
        };
        let store = Store::open().await;
        Ok(Self { address, manifest, store, done_bytes: Cell::new(0), kept: Cell::new(true), on_bytes })
    }

    /// Bytes read so far.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.get()
    }

    /// Whether every file read so far is kept for the next visit.
    pub(super) fn is_kept(&self) -> bool {
        self.manifest.is_some() && self.kept.get()
    }

    /// Starts the count again, for a second read of the same folder.
    pub(super) fn rewind(&self) {
        self.done_bytes.set(0);
    }

    fn total_bytes(&self) -> Option<u64> {
        self.manifest.as_ref().map(|(manifest, _)| manifest.files.iter().map(|file| file.bytes).sum())
    }

    async fn fetch(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let before = self.done_bytes.get();
        let count = |bytes| (self.on_bytes)(before + bytes, self.total_bytes());
        download(&format!("{}{file}", self.address), count).await.map_err(|error| match error {
            DownloadError::Missing => {
                SourceError::NotFound { file: file.into(), place: self.address.clone() }
            }
            DownloadError::Broken(reason) => unavailable(file, &self.address, reason),
        })
    }

    /// The file, from the store where it is there unharmed, else from the server.
    async fn fetch_or_recall(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let Some(promise) = self.manifest.as_ref().and_then(|(manifest, _)| manifest.file(file)) else {
            return self.fetch(file).await;
        };
        if let Some(content) = self.store.get(&promise.sha256).await
            && promise.verify(&content).is_ok()
        {
            return Ok(content);
        }
        let content = self.fetch(file).await?;
        // Damaged content is not kept; whoever reads the folder finds the damage and names it.
        let kept = promise.verify(&content).is_ok() && self.store.put(&promise.sha256, &content).await;
        self.kept.set(self.kept.get() && kept);
        Ok(content)
    }
}

impl<F: Fn(u64, Option<u64>)> WeightSource for WebFolder<F> {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        if file == MANIFEST {
            return match &self.manifest {
                Some((_, bytes)) => Ok(bytes.clone()),
                None => Err(SourceError::NotFound { file: file.into(), place: self.address.clone() }),
            };
        }
        let content = self.fetch_or_recall(file).await?;
        self.done_bytes.set(self.done_bytes.get() + content.len() as u64);
        (self.on_bytes)(self.done_bytes.get(), self.total_bytes());
        Ok(content)
    }
}

fn unavailable(file: &str, place: &str, reason: String) -> SourceError {
    SourceError::Unavailable { file: file.into(), place: place.into(), reason }
}
