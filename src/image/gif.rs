//! Mends the size of GIFs, which some programs write too small.

use std::borrow::Cow;
use std::ops::Range;

/// Bytes of the signature, and of the screen's size, flags, background and aspect after it.
const HEADER: usize = 13;

/// Returns the file with a screen that holds its first frame, as browsers show it; decoders would cut the
/// frame off.
pub(super) fn with_whole_frame(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some([right, bottom]) = first_frame(bytes) else { return Cow::Borrowed(bytes) };
    let mut mended = Cow::Borrowed(bytes);
    for (place, end) in [(6..8, right), (8..10, bottom)] {
        if number(bytes, place.start).is_some_and(|side| side < end) {
            mended.to_mut()[place].copy_from_slice(&end.to_le_bytes());
        }
    }
    mended
}

/// Returns the right and the lower end of the first frame in pixels.
fn first_frame(bytes: &[u8]) -> Option<[u16; 2]> {
    let mut at = HEADER + colours(*bytes.get(10)?);
    // Extensions may come before it: a label, and blocks of which each begins with its length, until one is
    // empty.
    while bytes.get(at)? == &b'!' {
        at += 2;
        while let length @ 1.. = usize::from(*bytes.get(at)?) {
            at += 1 + length;
        }
        at += 1;
    }
    let end = |start: usize, side: usize| number(bytes, at + start)?.checked_add(number(bytes, at + side)?);
    (bytes[at] == b',').then_some([end(1, 5)?, end(3, 7)?])
}

/// Returns the bytes of the table of colours that the flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let place: Range<usize> = at..at.checked_add(2)?;
    Some(u16::from_le_bytes(bytes.get(place)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use crate::image::RgbImage;

    /// A frame of three by two red pixels at (1, 1), on a screen of `size`.
    fn frame(size: [u8; 2]) -> Vec<u8> {
        let [width, height] = size;
        let screen = [width, 0, height, 0, 0x80, 0, 0, 255, 0, 0, 255, 255, 255];
        let comment = [b'!', 0xfe, 2, b'h', b'i', 0];
        let place = [b',', 1, 0, 1, 0, 3, 0, 2, 0, 0];
        // Codes of three bits: a clear code (4) before every second pixel, and the end (5).
        let data = [2, 4, 0x04, 0x08, 0x10, 0x28, 0, b';'];
        [&b"GIF89a"[..], &screen, &comment, &place, &data].concat()
    }

    #[test]
    fn a_frame_that_is_larger_than_the_screen_is_whole() {
        let photo = RgbImage::decode(&frame([4, 3])).unwrap();
        for screen in [[1, 1], [0, 0], [4, 2], [2, 3]] {
            assert!(RgbImage::decode(&frame(screen)).unwrap() == photo, "{screen:?}");
        }
        assert_eq!([photo.width(), photo.height()], [4, 3]);
        assert_eq!(photo.pixels()[(4 + 1) * 3..][..3], [255, 0, 0]);
        let wide = RgbImage::decode(&frame([9, 3])).unwrap();
        assert_eq!([wide.width(), wide.height()], [9, 3], "a larger screen stays");
    }
}
