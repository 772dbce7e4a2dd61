//! Several files as one.

use std::io::{Cursor, Write as _};

use rawzip::ZipArchiveWriter;

use super::names::Names;
use super::{ExportError, ExportedFile};

/// A zip file of `files`, stored as they are: pictures are packed already. Equal names are numbered.
///
/// # Errors
///
/// [`ExportError::Zip`] for names that no zip file can hold.
pub fn zip(files: &[ExportedFile]) -> Result<Vec<u8>, ExportError> {
    let mut archive = ZipArchiveWriter::new(Cursor::new(Vec::new()));
    let mut names = Names::default();
    for ExportedFile { name, bytes } in files {
        let (name, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let name = format!("{}.{ending}", names.unique(name));
        let (mut entry, config) = archive.new_file(name.as_str()).start()?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes).map_err(rawzip::Error::from)?;
        let (_, output) = writer.finish()?;
        entry.finish(output)?;
    }
    Ok(archive.finish()?.into_inner())
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
