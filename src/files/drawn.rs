//! Marks PNG files as drawn by this program, so that they are not taken for photos and nobody else's picture
//! is replaced.
//!
//! The mark is a PNG text chunk `Software`, directly after the header, with a digest of the rest of the file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::Crc;
use sha2::{Digest, Sha256};

use super::{PHOTO, read};

/// Bytes of the signature and the header chunk, with which every PNG file begins.
const HEAD: usize = 33;
/// Bytes of a chunk's length and type.
const FRONT: usize = 8;
/// Bytes of a chunk's checksum.
const CHECKSUM: usize = 4;
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Start of the chunk's data.
const MARK: &[u8] = b"Software\0mae-seg; of ";

/// Returns `png` with the mark; `of` names what it was drawn from, in letters and digits.
pub(crate) fn marked(png: &[u8], of: &str) -> Vec<u8> {
    let (head, rest) = png.split_at(HEAD.min(png.len()));
    let text = [MARK, of.as_bytes(), b"; sha256 ", digest(&[head, rest]).as_bytes()].concat();
    let chunk = [&b"tEXt"[..], text.as_slice()].concat();
    let mut checksum = Crc::new();
    checksum.update(&chunk);
    [head, &(text.len() as u32).to_be_bytes(), &chunk, &checksum.sum().to_be_bytes(), rest].concat()
}

/// Returns what a picture of this program was drawn from; `None` for any other file, and for a picture that
/// was changed since.
pub(crate) fn drawn_of(path: &Path) -> Option<String> {
    let bytes = read(path, PHOTO).ok()?;
    let text = mark(&bytes)?;
    let end = HEAD + FRONT + text.len() + CHECKSUM;
    let (of, promised) = std::str::from_utf8(&text[MARK.len()..]).ok()?.split_once("; sha256 ")?;
    (promised == digest(&[&bytes[..HEAD], bytes.get(end..)?])).then(|| of.to_owned())
}

/// Returns whether a file begins like a picture of this program.
pub(crate) fn is_drawn(path: &Path) -> bool {
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    let mut first = Vec::new();
    let most = (HEAD + FRONT + 256) as u64;
    is_png
        && File::open(path).is_ok_and(|file| file.take(most).read_to_end(&mut first).is_ok())
        && mark(&first).is_some()
}

/// Returns the text of the mark.
fn mark(png: &[u8]) -> Option<&[u8]> {
    let (head, rest) = png.split_at_checked(HEAD)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let text = rest.strip_prefix(b"tEXt")?.get(..u32::from_be_bytes(*length) as usize)?;
    (head.starts_with(PNG) && text.starts_with(MARK)).then_some(text)
}

fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_picture_of_ours_is_known_until_it_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut png = Cursor::new(Vec::new());
        let picture = image::RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3]));
        picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
        fs::write(&path, png.get_ref()).unwrap();
        assert_eq!((drawn_of(&path), is_drawn(&path)), (None, false));
        let mut ours = marked(png.get_ref(), "photo7");
        fs::write(&path, &ours).unwrap();
        assert_eq!((drawn_of(&path).as_deref(), is_drawn(&path)), (Some("photo7"), true));
        assert_eq!(image::open(&path).unwrap().into_rgb8(), picture, "decoders check the chunk's checksum");
        *ours.last_mut().unwrap() ^= 1;
        fs::write(&path, &ours).unwrap();
        assert_eq!((drawn_of(&path), is_drawn(&path)), (None, true));
    }
}
