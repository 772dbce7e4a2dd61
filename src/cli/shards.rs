//! Shards of photos at addresses of the web, brought here once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::bundled::download_bar;
use crate::hub::{Site, Told, user_cache};
use crate::weights::{WeightSource as _, sha256_hex};

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
    let Some((folder, name)) = address.rsplit_once('/').filter(|(_, name)| name.ends_with(".tar")) else {
        bail!("{address}: only .tar shards are read from the web");
    };
    let key = |what: &str| format!("{}-{name}", &sha256_hex(what.as_bytes())[..16]);
    let whole = cache.join(key(address));
    if whole.is_file() {
        return Ok(whole);
    }
    let site = Site::new(folder, download_bar());
    pollster::block_on(site.read_range(name, 0..1))?;
    let Told { size, etag } = site.told(name);
    let size = size.with_context(|| format!("{address}: the server does not tell its length"))?;
    // Another version of the file begins anew.
    let version = format!("{address} {size} {}", etag.unwrap_or_default());
    let part = cache.join(key(&version) + ".part");
    fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let here = || format!("cannot write {}", part.display());
    let mut file = OpenOptions::new().create(true).append(true).open(&part).with_context(here)?;
    file.lock().with_context(here)?;
    if whole.is_file() {
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
