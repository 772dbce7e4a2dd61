//! A photo with the outlines of its objects.

use rand_chacha::ChaCha8Rng;

use super::coco::{CocoAnnotation, CocoImage};
use super::labels::LabelTable;
use super::view::View;
use super::{AugmentOptions, DataError, PhotoFolder};
use crate::image::RgbImage;
use crate::mask::{BinaryMask, MaskError, Rle};
use crate::pixels::Letterbox;

#[derive(Debug)]
pub(super) struct Photo {
    name: String,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) exhaustive: bool,
    pub(super) objects: Vec<Object>,
    pub(super) crowds: Vec<Outline>,
}

#[derive(Debug)]
pub(super) struct Object {
    pub(super) label: usize,
    pub(super) outline: Outline,
    /// Middle of its box, in the photo.
    centre: [f64; 2],
}

#[derive(Debug)]
pub(super) struct Outline {
    annotation: u64,
    pub(super) rle: Rle,
}

impl Photo {
    pub(super) fn new(
        image: &CocoImage,
        annotations: &[&CocoAnnotation],
        folder: &PhotoFolder,
        labels: &LabelTable,
    ) -> Result<Self, DataError> {
        let &CocoImage { width, height, exhaustive, .. } = image;
        let name = folder.find(&image.file_name)?;
        let (mut objects, mut crowds) = (Vec::new(), Vec::new());
        for annotation in annotations {
            let outline = Outline::new(annotation, width, height)?;
            let label = labels.of_category(annotation.category_id);
            match label.filter(|_| !annotation.iscrowd) {
                Some(label) => objects.extend(Object::new(label, outline)?),
                None => crowds.push(outline),
            }
        }
        Ok(Self { name, width, height, exhaustive, objects, crowds })
    }

    pub(super) fn read(&self, folder: &PhotoFolder) -> Result<RgbImage, DataError> {
        folder.sized(&self.name, [self.width, self.height])
    }

    pub(super) fn view(&self, options: &AugmentOptions, rng: &mut ChaCha8Rng) -> View {
        let Some(zoom) = options.draw_zoom(rng) else {
            return View::letterbox(&Letterbox::fit(self.width, self.height, options.image_size));
        };
        let centres: Vec<_> = self.objects.iter().map(|object| object.centre).collect();
        View::random([self.width, self.height], &centres, options.image_size, zoom, options.flip, rng)
    }
}

impl Object {
    /// `None` when the outline holds no pixel.
    fn new(label: usize, outline: Outline) -> Result<Option<Self>, DataError> {
        let [x, y, width, height] = outline.mask()?.bbox();
        let centre = [x as f64 + width as f64 / 2.0, y as f64 + height as f64 / 2.0];
        Ok((width > 0).then_some(Self { label, outline, centre }))
    }
}

impl Outline {
    fn new(annotation: &CocoAnnotation, width: usize, height: usize) -> Result<Self, DataError> {
        let CocoAnnotation { id, ref segmentation, .. } = *annotation;
        let rle = segmentation
            .to_rle(width, height)
            .map_err(|source| DataError::Outline { annotation: id, source })?;
        Ok(Self { annotation: id, rle })
    }

    pub(super) fn mask(&self) -> Result<BinaryMask, DataError> {
        let outline_error =
            |source: MaskError| DataError::Outline { annotation: self.annotation, source: source.into() };
        self.rle.to_mask().map_err(outline_error)
    }
}
