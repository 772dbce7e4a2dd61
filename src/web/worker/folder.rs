//! A checkpoint on a web server, read in ranges; ranges of files with a digest are kept for the next visit.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Range;

use super::download::{DownloadError, RemoteFile};
use super::store::Store;
use crate::weights::{Manifest, ManifestFile, SourceError, WeightSource};

const MANIFEST: &str = "manifest.json";

/// The folder at an address.
pub(super) struct WebFolder<F> {
    address: String,
    manifest: Option<(Manifest, Vec<u8>)>,
    store: Store,
    sizes: RefCell<HashMap<String, u64>>,
    /// Files being read; taken out while one is.
    open: RefCell<HashMap<String, RemoteFile>>,
    done_bytes: Cell<u64>,
    kept: Cell<bool>,
    /// Called with the bytes here so far, and in all where that is known.
    on_bytes: F,
}

impl<F: Fn(u64, Option<u64>)> WebFolder<F> {
    /// Reads the manifest of the folder at `address`, which ends in `/`. A folder without one works; nothing of it is
    /// kept.
    ///
    /// # Errors
    ///
    /// When the manifest cannot be fetched although the server has one, or is damaged.
    pub(super) async fn open(address: String, on_bytes: F) -> Result<Self, SourceError> {
        let store = Store::open().await;
        let mut folder = Self {
            address,
            manifest: None,
            store,
            sizes: RefCell::default(),
            open: RefCell::default(),
            done_bytes: Cell::new(0),
            kept: Cell::new(true),
            on_bytes,
        };
        match folder.fetch(MANIFEST, None).await {
            Ok(bytes) => {
                let manifest = serde_json::from_slice(&bytes)
                    .map_err(|error| unavailable(MANIFEST, &folder.address, error.to_string()))?;
                folder.manifest = Some((manifest, bytes));
            }
            Err(SourceError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(folder)
    }

    /// Bytes read so far.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.get()
    }

    /// Whether everything read so far is kept for the next visit.
    pub(super) fn is_kept(&self) -> bool {
        self.manifest.is_some() && self.kept.get()
    }

    /// Starts the count again, for a second read of the same folder.
    pub(super) fn rewind(&self) {
        self.done_bytes.set(0);
    }

    fn total_bytes(&self) -> Option<u64> {
        match &self.manifest {
            Some((manifest, _)) => Some(manifest.files.iter().map(|file| file.bytes).sum()),
            None => Some(self.sizes.borrow().values().sum()).filter(|&sum| sum > 0),
        }
    }

    fn promise(&self, file: &str) -> Option<&ManifestFile> {
        self.manifest.as_ref().and_then(|(manifest, _)| manifest.file(file))
    }

    async fn fetch(&self, file: &str, range: Option<Range<u64>>) -> Result<Vec<u8>, SourceError> {
        let known = self.open.borrow_mut().remove(file);
        let mut remote = known.unwrap_or_else(|| RemoteFile::new(format!("{}{file}", self.address)));
        let before = self.done_bytes.get();
        let outcome = remote.read(range, |bytes| (self.on_bytes)(before + bytes, self.total_bytes())).await;
        if let Some(size) = remote.size {
            self.sizes.borrow_mut().insert(file.to_owned(), size);
        }
        self.open.borrow_mut().insert(file.to_owned(), remote);
        outcome.map_err(|error| {
            let (file, place) = (file.to_owned(), self.address.clone());
            match error {
                DownloadError::Missing => SourceError::NotFound { file, place },
                DownloadError::Forbidden => {
                    let reason =
                        "accept its licence, download it there, and open the folder from this device";
                    SourceError::Forbidden { file, place, reason: reason.to_owned() }
                }
                DownloadError::Broken(reason) => SourceError::Unavailable { file, place, reason },
            }
        })
    }

    /// The bytes, from the store where they are there, else from the server.
    async fn fetch_or_recall(&self, file: &str, range: Option<Range<u64>>) -> Result<Vec<u8>, SourceError> {
        let Some(promise) = self.promise(file) else { return self.fetch(file, range).await };
        let Range { start, end } = range.clone().unwrap_or(0..promise.bytes);
        let key = format!("{}/{start}-{end}", promise.sha256);
        if let Some(content) =
            self.store.get(&key).await.filter(|content| content.len() as u64 == end - start)
        {
            return Ok(content);
        }
        let content = self.fetch(file, range).await?;
        self.kept.set(self.kept.get() && self.store.put(&key, &content).await);
        Ok(content)
    }

    fn count(&self, content: Vec<u8>) -> Vec<u8> {
        self.done_bytes.set(self.done_bytes.get() + content.len() as u64);
        (self.on_bytes)(self.done_bytes.get(), self.total_bytes());
        content
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
        self.fetch_or_recall(file, None).await.map(|content| self.count(content))
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        self.fetch_or_recall(file, Some(range)).await.map(|content| self.count(content))
    }

    fn size(&self, file: &str) -> Option<u64> {
        self.sizes.borrow().get(file).copied().or_else(|| Some(self.promise(file)?.bytes))
    }
}

fn unavailable(file: &str, place: &str, reason: String) -> SourceError {
    SourceError::Unavailable { file: file.into(), place: place.into(), reason }
}
