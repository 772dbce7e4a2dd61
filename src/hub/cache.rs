//! The folder that Python's `huggingface_hub` shares: `models--OWNER--NAME/{refs,blobs,snapshots}`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::weights::Digest;

/// Digits of an address that is a SHA-256.
const SHA256: usize = 64;

/// One repository's part of the cache.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Of the model `owner/name` below `cache`.
    #[must_use]
    pub fn new(cache: &Path, repository: &str) -> Self {
        Self { root: cache.join(format!("models--{}", repository.replace('/', "--"))) }
    }

    /// A kept file of `revision`, a branch, tag or commit.
    #[must_use]
    pub fn find(&self, revision: &str, file: &str) -> Option<PathBuf> {
        let commit = fs::read_to_string(self.root.join("refs").join(revision));
        let commit = commit.map_or_else(|_| revision.to_owned(), |commit| commit.trim().to_owned());
        Some(self.root.join("snapshots").join(commit).join(file)).filter(|path| path.is_file())
    }

    /// Notes which commit `revision` means today.
    ///
    /// # Errors
    /// When the folder cannot be written.
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

    /// Whether a file of the cache is what its address says; only of a SHA-256 can that be told.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn is_sound(path: &Path) -> io::Result<bool> {
        let blob = fs::canonicalize(path)?;
        let address = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        Ok(address.len() != SHA256 || digest(&mut File::open(&blob)?)? == address)
    }

    /// Whether the content with this address is here, `size` bytes and undamaged. What is not is deleted, to be fetched
    /// again.
    ///
    /// # Errors
    /// When the content cannot be read or deleted.
    pub fn holds(&self, etag: &str, size: u64) -> io::Result<bool> {
        let blob = self.root.join("blobs").join(etag);
        let Ok(metadata) = fs::metadata(&blob) else { return Ok(false) };
        if metadata.len() == size && Self::is_sound(&blob)? {
            return Ok(true);
        }
        fs::remove_file(&blob)?;
        Ok(false)
    }

    /// The content with this address, if it is here, made visible as `file` of `commit`.
    ///
    /// # Errors
    /// When the folder cannot be written.
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

    /// The beginning of content that has not come to its end; waits for another program that is writing it.
    ///
    /// # Errors
    /// When the folder cannot be written.
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

/// Where links need rights that most do not have, Python copies too.
#[cfg(not(unix))]
fn link(blob: &Path, _relative: &Path, path: &Path) -> io::Result<()> {
    fs::copy(blob, path).map(drop)
}

/// A file on its way into the cache, ours alone while this lives.
#[derive(Debug)]
pub struct Growing {
    file: File,
    path: PathBuf,
    blob: PathBuf,
}

impl Growing {
    /// Bytes here so far.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Adds to its end.
    ///
    /// # Errors
    /// When the disk is full, for one.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// # Errors
    /// When fewer bytes are here.
    pub fn read(&mut self, range: &Range<u64>) -> io::Result<Vec<u8>> {
        read_at(&mut self.file, range)
    }

    /// Makes the content visible under its address; `false`, and the file is gone, where a SHA-256 address does not
    /// agree with it.
    ///
    /// # Errors
    /// When the file cannot be read or renamed.
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

    /// Whether [`finish`](Self::finish) will notice damage in what is here.
    #[must_use]
    pub fn is_checked(&self) -> bool {
        self.blob.file_name().is_some_and(|name| name.len() == SHA256)
    }

    /// Throws away what is here: it is longer than the file can be, or nobody can tell whether it is right.
    ///
    /// # Errors
    /// When the file cannot be changed.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

/// SHA-256 of the rest of a file.
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

/// The bytes of `range`.
///
/// # Errors
/// When the file is shorter.
pub(super) fn read_at(file: &mut File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}
