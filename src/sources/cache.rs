//! The cache that is shared with Python's `huggingface_hub`: `models--OWNER--NAME/{refs,blobs,snapshots}`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::weights::Digest;

/// Number of digits of an `ETag` that is a SHA-256.
const SHA256: usize = 64;

/// The cache of one repository.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Returns the cache of the model `owner/name` in the folder `cache`.
    #[must_use]
    pub fn new(cache: &Path, repository: &str) -> Self {
        Self { root: cache.join(format!("models--{}", repository.replace('/', "--"))) }
    }

    /// Finds a cached file of `revision`, a branch, tag or commit.
    #[must_use]
    pub fn find(&self, revision: &str, file: &str) -> Option<PathBuf> {
        let commit = fs::read_to_string(self.root.join("refs").join(revision));
        let commit = commit.map_or_else(|_| revision.to_owned(), |commit| commit.trim().to_owned());
        Some(self.root.join("snapshots").join(commit).join(file)).filter(|path| path.is_file())
    }

    /// Records the commit to which `revision` currently refers.
    ///
    /// # Errors
    /// An error if the folder cannot be written.
    pub fn note(&self, revision: &str, commit: &str) -> io::Result<()> {
        if revision == commit {
            return Ok(());
        }
        let path = self.root.join("refs").join(revision);
        if fs::read_to_string(&path).is_ok_and(|noted| noted == commit) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(commit.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    }

    /// Returns whether a cached file matches its `ETag`; only a SHA-256 can be checked.
    ///
    /// # Errors
    /// An error if the file cannot be read.
    pub fn is_sound(path: &Path) -> io::Result<bool> {
        let blob = fs::canonicalize(path)?;
        let address = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Ok(address.len() != SHA256 || digest(&mut File::open(&blob)?)? == address)
    }

    /// Returns whether the blob with this `ETag` is cached, has `size` bytes and is undamaged. A damaged one
    /// is deleted, to be fetched again.
    ///
    /// # Errors
    /// An error if the blob cannot be read or deleted.
    pub fn holds(&self, etag: &str, size: u64) -> io::Result<bool> {
        let blob = self.root.join("blobs").join(etag);
        let Ok(metadata) = fs::metadata(&blob) else { return Ok(false) };
        if metadata.len() == size && Self::is_sound(&blob)? {
            return Ok(true);
        }
        fs::remove_file(&blob)?;
        Ok(false)
    }

    /// Links the blob with this `ETag`, if it is cached, as `file` of `commit`.
    ///
    /// # Errors
    /// An error if the folder cannot be written.
    pub fn adopt(&self, etag: &str, commit: &str, file: &str) -> io::Result<Option<PathBuf>> {
        let blob = self.root.join("blobs").join(etag);
        if !blob.is_file() {
            return Ok(None);
        }
        let folder = self.root.join("snapshots").join(commit);
        fs::create_dir_all(&folder)?;
        let path = folder.join(file);
        if !path.is_file() {
            link(&blob, &Path::new("../../blobs").join(etag), &path)?;
        }
        Ok(Some(path))
    }

    /// Opens an incomplete blob for appending; waits for another program that is writing it.
    ///
    /// # Errors
    /// An error if the folder cannot be written.
    pub fn begin(&self, etag: &str) -> io::Result<Growing> {
        let blob = self.root.join("blobs").join(etag);
        fs::create_dir_all(self.root.join("blobs"))?;
        let path = self.root.join("blobs").join(format!("{etag}.incomplete"));
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        file.lock()?;
        Ok(Growing { file, path, blob })
    }
}

#[cfg(unix)]
fn link(_blob: &Path, relative: &Path, path: &Path) -> io::Result<()> {
    match std::os::unix::fs::symlink(relative, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

/// Copies the file, as Python does, where links need rights that most users do not have.
#[cfg(not(unix))]
fn link(blob: &Path, _relative: &Path, path: &Path) -> io::Result<()> {
    fs::copy(blob, path).map(drop)
}

/// A blob being downloaded into the cache, locked as long as this value lives.
#[derive(Debug)]
pub struct Growing {
    file: File,
    path: PathBuf,
    blob: PathBuf,
}

impl Growing {
    /// Returns the number of bytes received so far.
    ///
    /// # Errors
    /// An error if the file's metadata cannot be read.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// An error if they cannot be written, for example because the disk is full.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Reads the bytes of `range`.
    ///
    /// # Errors
    /// An error if fewer bytes were received.
    pub fn read(&mut self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        read_at(&mut self.file, range)
    }

    /// Publishes the blob under its `ETag`; returns `false`, and deletes it, if the `ETag` is a SHA-256 that
    /// does not match.
    ///
    /// # Errors
    /// An error if the file cannot be read or renamed.
    pub fn finish(mut self) -> io::Result<bool> {
        let address = self.blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if address.len() == SHA256 {
            self.file.rewind()?;
            if digest(&mut self.file)? != address {
                fs::remove_file(&self.path)?;
                return Ok(false);
            }
        }
        self.file.sync_all()?;
        fs::rename(&self.path, &self.blob)?;
        Ok(true)
    }

    /// Returns whether [`finish`](Self::finish) can detect damage.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.blob.file_name().is_some_and(|name| name.len() == SHA256)
    }

    /// Discards what was received: it is longer than the file, or its correctness cannot be checked.
    ///
    /// # Errors
    /// An error if the file cannot be changed.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

/// Returns the SHA-256 of the rest of a file.
fn digest(file: &mut File) -> io::Result<String> {
    let mut digest = Digest::default();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(digest.finish()),
            count => digest.update(&chunk[..count]),
        }
    }
}

/// Reads the bytes of `range`.
///
/// # Errors
/// An error if the file is shorter.
pub(super) fn read_at(file: &mut File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}
