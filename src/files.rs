//! Files of bounded length, and pictures that say that this program drew them.

pub(crate) mod drawn;

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::image::MAX_PIXELS;

/// Most bytes of a configuration, a list or a model card.
pub(crate) const TEXT: u64 = 64 << 20;
/// Most bytes of a list with an entry per photo or object.
pub(crate) const LIST: u64 = 8 << 30;
/// Most bytes of a photo: its pixels with four channels of 16 bits, and a megabyte of whatever else.
pub(crate) const PHOTO: u64 = 8 * MAX_PIXELS + (1 << 20);
/// So much of a photo is read before its content has to be of a known format.
const UNKNOWN: u64 = 64 << 20;
/// No file of any kind begins with so many zeros.
const ZEROS: usize = 4096;

/// The bytes of a file or a pipe.
///
/// # Errors
/// What the system says; a device, more than `most` bytes, or a beginning of nothing but zeros, as of a file that was
/// never filled.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path, most)?;
    let mut bytes = Vec::new();
    extend(&mut bytes, &mut file, most)?;
    Ok(bytes)
}

/// The same of a photo. Of a long file in no known format, the beginning, which tells a decoder so.
///
/// # Errors
/// As [`read`].
pub(crate) fn photo(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = open(path, PHOTO)?;
    let mut bytes = Vec::new();
    extend(&mut bytes, &mut (&mut file).take(UNKNOWN), PHOTO)?;
    if bytes.len() as u64 == UNKNOWN && image::guess_format(&bytes).is_ok() {
        extend(&mut bytes, &mut file, PHOTO)?;
    }
    Ok(bytes)
}

/// The text of a file, as [`read`].
///
/// # Errors
/// As [`read`], and where it is no UTF-8.
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
            "it begins with nothing but zeros, as a file that was never filled; copy or download it again",
        )),
        _ => Ok(()),
    }
}

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
