//! Weight folders on disk, the bundled one among them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context, Result, bail};

use crate::weights::{SourceError, WeightSource};

const BUNDLED: &str = "www/weights/mae-tiny";

/// A weight folder on disk.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// The folder asked for (of a training run, its latest checkpoint), else the bundled one: below the working
    /// directory, beside the executable, or where this crate was built.
    pub(super) fn open(asked: Option<&Path>) -> Result<Self> {
        let Some(asked) = asked else { return Self::bundled() };
        let checkpoint = asked.join("checkpoint");
        if asked.is_dir() {
            return Ok(Self(if checkpoint.is_dir() { checkpoint } else { asked.to_path_buf() }));
        }
        let what = if asked.exists() { "is a file" } else { "does not exist" };
        bail!("{} {what}: name a training run, or the folder that holds config.json", asked.display())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn bundled() -> Result<Self> {
        let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(BUNDLED)));
        [Some(PathBuf::from(BUNDLED)), beside, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(BUNDLED))]
            .into_iter()
            .flatten()
            .find(|place| place.is_dir())
            .map(Self)
            .with_context(|| {
                format!("the bundled weights ({BUNDLED}) are not here: name a folder with --weights")
            })
    }
}

impl WeightSource for Directory {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let (file_name, place) = (file.to_owned(), self.0.display().to_string());
        fs::read(self.0.join(file)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::NotFound { file: file_name, place },
            _ => SourceError::Unavailable { file: file_name, place, reason: error.to_string() },
        })
    }
}
