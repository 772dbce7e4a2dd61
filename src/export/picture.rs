//! Encodes pictures.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _};
use serde::{Deserialize, Serialize};

use super::{ExportError, ExportedFile, MAX_WEBP_SIDE};
use crate::mask::BinaryMask;

/// The file format of pictures; both are lossless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum PictureFormat {
    /// PNG.
    #[default]
    Png,
    /// WebP, about a third smaller; at most 16383 pixels per side.
    WebP,
}

/// Encodes a picture under `name`, to which the format's extension is added.
///
/// # Errors
///
/// [`ExportError::TooLargeForWebP`]; [`ExportError::Picture`] for a picture without pixels.
pub fn picture_file(
    name: &str,
    picture: &DynamicImage,
    format: PictureFormat,
) -> Result<ExportedFile, ExportError> {
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Cursor::new(Vec::new());
    let ending = match format {
        PictureFormat::Png => {
            picture.write_with_encoder(png_encoder(&mut bytes))?;
            "png"
        }
        PictureFormat::WebP if width.max(height) > MAX_WEBP_SIDE => {
            return Err(ExportError::TooLargeForWebP { width, height });
        }
        PictureFormat::WebP => {
            picture.write_with_encoder(WebPEncoder::new_lossless(&mut bytes))?;
            "webp"
        }
    };
    Ok(ExportedFile { name: format!("{name}.{ending}"), bytes: bytes.into_inner() })
}

/// Returns the bytes of a PNG of a mask: 255 inside, 0 outside.
///
/// # Errors
///
/// [`ExportError::Picture`] for a mask without pixels.
pub fn mask_png(mask: &BinaryMask) -> Result<Vec<u8>, ExportError> {
    let grey: Vec<u8> = mask.pixels().into_iter().map(|inside| 255 * inside).collect();
    let mut bytes = Cursor::new(Vec::new());
    let [width, height] = [mask.width(), mask.height()].map(|side| side as u32);
    png_encoder(&mut bytes).write_image(&grey, width, height, ExtendedColorType::L8)?;
    Ok(bytes.into_inner())
}

fn png_encoder(bytes: &mut Cursor<Vec<u8>>) -> PngEncoder<&mut Cursor<Vec<u8>>> {
    PngEncoder::new_with_quality(bytes, CompressionType::Fast, FilterType::Adaptive)
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    #[test]
    fn pictures_come_back_from_both_formats() {
        let picture = RgbaImage::from_fn(70, 3, |x, y| Rgba([x as u8, y as u8, 200, (x * 3) as u8]));
        for format in [PictureFormat::Png, PictureFormat::WebP] {
            let file = picture_file("a", &picture.clone().into(), format).unwrap();
            assert_eq!(image::load_from_memory(&file.bytes).unwrap().into_rgba8(), picture, "{}", file.name);
        }
        let wide = || RgbaImage::new(MAX_WEBP_SIDE + 1, 1).into();
        assert!(picture_file("a", &wide(), PictureFormat::Png).is_ok());
        assert!(matches!(
            picture_file("a", &wide(), PictureFormat::WebP),
            Err(ExportError::TooLargeForWebP { .. })
        ));
        assert!(picture_file("a", &RgbaImage::new(0, 0).into(), PictureFormat::Png).is_err());
    }

    #[test]
    fn a_mask_is_white_inside() {
        let mask = BinaryMask::from_fn(4, 3, |x, y| x > y);
        let read = image::load_from_memory(&mask_png(&mask).unwrap()).unwrap().into_luma8();
        assert!(read.enumerate_pixels().all(|(x, y, grey)| grey.0 == [if x > y { 255 } else { 0 }]));
        assert!(mask_png(&BinaryMask::empty(0, 0)).is_err());
    }
}
