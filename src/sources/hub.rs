//! A model repository on the Hugging Face Hub, read through the shared cache.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::{self, Display, Formatter};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use super::cache::{Growing, read_at};
use super::client::{ClientError, Metadata};
use super::{Cache, Client, OnBytes, Settings};
use crate::hub_name::RepositoryName;
use crate::weights::{SourceError, WeightSource};

/// A file of the repository.
#[derive(Debug)]
enum Held {
    /// The file is cached completely.
    Kept(PathBuf),
    /// The file is being downloaded.
    Coming {
        growing: Growing,
        size: u64,
        etag: String,
        commit: String,
        address: String,
        server_etag: Option<String>,
    },
}

/// A repository, and its files that were requested.
pub struct Repository {
    name: RepositoryName,
    endpoint: String,
    client: Client,
    cache: Cache,
    offline: bool,
    held: RefCell<HashMap<String, Held>>,
    on_bytes: OnBytes,
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Repository {
    /// Creates a repository without sending a request.
    #[must_use]
    pub fn new(name: RepositoryName, settings: Settings, on_bytes: OnBytes) -> Self {
        let Settings { endpoint, token, cache, offline } = settings;
        let client = Client::new(token, Duration::from_millis(250));
        let cache = Cache::new(&cache, &name.path);
        Self { name, endpoint, client, cache, offline, held: RefCell::default(), on_bytes }
    }

    /// Sets a function that is told when the server has to be asked again, and why.
    #[must_use]
    pub fn telling(self, on_retry: fn(&str)) -> Self {
        Self { client: self.client.telling(on_retry), ..self }
    }

    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &RepositoryName {
        &self.name
    }

    fn place(&self) -> String {
        format!("{} at revision {}", self.name.page_at(&self.endpoint), self.name.revision)
    }

    fn address(&self, file: &str) -> String {
        format!("{}{file}", self.name.files_at(&self.endpoint))
    }

    /// Returns the cached copy of `file`, after one revalidation against the Hub, or a download to continue.
    fn hold(&self, file: &str) -> Result<Held, SourceError> {
        let kept = self.cache.find(&self.name.revision, file);
        let is_commit = self.name.revision.len() == 40;
        let in_cache = |error: io::Error| self.unavailable(file, &format!("the cache: {error}"));
        match kept {
            Some(path) if self.offline => return self.sound(file, path),
            Some(path) if is_commit && Cache::is_sound(&path).map_err(in_cache)? => {
                return Ok(Held::Kept(path));
            }
            None if self.offline => {
                let reason =
                    "HF_HUB_OFFLINE is set and the file is not in the cache; unset it to download".to_owned();
                let (file, place) = (file.to_owned(), self.place());
                // Files that a checkpoint can do without count as missing.
                return Err(if self.cache.find(&self.name.revision, "config.json").is_some() {
                    SourceError::NotFound { file, place }
                } else {
                    SourceError::Unavailable { file, place, reason }
                });
            }
            _ => {}
        }
        match (self.client.metadata(&self.address(file)), kept) {
            (Ok((metadata, address)), _) => self.admit(file, metadata, &address),
            (Err(ClientError::Connection(_)), Some(path)) => self.sound(file, path),
            (Err(error), _) => Err(self.refusal(file, &error)),
        }
    }

    /// Returns a cached file that cannot be fetched again, if it is undamaged.
    fn sound(&self, file: &str, path: PathBuf) -> Result<Held, SourceError> {
        let in_cache = |error: io::Error| self.unavailable(file, &format!("the cache: {error}"));
        if Cache::is_sound(&path).map_err(in_cache)? {
            return Ok(Held::Kept(path));
        }
        let reason = format!(
            "{} is damaged and cannot be downloaded again offline; go online, or delete that file",
            path.display()
        );
        Err(self.unavailable(file, &reason))
    }

    fn admit(&self, file: &str, metadata: Metadata, address: &str) -> Result<Held, SourceError> {
        let Metadata { commit: Some(commit), etag: Some(etag), size: Some(size) } = metadata else {
            return Err(
                self.unavailable(file, "the server does not answer like the Hub (no commit, ETag or length)")
            );
        };
        if [&commit, &etag]
            .into_iter()
            .any(|name| !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
        {
            return Err(
                self.unavailable(file, "the server identifies the file by a name that the cache cannot hold")
            );
        }
        let failed = |error: io::Error| self.unavailable(file, &format!("the cache: {error}"));
        self.cache.note(&self.name.revision, &commit).map_err(failed)?;
        let here = || match self.cache.holds(&etag, size)? {
            true => self.cache.adopt(&etag, &commit, file),
            false => Ok(None),
        };
        if let Some(path) = here().map_err(failed)? {
            return Ok(Held::Kept(path));
        }
        let mut growing = self.cache.begin(&etag).map_err(failed)?;
        // Another program may have downloaded it while this one waited for the lock.
        if let Some(path) = here().map_err(failed)? {
            return Ok(Held::Kept(path));
        }
        if growing.len().map_err(failed)? > size || !growing.is_checked() {
            growing.restart().map_err(failed)?;
        }
        let begun = growing.len().map_err(failed)? > 0;
        let coming = |growing| {
            let (etag, commit, address) = (etag.clone(), commit.clone(), address.to_owned());
            Held::Coming { growing, size, etag, commit, address, server_etag: None }
        };
        if !begun {
            return Ok(coming(growing));
        }
        // The beginning is from an earlier download, which may have ended by a power failure: it is used only
        // once the complete file is verified.
        match self.complete(file, coming(growing), size)? {
            Some(held) => Ok(held),
            None => Ok(coming(self.cache.begin(&etag).map_err(failed)?)),
        }
    }

    /// Fetches what is missing of `file` up to `end` piece by piece; `None` if it arrived damaged.
    fn complete(&self, file: &str, mut held: Held, end: u64) -> Result<Option<Held>, SourceError> {
        for step in steps(&held, end) {
            match self.advance(file, held, step)? {
                Some(further) => held = further,
                None => return Ok(None),
            }
        }
        Ok(Some(held))
    }

    /// Fetches what is missing of `file` up to `end`, and publishes the file when it is complete; `None` if
    /// it arrived damaged.
    fn advance(&self, file: &str, mut held: Held, end: u64) -> Result<Option<Held>, SourceError> {
        let Held::Coming { growing, size, address, server_etag, .. } = &mut held else {
            return Ok(Some(held));
        };
        let failed = |error: io::Error| self.unavailable(file, &format!("the cache: {error}"));
        let (from, size) = (growing.len().map_err(failed)?, *size);
        if end > size {
            return Err(self.unavailable(file, &format!("it has {size} bytes, but {end} were requested")));
        }
        if from < end {
            let on_bytes = |count| (self.on_bytes)(file, from + count, Some(size));
            let (bytes, told) = self
                .client
                .read_range(address, &(from..end), server_etag.as_deref(), on_bytes)
                .map_err(|error| self.refusal(file, &error))?;
            if told.size.is_some_and(|found| found != size) {
                return Err(self.unavailable(file, "its length differs from what the Hub says"));
            }
            growing.append(&bytes).map_err(failed)?;
            *server_etag = told.etag;
        }
        match held {
            Held::Coming { growing, size, etag, commit, .. } if growing.len().map_err(failed)? == size => {
                if !growing.finish().map_err(failed)? {
                    return Ok(None);
                }
                let path = self.cache.adopt(&etag, &commit, file).map_err(failed)?;
                let path = path.ok_or_else(|| self.unavailable(file, "it vanished from the cache"))?;
                Ok(Some(Held::Kept(path)))
            }
            held => Ok(Some(held)),
        }
    }

    /// Calls `act` on `file` once its first `end` bytes, or all, are present.
    fn with<T>(
        &self,
        file: &str,
        end: Option<u64>,
        act: impl FnOnce(&mut Held) -> io::Result<T>,
    ) -> Result<T, SourceError> {
        let known = self.held.borrow_mut().remove(file);
        let mut held = match known {
            Some(held) => held,
            None => self.hold(file)?,
        };
        let whole = match &held {
            Held::Coming { size, .. } => *size,
            Held::Kept(_) => 0,
        };
        held = self
            .complete(file, held, end.unwrap_or(whole))?
            .ok_or_else(|| self.unavailable(file, "it arrived damaged"))?;
        let outcome = act(&mut held).map_err(|error| self.unavailable(file, &error));
        self.held.borrow_mut().insert(file.to_owned(), held);
        outcome
    }

    fn refusal(&self, file: &str, error: &ClientError) -> SourceError {
        let (file, place) = (file.to_owned(), self.place());
        let forbidden = |reason: &str| SourceError::Forbidden {
            file: file.clone(),
            place: place.clone(),
            reason: reason.to_owned(),
        };
        match error {
            ClientError::Status { status: 401, code } if code.as_deref() == Some("RepoNotFound") => {
                forbidden(
                    "the Hub knows no such model, or it is private; check the name, or set HF_TOKEN to a token that may read it",
                )
            }
            ClientError::Status { status: 401, .. } => forbidden(
                "its licence must be accepted first: do so on its page, then set HF_TOKEN to a token of your account",
            ),
            ClientError::Status { status: 403, .. } => forbidden(
                "your token may not read it: accept the licence on its page, or use a token with read access",
            ),
            ClientError::Status { status: 404 | 410, code }
                if matches!(code.as_deref(), Some("RepoNotFound" | "RevisionNotFound")) =>
            {
                self.unavailable(&file, "there is no such model or revision; check the name")
            }
            ClientError::Status { status: 404 | 410, .. } => SourceError::NotFound { file, place },
            _ => self.unavailable(&file, error),
        }
    }

    fn unavailable(&self, file: &str, reason: &(impl Display + ?Sized)) -> SourceError {
        SourceError::Unavailable { file: file.to_owned(), place: self.place(), reason: reason.to_string() }
    }
}

/// Returns the ends of the pieces in which a file is fetched up to `end`: each piece is on disk before the
/// next is requested.
fn steps(held: &Held, end: u64) -> Vec<u64> {
    const PIECE_BYTES: u64 = 8 << 20;
    let Held::Coming { growing, .. } = held else { return Vec::new() };
    let from = growing.len().unwrap_or_default();
    let mut steps: Vec<u64> = (1..).map(|n| from + n * PIECE_BYTES).take_while(|&step| step < end).collect();
    steps.push(end);
    steps
}

impl WeightSource for Repository {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        self.with(file, None, |held| match held {
            Held::Kept(path) => fs::read(path),
            Held::Coming { .. } => Err(io::ErrorKind::UnexpectedEof.into()),
        })
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        self.with(file, Some(range.end), |held| match held {
            Held::Kept(path) => read_at(&mut File::open(path)?, &range),
            Held::Coming { growing, .. } => growing.read(&range),
        })
    }

    fn size(&self, file: &str) -> Option<u64> {
        match self.held.borrow().get(file)? {
            Held::Kept(path) => fs::metadata(path).ok().map(|metadata| metadata.len()),
            Held::Coming { size, .. } => Some(*size),
        }
    }
}
