//! A checkpoint on a web server, read in ranges; ranges of files with a digest or `ETag` are kept for the
//! next visit.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use js_sys::Reflect;

use super::download::{DownloadError, RemoteFile};
use super::kept_folder::{KeptFolder, Mark};
use super::store::Store;
use crate::weights::{Manifest, ManifestFile, SourceError, WeightSource};

const MANIFEST: &str = "manifest.json";
/// The reason for which the Hub denies files of repositories that it does not know.
pub(super) const NO_REPOSITORY: &str = "the Hub has no such model or revision, or keeps it private";

/// The weight folder at an address.
pub(super) struct WebFolder<F> {
    address: String,
    /// The name shown to people.
    title: String,
    manifest: Option<(Manifest, Vec<u8>)>,
    /// What the last visit kept of the folder, if the server does not answer now.
    kept: Option<KeptFolder>,
    store: Store,
    sizes: RefCell<HashMap<String, u64>>,
    /// Files being read; a file is taken out while it is read.
    open: RefCell<HashMap<String, RemoteFile>>,
    /// Files that the server does not have.
    absent: RefCell<HashSet<String>>,
    done_bytes: Cell<u64>,
    /// Bytes kept for the next visit, unless keeping failed once.
    kept_bytes: Cell<Option<u64>>,
    /// Whether anything was read from the store.
    recalled: Cell<bool>,
    /// Called with the bytes read so far, and the total if known.
    on_bytes: F,
}

impl<F: Fn(u64, Option<u64>)> WebFolder<F> {
    /// Opens the folder at `address`, which must end in `/`, and reads its manifest. For a folder without
    /// one, ranges are kept under the server's `ETag`, if there is one. If the server does not answer, what
    /// was kept of the folder is used.
    ///
    /// # Errors
    ///
    /// An error if the manifest exists but can neither be fetched nor was kept, or is damaged.
    pub(super) async fn open(address: String, title: String, on_bytes: F) -> Result<Self, SourceError> {
        let mut folder = Self {
            address,
            title,
            manifest: None,
            kept: None,
            store: Store::open().await,
            sizes: RefCell::default(),
            open: RefCell::default(),
            absent: RefCell::default(),
            done_bytes: Cell::new(0),
            kept_bytes: Cell::new(Some(0)),
            recalled: Cell::new(false),
            on_bytes,
        };
        let manifest = match folder.manifest_bytes().await {
            Err(error @ SourceError::Unavailable { .. }) => {
                let kept = KeptFolder::recall(&folder.store, &folder.address).await.ok_or(error)?;
                folder.kept.insert(kept).manifest.clone()
            }
            outcome => outcome?,
        };
        if let Some(bytes) = manifest {
            let manifest = serde_json::from_slice(&bytes)
                .map_err(|error| folder.unavailable(MANIFEST, error.to_string()))?;
            folder.manifest = Some((manifest, bytes));
            folder.keep().await;
        }
        Ok(folder)
    }

    /// Fetches the manifest; `None` if the server has none.
    async fn manifest_bytes(&self) -> Result<Option<Vec<u8>>, SourceError> {
        if is_offline() {
            return Err(self.unavailable(MANIFEST, "there is no network".into()));
        }
        match self.fetch(MANIFEST, None).await {
            Err(SourceError::NotFound { .. }) => Ok(None),
            outcome => outcome.map(Some),
        }
    }

    /// Keeps what is known of the folder for a visit without a network.
    async fn keep(&self) {
        if self.kept.is_some() {
            return;
        }
        let mark = |(file, remote): (&String, &RemoteFile)| {
            Some((file.clone(), Mark { etag: remote.etag.clone()?, bytes: remote.size? }))
        };
        let manifest = self.manifest.as_ref().map(|(_, bytes)| bytes.clone());
        let marks = self.open.borrow().iter().filter_map(mark).collect();
        let absent = self.absent.borrow().clone();
        KeptFolder { manifest, marks, absent }.keep(&self.store, &self.address).await;
    }

    /// Returns the bytes read so far.
    pub(super) fn done_bytes(&self) -> u64 {
        self.done_bytes.get()
    }

    /// Returns whether everything read so far is kept for the next visit.
    pub(super) fn is_kept(&self) -> bool {
        self.kept_bytes.get().is_some_and(|bytes| bytes > 0)
    }

    /// Returns whether the server has `file`.
    pub(super) async fn has(&self, file: &str) -> bool {
        self.fetch(file, Some(0..1)).await.is_ok()
    }

    /// Resets the count of bytes, for a second read of the same folder.
    pub(super) fn rewind(&self) {
        self.done_bytes.set(0);
    }

