//! Shards of photos at addresses of the web, brought here once.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::bundled::download_bar;
use crate::hub::{Site, user_cache};
use crate::weights::{WeightSource as _, sha256_hex};

/// Bytes asked for at once.
const WINDOW: u64 = 8 << 20;

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
    let key = &sha256_hex(address.as_bytes())[..16];
    let (whole, part) = (cache.join(format!("{key}-{name}")), cache.join(format!("{key}-{name}.part")));
    if whole.is_file() {
        return Ok(whole);
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let here = || format!("cannot write {}", part.display());
    let mut file = OpenOptions::new().create(true).append(true).open(&part).with_context(here)?;
    let mut done = file.metadata().with_context(here)?.len();
    let site = Site::new(folder, download_bar());
    pollster::block_on(site.read_range(name, 0..1))?;
    let size = site.size(name).with_context(|| format!("{address}: the server does not tell its length"))?;
    while done < size {
        let range = done..size.min(done + WINDOW);
        done = range.end;
        file.write_all(&pollster::block_on(site.read_range(name, range))?).with_context(here)?;
    }
    file.sync_all().with_context(here)?;
    if file.metadata().with_context(here)?.len() != size {
        bail!("{} was written by someone else meanwhile; remove it and try again", part.display());
    }
    fs::rename(&part, &whole).with_context(here)?;
    Ok(whole)
}
