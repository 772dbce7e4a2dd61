//! Animated pictures.

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, RgbImage};

use super::{ExportError, ExportedFile};

/// How thoroughly 256 colours are chosen for each picture, from 1 (slow) to 30; the encoder's default.
const SPEED: i32 = 10;

/// Writes pictures as an endless GIF under `name`: each is shown for `pace_ms`, the last one for `rest_ms`.
///
/// # Errors
///
/// [`ExportError::Picture`] if a picture is too large for the format.
pub fn animation_file(
    name: &str,
    pictures: Vec<RgbImage>,
    [pace_ms, rest_ms]: [u32; 2],
) -> Result<ExportedFile, ExportError> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, SPEED);
    encoder.set_repeat(Repeat::Infinite)?;
    let last = pictures.len().saturating_sub(1);
    for (number, picture) in pictures.into_iter().enumerate() {
        let shown = Delay::from_numer_denom_ms(if number == last { rest_ms } else { pace_ms }, 1);
        let picture = DynamicImage::from(picture).into_rgba8();
        encoder.encode_frame(Frame::from_parts(picture, 0, 0, shown))?;
    }
    drop(encoder);
    Ok(ExportedFile { name: format!("{name}.gif"), bytes: bytes.into_inner() })
}

#[cfg(test)]
mod tests {
    use image::codecs::gif::GifDecoder;
    use image::{AnimationDecoder as _, Rgb};

    use super::*;

    #[test]
    fn pictures_come_back_in_their_order_and_at_their_pace() {
        let pictures = (0..3).map(|shade| RgbImage::from_pixel(5, 4, Rgb([shade * 100; 3]))).collect();
        let file = animation_file("a", pictures, [200, 1000]).unwrap();
        assert_eq!((file.name.as_str(), file.media_type()), ("a.gif", "image/gif"));
        let frames =
            GifDecoder::new(Cursor::new(file.bytes)).unwrap().into_frames().collect_frames().unwrap();
        let shown: Vec<(u8, u32)> = frames
            .iter()
            .map(|frame| (frame.buffer().get_pixel(2, 2)[0], frame.delay().numer_denom_ms().0))
            .collect();
        assert_eq!(shown, [(0, 200), (100, 200), (200, 1000)]);
    }
}
