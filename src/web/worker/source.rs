//! The two kinds of sources of a checkpoint.

use std::ops::Range;

use web_sys::{File, Url};

use super::device_folder::DeviceFolder;
use super::web_folder::WebFolder;
use crate::hub_name::RepositoryName;
use crate::web::catalogue::TINY;
use crate::web::place::Place;
use crate::weights::{SourceError, WeightSource};

/// A checkpoint being read.
pub(super) enum Source<F> {
    Web(Box<WebFolder<F>>),
    Device(DeviceFolder<F>),
}

impl<F: Fn(u64, Option<u64>) + Clone> Source<F> {
    /// Opens `place`, and returns also which place it was, if that was open; for [`Place::Suited`] it is the
    /// fast model. `hub` is the address of the Hub, `files` those of [`Place::Device`].
    ///
    /// # Errors
    ///
    /// An error if the place cannot be reached, or denies access.
    pub(super) async fn open(
        place: &Place,
        hub: &str,
        files: Vec<File>,
        on_bytes: F,
    ) -> Result<(Self, Place), SourceError> {
        let name = match place {
            Place::Device(name) => {
                return Ok((Self::Device(DeviceFolder::new(name.clone(), files, on_bytes)), place.clone()));
            }
            Place::Site(address) => {
                let folder = site(address, on_bytes).await?;
                return Ok((Self::Web(folder), place.clone()));
            }
            Place::Suited => {
                let folder = site(TINY, on_bytes).await?;
                return Ok((Self::Web(folder), Place::Site(TINY.to_owned())));
            }
            Place::Hub(name) => name,
            Place::SiteOrHub(name) => {
                let address = format!("{}/", name.path);
                if let Ok(folder) = site(&address, on_bytes.clone()).await
                    && folder.has("config.json").await
                {
                    return Ok((Self::Web(folder), Place::Site(address)));
                }
                name
            }
        };
        Ok((Self::Web(repository(name, hub, on_bytes).await?), Place::Hub(name.clone())))
    }

    /// Returns the bytes read so far.
    pub(super) fn done_bytes(&self) -> u64 {
        match self {
            Self::Web(folder) => folder.done_bytes(),
            Self::Device(folder) => folder.done_bytes(),
        }
    }

    /// Returns whether everything read so far is kept in this browser for the next visit.
    pub(super) fn is_kept(&self) -> bool {
        matches!(self, Self::Web(folder) if folder.is_kept())
    }

    /// Removes what the browser's store has of the folder, and returns whether any of it was read.
    pub(super) async fn forget(&self) -> bool {
        match self {
            Self::Web(folder) => folder.forget().await,
            Self::Device(_) => false,
        }
    }

    /// Resets the count of bytes, for a second read of the same files.
    pub(super) fn rewind(&self) {
        match self {
            Self::Web(folder) => folder.rewind(),
            Self::Device(folder) => folder.rewind(),
        }
    }
}

async fn site<F: Fn(u64, Option<u64>)>(address: &str, on_bytes: F) -> Result<Box<WebFolder<F>>, SourceError> {
    let folder = format!("{}/", address.trim_end_matches('/'));
    // The worker's script is in the same folder as the page.
    let resolved = Url::new_with_base(&folder, &super::scope().location().href());
    let folder = resolved.map_or(folder, |address| address.href());
    WebFolder::open(folder.clone(), folder, on_bytes).await.map(Box::new)
}

async fn repository<F: Fn(u64, Option<u64>)>(
    name: &RepositoryName,
    hub: &str,
    on_bytes: F,
) -> Result<Box<WebFolder<F>>, SourceError> {
    WebFolder::open(name.files_at(hub), name.short(), on_bytes).await.map(Box::new)
}

impl<F: Fn(u64, Option<u64>)> WeightSource for Source<F> {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Web(folder) => folder.read(file).await,
            Self::Device(folder) => folder.read(file).await,
        }
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Web(folder) => folder.read_range(file, range).await,
            Self::Device(folder) => folder.read_range(file, range).await,
        }
    }

    fn size(&self, file: &str) -> Option<u64> {
        match self {
            Self::Web(folder) => folder.size(file),
            Self::Device(folder) => folder.size(file),
        }
    }
}
