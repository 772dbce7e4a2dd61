//! Zip files read in place: an index in memory, one entry's bytes at a time.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, ZipArchive, ZipArchiveEntryWayfinder};

use super::DataError;
use super::formats::first_bytes;
use crate::files;

/// A zip file and the index of its entries; may be read from many threads.
#[derive(Debug)]
pub(super) struct Zip {
    path: PathBuf,
    archive: ZipArchive<FileReader>,
    entries: HashMap<String, Entry>,
    /// Entries by their file name without folders.
    by_bare_name: HashMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    way: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
    checksum: u32,
}

/// Returns whether a path names a zip file.
pub(super) fn is_zip(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) && path.is_file()
}

impl Zip {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Io { path: path.to_path_buf(), source })?;
        let damaged = |error: rawzip::Error| DataError::Zip {
            path: path.to_path_buf(),
            reason: format!("{error}; download it again"),
        };
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipArchive::from_file(file, &mut buffer).map_err(damaged)?;
        let mut entries = HashMap::new();
        let mut by_bare_name: HashMap<String, Vec<String>> = HashMap::new();
        let mut records = archive.entries(&mut buffer);
        while let Some(record) = records.next_entry().map_err(damaged)? {
            let name = String::from_utf8_lossy(record.file_path().as_bytes()).into_owned();
            let bare = name.rsplit('/').next().unwrap_or_default().to_owned();
            by_bare_name.entry(bare).or_default().push(name.clone());
            let (method, is_encrypted) = (record.compression_method(), record.flags().is_encrypted());
            let checksum = record.crc32();
            entries.insert(name, Entry { way: record.wayfinder(), method, is_encrypted, checksum });
        }
        Ok(Self { path: path.to_path_buf(), archive, entries, by_bare_name })
    }

    /// Finds the entry of this name, or the only one whose path ends with it.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        if let Some((name, _)) = self.entries.get_key_value(name) {
            return Some(name);
        }
        let alike = self.by_bare_name.get(name.rsplit('/').next()?)?;
        let mut deeper =
            alike.iter().filter(|entry| entry.strip_suffix(name).is_some_and(|above| above.ends_with('/')));
        deeper.next().filter(|_| deeper.next().is_none()).map(String::as_str)
    }

    /// Returns the names of entries with this ending, in order.
    pub(super) fn names(&self, ending: &str) -> Vec<&str> {
        let mut names: Vec<_> =
            self.entries.keys().map(String::as_str).filter(|name| name.ends_with(ending)).collect();
        names.sort_unstable();
        names
    }

    /// Returns all entries in order, and their lengths.
    pub(super) fn files(&self) -> Vec<(&str, u64)> {
        let mut files: Vec<_> = self
            .entries
            .iter()
            .map(|(name, entry)| (name.as_str(), entry.way.uncompressed_size_hint()))
            .collect();
        files.sort_unstable();
        files
    }

    /// Reads the first bytes of an entry.
    pub(super) fn head(&self, name: &str) -> io::Result<Vec<u8>> {
        let unreadable = || io::Error::other("it cannot be read");
        let entry = self.entries.get(name).filter(|entry| !entry.is_encrypted).ok_or_else(unreadable)?;
        let found = self.archive.get_entry(entry.way).map_err(io::Error::other)?;
        match entry.method {
            CompressionMethod::STORE => first_bytes(found.reader()),
            CompressionMethod::DEFLATE => first_bytes(DeflateDecoder::new(found.reader())),
            _ => Err(unreadable()),
        }
    }

    /// Returns the checksum of an entry from the directory, which distinguishes its content.
    pub(super) fn look(&self, name: &str) -> Vec<u8> {
        self.entries.get(name).map_or_else(Vec::new, |entry| entry.checksum.to_le_bytes().to_vec())
    }

    /// Reads the bytes of an entry, at most `most`, and verifies its checksum.
    pub(super) fn read(&self, name: &str, most: u64) -> Result<Vec<u8>, DataError> {
        let damaged =
            |reason: String| DataError::Zip { path: self.path.clone(), reason: format!("{name}: {reason}") };
        let entry = self.entries.get(name).ok_or_else(|| damaged("there is no such entry".to_owned()))?;
        if entry.is_encrypted {
            return Err(damaged("it is encrypted; pack it without a password".to_owned()));
        }
        let announced = entry.way.uncompressed_size_hint().max(entry.way.compressed_size_hint());
        files::check(announced, most).map_err(|error| damaged(error.to_string()))?;
        let found = self.archive.get_entry(entry.way).map_err(|error| damaged(error.to_string()))?;
        let mut bytes = Vec::new();
        let outcome = match entry.method {
            CompressionMethod::STORE => found.verifying_reader(found.reader()).read_to_end(&mut bytes),
            CompressionMethod::DEFLATE => {
                // Nothing beyond the announced length is unpacked.
                let unpacked = DeflateDecoder::new(found.reader()).take(entry.way.uncompressed_size_hint());
                found.verifying_reader(unpacked).read_to_end(&mut bytes)
            }
            method => Err(io::Error::other(format!(
                "its compression ({method:?}) is not supported; pack it with deflate"
            ))),
        };
        outcome.map_err(|error| damaged(error.to_string()))?;
        Ok(bytes)
    }
}

/// Reads a file, or an entry of a zip file whose path treats the zip as a folder: `archive.zip/folder/file`.
pub(super) fn read_through(path: &Path) -> Result<Vec<u8>, DataError> {
    let archive = path.ancestors().skip(1).find(|above| is_zip(above));
    let Some(archive) = archive.filter(|_| !path.exists()) else {
        return files::read(path, files::LIST)
            .map_err(|source| DataError::Io { path: path.to_path_buf(), source });
    };
    let inner = path.strip_prefix(archive).unwrap_or(path).to_string_lossy().replace('\\', "/");
    Zip::open(archive)?.read(&inner, files::LIST)
}
