//! The files a visitor can take home: PNG and COCO JSON. Pure, tested on the host.

use std::collections::BTreeSet;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use serde::Serialize;

use super::protocol::Size;
use crate::mask::{BinaryMask, Rle};

/// One instance of a COCO file.
#[derive(Debug)]
pub struct CocoInstance<'a> {
    /// Index into the labels; COCO's id is one more.
    pub category: usize,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// `[x, y, width, height]` in the photo.
    pub bbox: [usize; 4],
    /// The mask at the photo's own size.
    pub rle: &'a Rle,
}

#[derive(Serialize)]
struct File<'a> {
    images: [Image<'a>; 1],
    annotations: Vec<Annotation>,
    categories: Vec<Category<'a>>,
}

#[derive(Serialize)]
struct Image<'a> {
    id: u32,
    file_name: &'a str,
    width: usize,
    height: usize,
}

#[derive(Serialize)]
struct Annotation {
    id: usize,
    image_id: u32,
    category_id: usize,
    segmentation: Segmentation,
    area: u64,
    bbox: [usize; 4],
    iscrowd: u8,
    score: f32,
}

#[derive(Serialize)]
struct Segmentation {
    size: [usize; 2],
    counts: String,
}

#[derive(Serialize)]
struct Category<'a> {
    id: usize,
    name: &'a str,
}

/// A COCO instances file of one photo, with the score as an extra key; only the categories in use are listed.
///
/// # Errors
///
/// None that these types can cause; the signature is serde's.
pub fn coco_json(
    file_name: &str,
    photo: Size,
    labels: &[String],
    instances: &[CocoInstance<'_>],
) -> serde_json::Result<Vec<u8>> {
    let used: BTreeSet<usize> = instances.iter().map(|instance| instance.category).collect();
    let categories = used
        .into_iter()
        .map(|category| Category {
            id: category + 1,
            name: labels.get(category).map_or("object", String::as_str),
        })
        .collect();
    let annotations = (1..)
        .zip(instances)
        .map(|(id, instance)| Annotation {
            id,
            image_id: 1,
            category_id: instance.category + 1,
            segmentation: Segmentation { size: instance.rle.size, counts: instance.rle.to_coco_string() },
            area: instance.rle.area(),
            bbox: instance.bbox,
            iscrowd: 0,
            score: instance.score,
        })
        .collect();
    let image = Image { id: 1, file_name, width: photo.width, height: photo.height };
    serde_json::to_vec(&File { images: [image], annotations, categories })
}

/// A PNG of straight-alpha RGBA pixels.
///
/// # Errors
///
/// When `size` has no pixels.
pub fn rgba_png(rgba: &[u8], size: Size) -> Result<Vec<u8>, ImageError> {
    png(rgba, size, ExtendedColorType::Rgba8)
}

/// A PNG of the mask, white on black.
///
/// # Errors
///
/// When the mask has no pixels.
pub fn mask_png(mask: &BinaryMask) -> Result<Vec<u8>, ImageError> {
    let size = Size { width: mask.width(), height: mask.height() };
    let grey: Vec<u8> = mask.pixels().iter().map(|&on| if on == 0 { 0 } else { 255 }).collect();
    png(&grey, size, ExtendedColorType::L8)
}

fn png(pixels: &[u8], size: Size, colour: ExtendedColorType) -> Result<Vec<u8>, ImageError> {
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive).write_image(
        pixels,
        side(size.width),
        side(size.height),
        colour,
    )?;
    Ok(bytes)
}

/// `holiday.jpg` and `cat.png` make `holiday-cat.png`.
#[must_use]
pub fn file_name(photo: &str, ending: &str) -> String {
    let stem = photo.rsplit_once('.').map_or(photo, |(stem, _)| stem);
    let stem = if stem.is_empty() { "photo" } else { stem };
    format!("{stem}-{}", ending.replace(' ', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::RgbImage;

    fn square() -> BinaryMask {
        BinaryMask::from_fn(4, 3, |x, y| (1..3).contains(&x) && y < 2)
    }

    #[test]
    fn coco_file_holds_the_mask_and_only_used_categories() {
        let rle = Rle::from_mask(&square());
        let labels = ["person".to_owned(), "animal".to_owned()];
        let instance = CocoInstance { category: 1, score: 0.5, bbox: [1, 0, 2, 2], rle: &rle };
        let json = coco_json("a.jpg", Size { width: 4, height: 3 }, &labels, &[instance]).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!(file["categories"], serde_json::json!([{"id": 2, "name": "animal"}]));
        let annotation = &file["annotations"][0];
        assert_eq!((&annotation["area"], &annotation["category_id"]), (&4.into(), &2.into()));
        let counts = annotation["segmentation"]["counts"].as_str().unwrap();
        let back = Rle::from_coco_string([3, 4], counts).unwrap().to_mask().unwrap();
        assert_eq!(back.pixels(), square().pixels());
    }

    #[test]
    fn mask_png_is_white_where_the_mask_is() {
        let decoded = RgbImage::decode(&mask_png(&square()).unwrap()).unwrap();
        let bright: Vec<u8> = decoded.pixels().iter().step_by(3).map(|&grey| grey / 255).collect();
        assert_eq!(bright, square().pixels());
    }

    #[test]
    fn an_rgba_png_needs_pixels() {
        assert!(rgba_png(&[], Size { width: 0, height: 0 }).is_err());
        assert!(rgba_png(&[1, 2, 3, 4], Size { width: 1, height: 1 }).is_ok());
    }

    #[test]
    fn exports_are_named_after_the_photo() {
        assert_eq!(file_name("holiday.photo.jpg", "cat.png"), "holiday.photo-cat.png");
        assert_eq!(file_name("", "traffic light.png"), "photo-traffic-light.png");
    }
}
