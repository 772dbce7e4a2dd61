//! Shards of photos on the web, fetched into the cache once.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::download_bar;
use crate::cli::terminal::progress;
use crate::cli::wrong_usage;
use crate::data::{Damaged, Search, is_packed_shard, is_whole_shard};
use crate::sources::{Site, Told, user_cache};
use crate::weights::{SourceError, WeightSource as _, sha256_hex};

/// Returns the cache folder of fetched and unpacked shards.
fn cache() -> PathBuf {
    user_cache().join("mae-seg/shards")
}

/// Returns the search for photos under `keys`, or under all keys if there are none; compressed shards are
/// unpacked into the cache.
pub(in crate::cli) fn search(damaged: Damaged, keys: &[String]) -> Search {
    Search { damaged, keys: keys.to_vec(), unpacked: cache() }
}

/// Resolves paths: expands patterns such as `{0000..0146}.tar`, and replaces URLs of tars by files in the
/// cache.
pub(in crate::cli) fn local(data: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let is_web = |address: &str| address.starts_with("http://") || address.starts_with("https://");
    let mut paths = Vec::new();
    for path in data {
        for path in expanded(path)? {
            paths.push(match path.to_str() {
                Some(address) if is_web(address) => fetched(address, &cache())?,
                Some(address) if address.contains("://") && !path.exists() => {
                    return Err(wrong_usage(format!(
                        "{address}: only http:// and https:// URLs can be downloaded; download other files yourself"
                    )));
                }
                _ => path,
            });
        }
    }
    Ok(paths)
}

/// Maximum number of names that a pattern may expand to.
const MOST_NAMES: u64 = 1 << 20;

/// Expands a pattern in braces; a file with braces in its name is returned unchanged.
fn expanded(path: &Path) -> Result<Vec<PathBuf>> {
    let pattern = path.to_str().filter(|text| text.contains('{') && !path.exists());
    let steps = |range: &str| {
        let (first, last) = range.split_once('}')?.0.split_once("..")?;
        Some(first.parse::<u64>().ok()?.abs_diff(last.parse().ok()?).saturating_add(1))
    };
    let ranges = pattern.into_iter().flat_map(|text| text.split('{').skip(1)).filter_map(steps);
    let refused = |reason: &str| wrong_usage(format!("{}: {reason}", path.display()));
    if ranges.fold(1, u64::saturating_mul) > MOST_NAMES {
        return Err(refused("a pattern may expand to a million names at most"));
    }
    let names = pattern.and_then(|pattern| bracoxide::bracoxidize(pattern).ok());
    let names = names.filter(|names| names.len() > 1 || pattern.is_some_and(|text| text.contains("..")));
    match names {
        Some(names) if names.is_empty() => {
            Err(refused("the pattern expands to nothing; write the smaller number first"))
        }
        Some(names) => Ok(names.into_iter().map(PathBuf::from).collect()),
        None => Ok(vec![path.to_path_buf()]),
    }
}

/// Returns the file of a URL in `cache`, after resuming an earlier download if necessary.
fn fetched(address: &str, cache: &Path) -> Result<PathBuf> {
    let file_of = |name: &str| name.split(['?', '#']).next().unwrap_or_default().to_owned();
    let ends =
        |endings: &[&str], name: &str| endings.iter().any(|end| file_of(name).to_lowercase().ends_with(end));
    let is_tar = |(_, name): &(&str, &str)| ends(&[".tar", ".tar.gz", ".tgz"], name);
    let Some((folder, name)) = address.rsplit_once('/').filter(is_tar) else {
        bail!("{address}: only .tar and .tar.gz files can be read from a URL; download other files yourself");
    };
    let is_whole = if ends(&[".tar"], name) { is_whole_shard } else { is_packed_shard };
    let key = |what: &str| format!("{}-{}", &sha256_hex(what.as_bytes())[..16], file_of(name));
    let whole = cache.join(key(address));
    // An incomplete file may be complete by now.
    let is_here = || whole.is_file() && is_whole(&whole);
    if is_here() {
        return Ok(whole);
    }
    let site = Site::new(folder, download_bar()).telling(progress::note);
    pollster::block_on(site.read_range(name, 0..1)).map_err(|error| match error {
        SourceError::NotFound { .. } => anyhow!("{address} does not exist"),
        other => other.into(),
    })?;
    let Told { size, etag } = site.told(name);
    let size = size.with_context(|| format!("{address}: the server does not report its size"))?;
    // Another version of the file starts a new download.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_in_braces_stand_for_many_shards() {
        let of = |pattern: &str| {
            expanded(Path::new(pattern))
                .unwrap()
                .into_iter()
                .map(|path| path.display().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            of("../x/shard-{0008..0011}.tar"),
            ["0008", "0009", "0010", "0011"].map(|n| format!("../x/shard-{n}.tar"))
        );
        assert_eq!(of("https://example.org/a.b/{train,val}-{0..1}.tar").len(), 4);
        for plain in ["a.tar", "{a.tar", "a}.tar", "{}.tar"] {
            assert_eq!(of(plain), [plain]);
        }
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("{0..1}.tar");
        fs::write(&named, "").unwrap();
        assert_eq!(expanded(&named).unwrap(), [named], "a file that is called so");
    }

    #[test]
    fn patterns_and_addresses_that_can_never_be_right_are_wrong_usage() {
        for (given, reason) in [
            ("s-{0002..0000}.tar", "the smaller number first"),
            ("s-{0..99999}-{0..99999}.tar", "a million names at most"),
            ("s3://bucket/a.tar", "http:// and https://"),
        ] {
            let error = local(&[PathBuf::from(given)]).unwrap_err();
            assert!(error.is::<crate::cli::WrongUsage>() && error.to_string().contains(reason), "{error}");
        }
    }
}