    /// Removes what the store has of the folder, and returns whether any of it was read.
    pub(super) async fn forget(&self) -> bool {
        let versions = match &self.manifest {
            Some((manifest, _)) => manifest.files.iter().map(|file| file.sha256.clone()).collect(),
            None => vec![js_sys::encode_uri_component(&self.address).into()],
        };
        self.store.remove(&versions).await;
        self.kept_bytes.set(Some(0));
        self.recalled.replace(false)
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
        outcome.map_err(|error| self.refusal(file, error))
    }

    fn refusal(&self, file: &str, error: DownloadError) -> SourceError {
        let (file, place) = (file.to_owned(), self.title.clone());
        match error {
            DownloadError::Missing => SourceError::NotFound { file, place },
            DownloadError::Forbidden => {
                SourceError::Forbidden { file, place, reason: "the server wants to know who asks".to_owned() }
            }
            DownloadError::NoRepository => {
                SourceError::Forbidden { file, place, reason: NO_REPOSITORY.to_owned() }
            }
            DownloadError::Broken(reason) => SourceError::Unavailable { file, place, reason },
        }
    }

    fn unavailable(&self, file: &str, reason: String) -> SourceError {
        SourceError::Unavailable { file: file.to_owned(), place: self.title.clone(), reason }
    }

    /// Returns the key of this version of the file in the store.
    fn version(&self, file: &str) -> Option<String> {
        if let Some(promise) = self.promise(file) {
            return Some(promise.sha256.clone());
        }
        // The server's current ETag takes precedence over that of the last visit.
        let told = self.open.borrow().get(file).and_then(|remote| remote.etag.clone());
        let etag = told.or_else(|| Some(self.kept.as_ref()?.marks.get(file)?.etag.clone()))?;
        Some(js_sys::encode_uri_component(&format!("{}{file} {etag}", self.address)).into())
    }

    fn bytes_of(&self, file: &str) -> Option<u64> {
        let promised = self.promise(file).map(|promise| promise.bytes);
        promised.or_else(|| Some(self.kept.as_ref()?.marks.get(file)?.bytes))
    }

    /// Returns the bytes from the store if they are kept, else from the server.
    async fn fetch_or_recall(&self, file: &str, range: Option<Range<u64>>) -> Result<Vec<u8>, SourceError> {
        let span = range.clone().or_else(|| Some(0..self.bytes_of(file)?));
        let before = self.version(file);
        if let (Some(version), Some(span)) = (&before, &span) {
            let known = self.store.get(&key(version, span)).await;
            if let Some(content) = known.filter(|content| content.len() as u64 == span.end - span.start) {
                self.recalled.set(true);
                return Ok(self.kept_or_not(content, true));
            }
        }
        if self.kept.as_ref().is_some_and(|kept| kept.absent.contains(file)) {
            return Err(self.refusal(file, DownloadError::Missing));
        }
        let start = range.as_ref().map_or(0, |range| range.start);
        let content = match self.fetch(file, range).await {
            Err(error @ SourceError::NotFound { .. }) if self.manifest.is_none() => {
                self.absent.borrow_mut().insert(file.to_owned());
                self.keep().await;
                return Err(error);
            }
            outcome => outcome?,
        };
        // The server may have stated it just now.
        let Some(version) = self.version(file) else { return Ok(content) };
        let is_kept = self.store.put(&key(&version, &(start..start + content.len() as u64)), &content).await;
        if self.manifest.is_none() && before.is_none() {
            self.keep().await;
        }
        Ok(self.kept_or_not(content, is_kept))
    }

    fn kept_or_not(&self, content: Vec<u8>, is_kept: bool) -> Vec<u8> {
        let kept_bytes = self.kept_bytes.get().filter(|_| is_kept);
        self.kept_bytes.set(kept_bytes.map(|bytes| bytes + content.len() as u64));
        content
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
                None => Err(SourceError::NotFound { file: file.into(), place: self.title.clone() }),
            };
        }
        self.fetch_or_recall(file, None).await.map(|content| self.count(content))
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        self.fetch_or_recall(file, Some(range)).await.map(|content| self.count(content))
    }

    fn size(&self, file: &str) -> Option<u64> {
        self.sizes.borrow().get(file).copied().or_else(|| self.bytes_of(file))
    }
}

fn key(version: &str, span: &Range<u64>) -> String {
    format!("{version}/{}-{}", span.start, span.end)
}

/// Returns whether the browser knows that there is no network.
fn is_offline() -> bool {
    let online = Reflect::get(&super::scope(), &"navigator".into())
        .and_then(|navigator| Reflect::get(&navigator, &"onLine".into()));
    online.is_ok_and(|online| online.is_falsy())
}
