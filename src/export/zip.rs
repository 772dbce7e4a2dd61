//! Zip files.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use rawzip::ZipArchiveWriter;

use super::names::UniqueNames;
use super::{ExportError, ExportedFile};

/// A zip file under construction, whose bytes can be taken as they arise: only the files added last need be
/// in memory.
///
/// Files are stored uncompressed, since pictures are compressed already. Equal names are numbered.
#[derive(Debug)]
pub struct Zip {
    archive: ZipArchiveWriter<Bytes>,
    bytes: Bytes,
    names: UniqueNames,
}

impl Default for Zip {
    fn default() -> Self {
        let bytes = Bytes::default();
        Self { archive: ZipArchiveWriter::new(bytes.clone()), bytes, names: UniqueNames::default() }
    }
}

impl Zip {
    /// Adds a file.
    ///
    /// # Errors
    ///
    /// [`ExportError::Zip`] for names that a zip file cannot hold.
    pub fn add(&mut self, ExportedFile { name, bytes }: &ExportedFile) -> Result<(), ExportError> {
        let (name, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let name = format!("{}.{ending}", self.names.unique(name));
        let (mut entry, config) = self.archive.new_file(name.as_str()).start()?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes).map_err(rawzip::Error::from)?;
        let (_, output) = writer.finish()?;
        entry.finish(output)?;
        Ok(())
    }

    /// Takes the bytes that were written since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.bytes.0.take()
    }

    /// Completes the file; returns its last bytes.
    ///
    /// # Errors
    ///
    /// [`ExportError::Zip`] if more files were added than a zip file can hold.
    pub fn finish(self) -> Result<Vec<u8>, ExportError> {
        self.archive.finish()?;
        Ok(self.bytes.0.take())
    }
}

/// A buffer to which the writer appends, and from which [`Zip::take`] takes.
#[derive(Debug, Clone, Default)]
struct Bytes(Rc<RefCell<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Zips `files` as [`Zip`] does.
///
/// # Errors
///
/// [`ExportError::Zip`] for names that a zip file cannot hold.
pub fn zip(files: &[ExportedFile]) -> Result<Vec<u8>, ExportError> {
    let mut zip = Zip::default();
    files.iter().try_for_each(|file| zip.add(file))?;
    zip.finish()
}

#[cfg(test)]
mod tests {
    use rawzip::ZipArchive;

    use super::*;

    #[test]
    fn every_file_is_there_under_a_name_of_its_own() {
        let file = |name: &str, bytes: &[u8]| ExportedFile { name: name.to_owned(), bytes: bytes.to_vec() };
        let bytes = zip(&[file("a/é.txt", b"one"), file("x.png", b"two"), file("X.png", b"three")]).unwrap();
        let archive = ZipArchive::from_slice(&bytes).unwrap();
        let mut found = Vec::new();
        for entry in archive.entries() {
            let entry = entry.unwrap();
            let name = String::from_utf8(entry.file_path().as_bytes().to_vec()).unwrap();
            found.push((name, archive.get_entry(entry.wayfinder()).unwrap().data().to_vec()));
        }
        let expected = [("a/é.txt", &b"one"[..]), ("x.png", b"two"), ("X-2.png", b"three")];
        assert_eq!(found, expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
    }
}
