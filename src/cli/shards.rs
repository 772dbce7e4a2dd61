//! Shards of photos at addresses of the web, brought here once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::bundled::download_bar;
use crate::data::is_whole_shard;
use crate::hub::{Site, Told, user_cache};
use crate::weights::{SourceError, WeightSource as _, sha256_hex};

/// The same paths, those that are addresses of tars replaced by files in the cache.
pub(super) fn local(data: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let is_address = |path: &&str| path.starts_with("http://") || path.starts_with("https://");
    data.iter()
        .map(|path| match path.to_str().filter(is_address) {
            Some(address) => fetched(address, &user_cache().join("mae-seg/shards")),
            None => Ok(path.clone()),
        })
        .collect()
}

/// The file of an address in `cache`, fetched from where an earlier attempt stopped.
fn fetched(address: &str, cache: &Path) -> Result<PathBuf> {
    let file_of = |name: &str| name.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_tar = |(_, name): &(&str, &str)| file_of(name).to_lowercase().ends_with(".tar");
    let Some((folder, name)) = address.rsplit_once('/').filter(is_tar) else {
        bail!("{address}: only .tar shards are read from the web; fetch other files yourself");
    };
    let key = |what: &str| format!("{}-{}", &sha256_hex(what.as_bytes())[..16], file_of(name));
    let whole = cache.join(key(address));
    // What did not come whole may by now.
    let is_here = || whole.is_file() && is_whole_shard(&whole);
    if is_here() {
        return Ok(whole);
    }
    let site = Site::new(folder, download_bar());
    pollster::block_on(site.read_range(name, 0..1)).map_err(|error| match error {
        SourceError::NotFound { .. } => anyhow!("there is no {address}"),
        other => other.into(),
    })?;
    let Told { size, etag } = site.told(name);
    let size = size.with_context(|| format!("{address}: the server does not tell its length"))?;
    // Another version of the file begins anew.
    let version = format!("{address} {size} {}", etag.unwrap_or_default());
    let part = cache.join(key(&version) + ".part");
    fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let here = || format!("cannot write {}", part.display());
    let mut file = OpenOptions::new().create(true).append(true).open(&part).with_context(here)?;
    file.lock().with_context(here)?;
    if is_here() {
        return Ok(whole);
    }
    let done = file.metadata().with_context(here)?.len();
    site.copy_range(name, &(done..size), &mut |bytes| {
        file.write_all(bytes).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", here())))
    })?;
    file.sync_all().with_context(here)?;
    fs::rename(&part, &whole).with_context(here)?;
    Ok(whole)
}
