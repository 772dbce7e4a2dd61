//! A checkpoint on disk, each file opened once: a run that goes on meanwhile replaces its folder, and steps must not mix.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail};

use super::progress;
use crate::files;
use crate::weights::{Manifest, SourceError};

/// Files opened at the start; one that is not there then is not there later.
const FIRST: [&str; 4] = ["manifest.json", "config.json", "preprocessor_config.json", WEIGHTS];
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// How often, and after what pause, something is looked at again that is being replaced.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder of weights, or one file of them.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    is_file: bool,
    held: RefCell<BTreeMap<String, Option<Held>>>,
}

/// An open file, and what it was when it was opened.
#[derive(Debug)]
struct Held {
    file: File,
    metadata: Metadata,
}

impl Held {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { metadata: file.metadata()?, file })
    }

    fn read(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(range.start))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(range.end - range.start).read_to_end(&mut bytes)?;
        let now = self.file.metadata()?;
        if (now.len(), now.modified().ok()) != (self.metadata.len(), self.metadata.modified().ok()) {
            return Err(io::Error::other("it was changed while it was read"));
        }
        Ok(bytes)
    }
}

impl Disk {
    /// A folder; its files are those of one moment.
    pub(super) fn folder(path: &Path) -> Result<Self> {
        for _ in 0..LOOKS {
            let before = identity(path);
            let held: Vec<_> = FIRST.iter().map(|name| (*name, Held::open(&path.join(name)))).collect();
            if before.is_some() && before == identity(path) {
                let held = held.into_iter().map(|(name, held)| (name.to_owned(), held.ok())).collect();
                let disk = Self { path: path.to_owned(), is_file: false, held: RefCell::new(held) };
                disk.note_twofold();
                return Ok(disk);
            }
            sleep(PAUSE);
        }
        bail!("{} is replaced all the time; try again when training is done", path.display())
    }

    /// One file of weights, its configuration beside it.
    pub(super) fn file(path: &Path) -> Self {
        Self { path: path.to_owned(), is_file: true, held: RefCell::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, unless it is a file.
    pub(super) fn as_folder(&self) -> Option<&Path> {
        (!self.is_file).then_some(&self.path)
    }

    /// The name of the file of weights, where one was named.
    pub(super) fn weights_file(&self) -> Option<&str> {
        if self.is_file { self.path.file_name()?.to_str() } else { None }
    }

    /// Says what is read where a model was saved again as one file, and the list of its former parts is still there.
    fn note_twofold(&self) {
        let has_both = self.size(WEIGHTS).is_some() && self.path.join(INDEX).is_file();
        if !has_both {
            return;
        }
        let manifest =
            self.read("manifest.json").ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
        let read = match manifest.unwrap_or_default().file(INDEX) {
            None => WEIGHTS,
            Some(_) => "what the index names, as manifest.json says,",
        };
        progress::note(&format!("{} holds both {WEIGHTS} and {INDEX}; {read} is read", self.path.display()));
    }

    fn place(&self, file: &str) -> PathBuf {
        match self.is_file {
            true if self.weights_file() == Some(file) => self.path.clone(),
            // What lies beside a file that was named speaks about other files.
            true if !file.ends_with("config.json") => self.path.join(file),
            true => self.path.with_file_name(file),
            false => self.path.join(file),
        }
    }

    /// The whole of a small file.
    pub(super) fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        self.with(file, |held| {
            files::check(held.metadata.len(), files::TEXT)?;
            held.read(0..files::TEXT)
        })
    }

    pub(super) fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        self.with(file, |held| held.read(range))
    }

    pub(super) fn size(&self, file: &str) -> Option<u64> {
        self.with(file, |held| Ok(held.metadata.len())).ok()
    }

    fn with<T>(&self, file: &str, act: impl FnOnce(&mut Held) -> io::Result<T>) -> Result<T, SourceError> {
        let mut all = self.held.borrow_mut();
        let outcome = match all.get_mut(file) {
            Some(Some(held)) => act(held),
            Some(None) => Err(io::ErrorKind::NotFound.into()),
            None => Held::open(&self.place(file)).and_then(|mut held| {
                let outcome = act(&mut held);
                all.insert(file.to_owned(), Some(held));
                outcome
            }),
        };
        let (file, place) = (file.to_owned(), self.path.display().to_string());
        outcome.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SourceError::NotFound { file, place },
            _ => SourceError::Unavailable { file, place, reason: error.to_string() },
        })
    }
}

/// Waits for a folder that is just being replaced, as [`Disk`] is for.
pub(super) fn settled(folder: &Path) -> bool {
    let is_replaced = || ["new", "old"].iter().any(|ending| folder.with_extension(ending).is_dir());
    for _ in 0..LOOKS {
        if folder.is_dir() || !is_replaced() {
            break;
        }
        sleep(PAUSE);
    }
    folder.is_dir()
}

/// What tells a folder from another one of its name.
#[cfg(unix)]
fn identity(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// What tells a folder from another one of its name, where the system gives folders no numbers.
#[cfg(not(unix))]
fn identity(folder: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(folder).ok()?.modified().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_those_of_one_moment() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let save = |text: &str| {
            fs::create_dir(path("fresh")).unwrap();
            for file in ["config.json", WEIGHTS] {
                fs::write(path("fresh").join(file), text).unwrap();
            }
            let _ = fs::remove_dir_all(path("checkpoint"));
            fs::rename(path("fresh"), path("checkpoint")).unwrap();
        };
        save("one");
        let disk = Disk::folder(&path("checkpoint")).unwrap();
        save("two, longer");
        fs::write(path("checkpoint/manifest.json"), "{}").unwrap();
        assert_eq!(disk.read("config.json").unwrap(), b"one");
        assert_eq!((disk.read_range(WEIGHTS, 1..3).unwrap(), disk.size(WEIGHTS)), (b"ne".to_vec(), Some(3)));
        assert!(matches!(disk.read("manifest.json"), Err(SourceError::NotFound { .. })), "it came later");

        let disk = Disk::folder(&path("checkpoint")).unwrap();
        fs::write(path("checkpoint/config.json"), "another length").unwrap();
        assert!(disk.read("config.json").unwrap_err().to_string().contains("changed"));
        assert!(Disk::folder(&path("none")).is_err());
    }
}
