//! Where checkpoints are: on disk, the bundled one among them, on the Hub, or on a web server.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use super::progress;
use crate::hub::{OnBytes, Repository, Settings, Site};
use crate::hub_name::RepositoryName;
use crate::text::one_line;
use crate::weights::{SourceError, WeightSource};

const BUNDLED: &str = "www/weights/mae-tiny";

/// A checkpoint's place.
#[derive(Debug)]
pub(super) enum Source {
    /// A folder on disk.
    Folder(PathBuf),
    /// One file of weights on disk, its configuration beside it.
    File(PathBuf),
    /// A model on the Hub.
    Repository(Box<Repository>),
    /// Files at an address.
    Site(Box<Site>),
}

impl Source {
    /// What was asked for: a folder (of a training run, its latest checkpoint), a file, `hf:owner/name[@revision]` or
    /// `owner/name` where no such folder exists, or an address; else the bundled folder: below the working directory,
    /// beside the executable, or where this crate was built.
    pub(super) fn open(asked: Option<&Path>) -> Result<Self> {
        let Some(path) = asked else { return Self::bundled() };
        let checkpoint = path.join("checkpoint");
        if path.is_dir() {
            if path.join("run.json").is_file()
                && ![&checkpoint, &path.join("config.json")].iter().any(|p| p.exists())
            {
                bail!(
                    "the training run {} has saved no checkpoint yet; its command, given again, goes on with it",
                    path.display()
                );
            }
            return Ok(Self::Folder(if checkpoint.is_dir() { checkpoint } else { path.to_path_buf() }));
        }
        if path.is_file() {
            return Ok(Self::File(path.to_path_buf()));
        }
        let text = path.to_str().unwrap_or_default();
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Site(Box::new(Site::new(text, download_bar()))));
        }
        let hub = |name: RepositoryName| {
            let settings = Settings::from_environment();
            Ok(Self::Repository(Box::new(Repository::new(name, settings, download_bar()))))
        };
        match (text.strip_prefix("hf:"), text.parse()) {
            (Some(name), _) => hub(name.parse().map_err(anyhow::Error::msg)?),
            (None, Ok(name)) => hub(name),
            (None, Err(_)) => bail!(
                "{text} does not exist: name a training run, the folder that holds config.json, a .safetensors or .pth file, \
                 hf:owner/name, or an address"
            ),
        }
    }

    /// What to call it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Folder(path) | Self::File(path) => path.display().to_string(),
            Self::Repository(repository) => repository.name().to_string(),
            Self::Site(site) => site.address().to_string(),
        }
    }

    fn bundled() -> Result<Self> {
        let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(BUNDLED)));
        [Some(PathBuf::from(BUNDLED)), beside, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(BUNDLED))]
            .into_iter()
            .flatten()
            .find(|place| place.is_dir())
            .map(Self::Folder)
            .with_context(|| {
                format!("the bundled weights ({BUNDLED}) are not here: name a folder with --weights")
            })
    }

    /// The path of `file`, where this is on disk.
    fn path(&self, file: &str) -> PathBuf {
        match self {
            Self::File(path) if self.weights_file() == Some(file) => path.clone(),
            // What lies beside a file that was named speaks about other files.
            Self::File(path) if !file.ends_with("config.json") => path.join(file),
            Self::File(path) => path.with_file_name(file),
            Self::Folder(path) => path.join(file),
            Self::Repository(_) | Self::Site(_) => PathBuf::new(),
        }
    }

    fn read_disk<T>(
        &self,
        file: &str,
        read: impl FnOnce(PathBuf) -> io::Result<T>,
    ) -> Result<T, SourceError> {
        read(self.path(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                SourceError::NotFound { file: file.to_owned(), place: self.describe() }
            }
            _ => SourceError::Unavailable {
                file: file.to_owned(),
                place: self.describe(),
                reason: error.to_string(),
            },
        })
    }
}

impl WeightSource for Source {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Repository(repository) => repository.read(file).await,
            Self::Site(site) => site.read(file).await,
            Self::Folder(_) | Self::File(_) => self.read_disk(file, fs::read),
        }
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Repository(repository) => repository.read_range(file, range).await,
            Self::Site(site) => site.read_range(file, range).await,
            Self::Folder(_) | Self::File(_) => self.read_disk(file, |path| {
                let mut file = File::open(path)?;
                file.seek(SeekFrom::Start(range.start))?;
                let mut bytes = Vec::new();
                file.take(range.end - range.start).read_to_end(&mut bytes)?;
                Ok(bytes)
            }),
        }
    }

    fn size(&self, file: &str) -> Option<u64> {
        match self {
            Self::Repository(repository) => repository.size(file),
            Self::Site(site) => site.size(file),
            Self::Folder(_) | Self::File(_) => Some(fs::metadata(self.path(file)).ok()?.len()),
        }
    }

    fn weights_file(&self) -> Option<&str> {
        match self {
            Self::File(path) => path.file_name()?.to_str(),
            Self::Site(site) => site.weights_file(),
            Self::Folder(_) | Self::Repository(_) => None,
        }
    }
}

/// Bytes and time left of every file that is fetched.
pub(super) fn download_bar() -> OnBytes {
    let bar: ProgressBar = progress::download();
    Box::new(move |file, done, total| {
        bar.set_message(one_line(file).into_owned());
        bar.set_length(total.unwrap_or(done));
        bar.set_position(done);
        if Some(done) == total {
            bar.finish_and_clear();
        }
    })
}
