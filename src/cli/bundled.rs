//! Weight folders on disk, the bundled one among them.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context, Result, bail};

use crate::weights::{SourceError, WeightSource};

const BUNDLED: &str = "www/weights/mae-tiny";

/// A weight folder on disk, or one file of weights with whatever lies beside it.
#[derive(Debug)]
pub(super) struct Directory {
    folder: PathBuf,
    /// What stands for `model.safetensors`.
    weights: Option<PathBuf>,
}

impl Directory {
    /// The folder or file asked for (of a training run, its latest checkpoint), else the bundled one: below the working
    /// directory, beside the executable, or where this crate was built.
    pub(super) fn open(asked: Option<&Path>) -> Result<Self> {
        let Some(asked) = asked else { return Self::bundled() };
        let checkpoint = asked.join("checkpoint");
        if asked.is_dir() {
            return Ok(Self::folder(if checkpoint.is_dir() { checkpoint } else { asked.to_path_buf() }));
        }
        if asked.is_file() && asked.extension().is_some_and(|extension| extension == "safetensors") {
            let folder = asked.parent().unwrap_or(Path::new("")).to_path_buf();
            return Ok(Self { folder, weights: Some(asked.to_path_buf()) });
        }
        let what = if asked.exists() { "is another kind of file" } else { "does not exist" };
        bail!(
            "{} {what}: name a training run, the folder that holds config.json, or a .safetensors file",
            asked.display()
        )
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    fn folder(folder: PathBuf) -> Self {
        Self { folder, weights: None }
    }

    fn bundled() -> Result<Self> {
        let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.join(BUNDLED)));
        [Some(PathBuf::from(BUNDLED)), beside, Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(BUNDLED))]
            .into_iter()
            .flatten()
            .find(|place| place.is_dir())
            .map(Self::folder)
            .with_context(|| {
                format!("the bundled weights ({BUNDLED}) are not here: name a folder with --weights")
            })
    }
}

impl WeightSource for Directory {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let (file_name, place) = (file.to_owned(), self.folder.display().to_string());
        let path = match &self.weights {
            Some(weights) if file == "model.safetensors" => weights.clone(),
            // Those belong to the folder's own shards.
            Some(_) if ["manifest.json", "model.safetensors.index.json"].contains(&file) => {
                return Err(SourceError::NotFound { file: file_name, place });
            }
            _ => self.folder.join(file),
        };
        fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::NotFound { file: file_name, place },
            _ => SourceError::Unavailable { file: file_name, place, reason: error.to_string() },
        })
    }
}
