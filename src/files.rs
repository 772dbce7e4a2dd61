//! Reads files of bounded length, and recognises pictures that this program drew.

pub(crate) mod drawn;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::image::MAX_PIXELS;

/// Maximum bytes of a configuration, a list or a model card.
pub(crate) const TEXT: u64 = 64 << 20;
/// Maximum bytes of a list with an entry per photo or object.
pub(crate) const LIST: u64 = 8 << 30;
/// Maximum bytes of a photo: four channels of 16 bits per pixel, and a megabyte for everything else.
pub(crate) const PHOTO: u64 = 8 * MAX_PIXELS + (1 << 20);
/// Number of bytes of a photo that are read before its format has to be recognised.
const UNKNOWN: u64 = 64 << 20;
/// Number of leading zeros after which a file counts as never filled: no format begins with that many.
const ZEROS: usize = 4096;

/// Reads the bytes of a file or a pipe.
///
/// # Errors
/// The operating system's error; an error for a device, for more than `most` bytes, and for a file that
/// begins with nothing but zeros, as one does that was never filled.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path, most)?;
    let mut bytes = Vec::new();
    extend(&mut bytes, &mut file, most)?;
    Ok(bytes)
}

/// Reads the bytes of a photo; of a long file in no known format, only the beginning, which suffices for a
/// decoder to refuse it.
///
/// # Errors
/// The errors of [`read`].
pub(crate) fn photo(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path, PHOTO)?;
    let mut bytes = Vec::new();
    extend(&mut bytes, &mut (&mut file).take(UNKNOWN), PHOTO)?;
    if bytes.len() as u64 == UNKNOWN && image::guess_format(&bytes).is_ok() {
        extend(&mut bytes, &mut file, PHOTO)?;
    }
    Ok(bytes)
}

/// Reads a text file as [`read`] does.
///
/// # Errors
/// The errors of [`read`], and one for text that is not UTF-8.
pub(crate) fn text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

fn open(path: &Path, most: u64) -> io::Result<File> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if is_device(&metadata) {
        return Err(io::Error::other("it is a device, not a file"));
    }
    check(metadata.len(), most)?;
    Ok(file)
}

fn extend(bytes: &mut Vec<u8>, from: &mut impl Read, most: u64) -> io::Result<()> {
    from.take(most + 1 - bytes.len() as u64).read_to_end(bytes)?;
    check(bytes.len() as u64, most)?;
    match bytes.get(..ZEROS) {
        Some(first) if first.iter().all(|&byte| byte == 0) => Err(io::Error::new(
            ErrorKind::InvalidData,
            "it begins with zeros only, as an incomplete file does; copy or download it again",
        )),
        _ => Ok(()),
    }
}

/// Checks the length of a file.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] for more than `most` bytes.
pub(crate) fn check(length: u64, most: u64) -> io::Result<()> {
    if length <= most {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let reason = format!(
        "it has {} MB or more; a file of its kind has at most {}",
        megabytes(length),
        megabytes(most)
    );
    Err(io::Error::new(ErrorKind::FileTooLarge, reason))
}

#[cfg(unix)]
fn is_device(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device() || metadata.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_metadata: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_has_no_end_or_no_content_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "word").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"word");
        assert_eq!(text(&path, TEXT).unwrap(), "word");
        assert_eq!(read(&path, 3).unwrap_err().kind(), ErrorKind::FileTooLarge);
        File::create(&path).unwrap().set_len(PHOTO + 1).unwrap();
        assert_eq!(photo(&path).unwrap_err().kind(), ErrorKind::FileTooLarge);
        File::create(&path).unwrap().set_len(1 << 20).unwrap();
        assert_eq!(photo(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        assert!(!cfg!(unix) || photo(Path::new("/dev/zero")).unwrap_err().to_string().contains("device"));
    }
}
