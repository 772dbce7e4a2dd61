//! Recognises files by their names and first bytes.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use crate::image::RgbImage;

/// File extensions of photos, which are trusted without reading the file.
const EXTENSIONS: [&str; 14] =
    ["jpg", "jpeg", "jpe", "jfif", "jif", "pjpeg", "pjp", "png", "apng", "webp", "bmp", "gif", "tif", "tiff"];

/// File extensions that are never read as photos: those of files that lie beside photos by the million, and
/// of raw camera files, which begin like TIFF.
const OTHERS: [&str; 20] = [
    "json", "txt", "cls", "xml", "csv", "npy", "npz", "pt", "md", "html", "nef", "nrw", "cr2", "arw", "dng",
    "orf", "rw2", "pef", "srw", "svs",
];

/// Compression and archive formats: their signatures and names.
const PACKINGS: [(&[u8], &str); 6] = [
    (b"\xFD7zXZ\0", "xz"),
    (b"\x28\xB5\x2F\xFD", "Zstandard"),
    (b"BZh", "bzip2"),
    (b"7z\xBC\xAF\x27\x1C", "7-Zip"),
    (b"Rar!\x1A\x07", "RAR"),
    (b"PK\x03\x04", "zip, whatever its name says"),
];

/// Number of bytes that suffice to recognise a file.
pub(super) const HEAD: usize = 32;

/// File extensions of archives of photos.
pub(super) const PACKS: [&str; 4] = ["tar", "zip", "tar.gz", "tgz"];

/// Returns whether a file is a photo, by its extension or else by its first bytes.
pub(crate) fn is_photo(path: &Path, head: impl FnOnce() -> io::Result<Vec<u8>>) -> bool {
    has_extension(path, &EXTENSIONS)
        || !has_extension(path, &OTHERS) && head().is_ok_and(|bytes| RgbImage::is_known(&bytes))
}

/// Reads the first bytes of a file.
pub(crate) fn head(path: &Path) -> io::Result<Vec<u8>> {
    first_bytes(fs::File::open(path)?)
}

/// Returns whether a file begins as gzip does.
pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1F, 0x8B])
}

/// Returns what to say about a file in a packing that cannot be read as photos.
pub(super) fn packing(head: &[u8]) -> Option<String> {
    let (_, name) = PACKINGS.iter().find(|(signature, _)| head.starts_with(signature))?;
    Some(format!("it is packed with {name}: unpack it, or pack it as .tar, .tar.gz or .zip"))
}

pub(super) fn first_bytes(file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns whether a file or folder is hidden, or is one that systems (macOS, Windows, network disks) put
/// beside photos.
pub(crate) fn is_hidden(name: &str) -> bool {
    let system =
        ["__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini"];
    let hides = |part: &str| part.starts_with('.') && !["", ".", ".."].contains(&part);
    name.split('/').any(|part| hides(part) || system.iter().any(|known| part.eq_ignore_ascii_case(known)))
}

pub(super) fn has_extension(path: &Path, accepted: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    accepted.iter().any(|ending| name.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_and_else_first_bytes() {
        let jpeg = || Ok(vec![0xff, 0xd8, 0xff, 0xe0, 0, 16]);
        let words = || Ok(b"BM and other letters".to_vec());
        for photo in ["a.JPG", "a.jfif", "a.b.jpe", "x/a.tiff"] {
            assert!(is_photo(Path::new(photo), words), "{photo}");
        }
        for unnamed in ["a", "5", "a.jpg~", "ajpg"] {
            assert!(is_photo(Path::new(unnamed), jpeg) && !is_photo(Path::new(unnamed), words), "{unnamed}");
        }
        assert!(!is_photo(Path::new("a.json"), jpeg), "nobody looks into millions of these");
        assert!(has_extension(Path::new("a.Tar.GZ"), &PACKS) && !has_extension(Path::new("a.gz"), &PACKS));
    }

    #[test]
    fn what_systems_put_beside_photos_is_hidden() {
        for hidden in
            ["._a.jpg", "x/.git/a.jpg", "__MACOSX/a.jpg", "@eaDir/a.jpg", ".ipynb_checkpoints", "x/thumbs.db"]
        {
            assert!(is_hidden(hidden), "{hidden}");
        }
        for shown in ["a.jpg", "./a.jpg", "../x/a.jpg", "a.b/c"] {
            assert!(!is_hidden(shown), "{shown}");
        }
    }
}
