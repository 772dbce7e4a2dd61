//! Masks as pictures.

use image::{DynamicImage, ImageBuffer, Luma};

use super::picture::{PictureFormat, mask_png, picture_file};
use super::{ExportError, ExportedFile, Object, object_name};

/// Returns for each object its mask, 255 inside, as `NN-LABEL.mask.png`; and `ids.png`, 16 bits per pixel,
/// with the number of the object there: the first of several, 0 for none.
///
/// # Errors
///
/// [`ExportError::TooManyObjects`] if a number exceeds 16 bits; [`ExportError::Picture`] for a photo without
/// pixels.
pub fn mask_files(
    [width, height]: [usize; 2],
    objects: &[Object<'_>],
) -> Result<Vec<ExportedFile>, ExportError> {
    let mut ids = ImageBuffer::<Luma<u16>, _>::new(width as u32, height as u32);
    let mut files = Vec::new();
    for object in objects.iter().rev() {
        let Object { number, label, mask, .. } = *object;
        let too_many = |_| ExportError::TooManyObjects { number };
        let id = u16::try_from(number).map_err(too_many)?;
        let [left, top, box_width, box_height] = mask.bbox();
        for y in top..top + box_height {
            for x in (left..left + box_width).filter(|x| mask.get(*x, y)) {
                ids.put_pixel(x as u32, y as u32, Luma([id]));
            }
        }
        let name = format!("{}.mask.png", object_name(number, label));
        files.push(ExportedFile { name, bytes: mask_png(mask)? });
    }
    files.reverse();
    files.push(picture_file("ids", &DynamicImage::ImageLuma16(ids), PictureFormat::Png)?);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    #[test]
    fn the_first_object_owns_the_pixel() {
        let masks = [1, 2].map(|from| BinaryMask::from_fn(4, 1, |x, _| x >= from && x < from + 2));
        let object = |number, mask| Object { number, label: "a b", score: 0.5, mask, soft: &[] };
        let files = mask_files([4, 1], &[object(300, &masks[0]), object(7, &masks[1])]).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["300-a-b.mask.png", "07-a-b.mask.png", "ids.png"]);
        let ids = image::load_from_memory(&files[2].bytes).unwrap();
        assert_eq!(ids.color(), image::ColorType::L16);
        assert_eq!(ids.into_luma16().into_raw(), [0, 300, 300, 7]);
        assert!(mask_files([4, 1], &[object(70_000, &masks[0])]).is_err());
    }
}
