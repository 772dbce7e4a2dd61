//! A checkpoint on disk whose files are opened once: a training run may replace its folder meanwhile, and
//! steps must not mix.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use crate::files;
use crate::weights::{Manifest, SourceError, WeightSource};

/// Files opened at the start; a file that is missing then stays missing.
const FIRST: [&str; 4] = ["manifest.json", "config.json", "preprocessor_config.json", WEIGHTS];
const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Number of times that a folder being replaced is looked at again, and the pause before each.
const LOOKS: usize = 100;
const PAUSE: Duration = Duration::from_millis(10);

/// A folder of weights on disk, or a single file of weights.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    is_file: bool,
    held: RefCell<BTreeMap<String, Option<Held>>>,
}

/// An open file, and its metadata when it was opened.
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
            return Err(io::Error::other("it was changed while it was being read"));
        }
        Ok(bytes)
    }
}

impl Disk {
    /// Opens a folder that holds `config.json` and the weights; all files are of the same moment.
    ///
    /// # Errors
    ///
    /// [`SourceError::NotFound`] if there is none, [`SourceError::Unavailable`] if it is replaced all the
    /// time.
    pub fn folder(path: impl Into<PathBuf>) -> Result<Self, SourceError> {
        let path = path.into();
        for _ in 0..LOOKS {
            let before = identity(&path);
            if before.is_none() && !is_replaced(&path) {
                let (file, place) = ("config.json".to_owned(), path.display().to_string());
                return Err(SourceError::NotFound { file, place });
            }
            let held: Vec<_> = FIRST.iter().map(|name| (*name, Held::open(&path.join(name)))).collect();
            if before.is_some() && before == identity(&path) {
                let held = held.into_iter().map(|(name, held)| (name.to_owned(), held.ok())).collect();
                return Ok(Self { path, is_file: false, held: RefCell::new(held) });
            }
            sleep(PAUSE);
        }
        let reason = "it keeps being replaced; try again when training is done".to_owned();
        let (file, place) = ("config.json".to_owned(), path.display().to_string());
        Err(SourceError::Unavailable { file, place, reason })
    }

    /// Refers to a single file of weights, whose configuration lies beside it; nothing is opened yet.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_file: true, held: RefCell::default() }
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path if it is a folder.
    #[must_use]
    pub fn as_folder(&self) -> Option<&Path> {
        (!self.is_file).then_some(&self.path)
    }

    /// Returns a sentence on which weights are read if a model was saved again as one file while the index of
    /// its former shards still exists.
    #[must_use]
    pub fn twofold(&self) -> Option<String> {
        let has_both = !self.is_file && self.size(WEIGHTS).is_some() && self.path.join(INDEX).is_file();
        let manifest =
            self.whole("manifest.json").ok().and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
        let read = match manifest.unwrap_or_default().file(INDEX) {
            None => WEIGHTS,
            Some(_) => "the index, as stated in manifest.json,",
        };
        has_both.then(|| format!("{} holds both {WEIGHTS} and {INDEX}; {read} is read", self.path.display()))
    }

    fn place(&self, file: &str) -> PathBuf {
        match self.is_file {
            true if self.weights_file() == Some(file) => self.path.clone(),
            // Other files beside a single file of weights belong to other weights.
            true if !file.ends_with("config.json") => self.path.join(file),
            true => self.path.with_file_name(file),
            false => self.path.join(file),
        }
    }

    /// Reads the whole of a small file.
    fn whole(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        self.with(file, |held| {
            files::check(held.metadata.len(), files::TEXT)?;
            held.read(0..files::TEXT)
        })
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

impl WeightSource for Disk {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        self.whole(file)
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        self.with(file, |held| held.read(range))
    }

    fn size(&self, file: &str) -> Option<u64> {
        self.with(file, |held| Ok(held.metadata.len())).ok()
    }

    fn weights_file(&self) -> Option<&str> {
        if self.is_file { self.path.file_name()?.to_str() } else { None }
    }
}

/// Waits for a folder that is just being replaced, as [`Disk`] does; returns whether it exists.
#[must_use]
pub fn settled(folder: &Path) -> bool {
    for _ in 0..LOOKS {
        if folder.is_dir() || !is_replaced(folder) {
            break;
        }
        sleep(PAUSE);
    }
    folder.is_dir()
}

/// Returns whether a newer folder is about to replace this one.
fn is_replaced(folder: &Path) -> bool {
    ["new", "old"].iter().any(|ending| folder.with_extension(ending).is_dir())
}

/// Returns what distinguishes a folder from its replacement.
#[cfg(unix)]
fn identity(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(folder).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Returns what distinguishes a folder from its replacement, on systems without inode numbers.
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
        let disk = Disk::folder(path("checkpoint")).unwrap();
        let read = |disk: &Disk, file| pollster::block_on(disk.read(file));
        save("two, longer");
        fs::write(path("checkpoint/manifest.json"), "{}").unwrap();
        assert_eq!(read(&disk, "config.json").unwrap(), b"one");
        let range = |range| pollster::block_on(disk.read_range(WEIGHTS, range));
        assert_eq!((range(1..3).unwrap(), disk.size(WEIGHTS)), (b"ne".to_vec(), Some(3)));
        assert!(matches!(read(&disk, "manifest.json"), Err(SourceError::NotFound { .. })), "it came later");

        let disk = Disk::folder(path("checkpoint")).unwrap();
        fs::write(path("checkpoint/config.json"), "another length").unwrap();
        assert!(read(&disk, "config.json").unwrap_err().to_string().contains("changed"));
        assert!(matches!(Disk::folder(path("none")), Err(SourceError::NotFound { .. })));
    }
}
