//! Locates checkpoints: on disk (including the bundled one), on the Hub, or on a web server.

pub(super) mod shards;

use std::env;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use super::terminal::progress;
use crate::engine::{DeviceChoice, Engine, Picked, pick};
use crate::hub_name::RepositoryName;
use crate::sources::{Disk, OnBytes, Repository, Settings, Site, settled};
use crate::text::one_line;
use crate::weights::{SourceError, WeightSource};

const BUNDLED: &str = "www/weights/mae-small";

/// The location of a checkpoint.
#[derive(Debug)]
pub(super) enum Source {
    /// A folder or a file on disk.
    Disk(Disk),
    /// A model on the Hub.
    Repository(Box<Repository>),
    /// Files at an address.
    Site(Box<Site>),
}

impl Source {
    /// Opens a checkpoint: a folder (for a training run, its latest checkpoint), a file,
    /// `hf:owner/name[@revision]`, `owner/name` if no such folder exists, or a URL.
    ///
    /// Without a path it opens the bundled folder: below the working directory, beside the executable, or
    /// where this crate was built.
    pub(super) fn open(asked: Option<&Path>) -> Result<Self> {
        let Some(path) = asked else { return Self::bundled() };
        let checkpoint = path.join("checkpoint");
        let is_run = |path: &Path| path.join("run.json").is_file();
        if path.is_dir() || path.parent().is_some_and(is_run) && settled(path) {
            if is_run(path) && !(path.join("config.json").exists() || settled(&checkpoint)) {
                bail!(
                    "the training run {} has no checkpoint yet; repeat its command to resume it",
                    path.display()
                );
            }
            let folder = if settled(&checkpoint) { &checkpoint } else { path };
            return Self::on_disk(folder);
        }
        if path.is_file() {
            return Ok(Self::Disk(Disk::file(path)));
        }
        let text = path.to_str().unwrap_or_default();
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Site(Box::new(Site::new(text, download_bar()).telling(progress::note))));
        }
        let hub = |name: RepositoryName| {
            let settings = Settings::from_environment();
            let repository = Repository::new(name, settings, download_bar()).telling(progress::note);
            Ok(Self::Repository(Box::new(repository)))
        };
        match (text.strip_prefix("hf:"), text.parse()) {
            (Some(name), _) => hub(name.parse().map_err(anyhow::Error::msg)?),
            (None, Ok(name)) => hub(name),
            (None, Err(_)) => bail!(
                "{text} does not exist: give a training run, the folder that holds config.json, a .safetensors or .pth file, \
                 hf:owner/name, or a URL"
            ),
        }
    }

    /// Loads the checkpoint's engine onto a device, for photos of `image_size` pixels per side if given.
    pub(super) fn load(&self, device: DeviceChoice, image_size: Option<usize>) -> Result<(Engine, Picked)> {
        let loading = progress::spinner("loading the weights");
        let picked = pollster::block_on(pick(device))?;
        let mut engine = pollster::block_on(Engine::load(self, &picked.device))?;
        if let Some(side) = image_size {
            engine = engine.with_image_size(side);
        }
        loading.finish_and_clear();
        Ok((engine, picked))
    }

    /// Returns the name to show to people.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Disk(disk) => disk.path().display().to_string(),
            Self::Repository(repository) => repository.name().to_string(),
            Self::Site(site) => site.address().to_string(),
        }
    }

    /// Returns the folder, if the checkpoint is one on disk.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Disk(disk) => disk.as_folder(),
            Self::Repository(_) | Self::Site(_) => None,
        }
    }

    fn bundled() -> Result<Self> {
        let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(BUNDLED)));
        [Some(PathBuf::from(BUNDLED)), beside, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(BUNDLED))]
            .into_iter()
            .flatten()
            .find(|place| place.is_dir())
            .with_context(|| {
                format!(
                    "the bundled weights ({BUNDLED}) were not found: specify other weights with --weights"
                )
            })
            .and_then(|place| Self::on_disk(&place))
    }

    fn on_disk(folder: &Path) -> Result<Self> {
        let disk = Disk::folder(folder)?;
        disk.twofold().iter().for_each(|sentence| progress::note(sentence));
        Ok(Self::Disk(disk))
    }
}

impl WeightSource for Source {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Repository(repository) => repository.read(file).await,
            Self::Site(site) => site.read(file).await,
            Self::Disk(disk) => disk.read(file).await,
        }
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Repository(repository) => repository.read_range(file, range).await,
            Self::Site(site) => site.read_range(file, range).await,
            Self::Disk(disk) => disk.read_range(file, range).await,
        }
    }

    fn size(&self, file: &str) -> Option<u64> {
        match self {
            Self::Repository(repository) => repository.size(file),
            Self::Site(site) => site.size(file),
            Self::Disk(disk) => disk.size(file),
        }
    }

    fn weights_file(&self) -> Option<&str> {
        match self {
            Self::Disk(disk) => disk.weights_file(),
            Self::Site(site) => site.weights_file(),
            Self::Repository(_) => None,
        }
    }
}

/// Returns a callback that shows the bytes and the time left of each file being downloaded.
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
