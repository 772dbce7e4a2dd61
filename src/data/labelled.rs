//! A labelled photo: its objects and their outlines.

use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::canvas::Canvas;
use super::coco::{CocoAnnotation, CocoDataset, CocoImage};
use super::labels::LabelTable;
use super::layer::Layer;
use super::view::View;
use super::{AugmentOptions, Damaged, DataError, PhotoFolder, Reason, TeacherFeatures};
use crate::image::RgbImage;
use crate::mask::{BinaryMask, MaskError, Rle};
use crate::pixels::Letterbox;

/// Minimum share of the photo for an object to be pasted into another: smaller ones would be blurred when
/// enlarged.
const MIN_TRANSPLANT: f64 = 0.01;

/// Minimum confidence for an object to be pasted into another photo.
const SURE: f32 = 0.7;

#[derive(Debug)]
pub(super) struct Photo {
    name: String,
    width: usize,
    height: usize,
    pub(super) exhaustive: bool,
    objects: Vec<Object>,
    crowds: Vec<Outline>,
}

#[derive(Debug)]
struct Object {
    label: usize,
    confidence: f32,
    outline: Outline,
    /// Centre of its box, in the photo.
    centre: [f64; 2],
}

#[derive(Debug)]
struct Outline {
    annotation: u64,
    rle: Rle,
}

impl Photo {
    /// Reads the photos of `dataset`, which comes from the file `annotations`.
    ///
    /// If damage is skipped, photos that are missing or have an unusable annotation are left out, each
    /// described in a sentence, and counted in the data set. Objects without a pixel are always left out.
    pub(super) fn all(
        (dataset, annotations): (&mut CocoDataset, &Path),
        folder: &PhotoFolder,
        labels: &LabelTable,
        damaged: Damaged,
    ) -> Result<(Vec<Self>, Vec<String>), DataError> {
        let mut left_out = std::mem::take(&mut dataset.left_out);
        let mut by_image = dataset.annotations_by_image();
        let (mut photos, mut cut, mut first) = (Vec::new(), Vec::new(), None);
        for image in &dataset.images {
            let outlines = by_image.remove(&image.id).unwrap_or_default();
            let photo = dataset.unbroken(image).and_then(|()| Self::new(image, &outlines, folder, labels));
            let place = format!("{} of {}", image.file_name, annotations.display());
            match photo {
                Ok((photo, empty)) => {
                    let crowds = outlines.iter().filter(|outline| outline.iscrowd);
                    crowds.for_each(|crowd| left_out.add(Reason::Crowd, &crowd.name()));
                    for name in empty {
                        left_out.add(Reason::NoPixel, &name);
                        cut.push(format!("{name}, which holds no pixel, of {place}"));
                    }
                    photos.push(photo);
                }
                Err(error) if damaged == Damaged::Skip => {
                    left_out.add(Reason::Unusable, &image.file_name);
                    cut.push(format!("{place}: {error}"));
                    first = first.or_else(|| Some(error.in_file(annotations)));
                }
                Err(error) => return Err(error.in_file(annotations)),
            }
        }
        dataset.left_out = left_out;
        match first {
            _ if !photos.is_empty() => Ok((photos, cut)),
            Some(first) => Err(DataError::NoReadablePhoto { tried: cut.len(), first: Box::new(first) }),
            None => Err(DataError::NoPhotos(annotations.display().to_string())),
        }
    }

    /// Reads a photo; also returns the names of its annotations that hold no pixel.
    fn new(
        image: &CocoImage,
        annotations: &[&CocoAnnotation],
        folder: &PhotoFolder,
        labels: &LabelTable,
    ) -> Result<(Self, Vec<String>), DataError> {
        let &CocoImage { width, height, exhaustive, .. } = image;
        let name = folder.find(&image.file_name)?;
        let (mut objects, mut crowds, mut empty) = (Vec::new(), Vec::new(), Vec::new());
        for annotation in annotations {
            let outline = Outline::new(annotation, width, height)?;
            let label = labels.of_category(annotation.category_id).filter(|_| !annotation.iscrowd);
            match label {
                _ if outline.rle.area() == 0 && !annotation.iscrowd => empty.push(annotation.name()),
                Some(label) => objects.push(Object::new(label, annotation.score.unwrap_or(1.0), outline)?),
                None => crowds.push(outline),
            }
        }
        Ok((Self { name, width, height, exhaustive, objects, crowds }, empty))
    }

    /// Returns its name in its folder.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of objects to learn from.
    pub(super) fn num_objects(&self) -> usize {
        self.objects.len()
    }

    /// Returns everything that its annotations say as a text, for the fingerprint.
    pub(super) fn told(&self) -> String {
        let Self { name, width, height, exhaustive, objects, crowds } = self;
        let crowds = crowds.iter().map(|crowd| format!("{:?}", crowd.rle.counts));
        let doubts = objects.iter().filter(|o| o.confidence < 1.0);
        let doubts = doubts.map(|o| format!("{} {}", o.outline.annotation, o.confidence));
        let objects = objects.iter().map(|o| format!("{} {:?}", o.label, o.outline.rle.counts));
        let outlines: Vec<_> = objects.chain(crowds).chain(doubts).collect();
        format!("{name} {width} {height} {exhaustive} {}", outlines.join(";"))
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

    /// Adds to a canvas of `side` × `side` pixels what `view` shows of the objects and of unlabelled regions.
    pub(super) fn label(&self, canvas: &mut Canvas, view: &View, side: usize) -> Result<(), DataError> {
        for object in &self.objects {
            canvas.add(object.label, object.confidence, view.show(&object.outline.mask()?, side));
        }
        if self.exhaustive {
            for crowd in &self.crowds {
                canvas.ignore(&view.show(&crowd.mask()?, side));
            }
        } else {
            canvas.ignore_photo();
        }
        Ok(())
    }

    /// Returns the teacher's features of the photo under each of `grid` × `grid` patches of a canvas of
    /// `side` pixels.
    pub(super) fn taught(
        &self,
        teacher: &TeacherFeatures,
        grid: usize,
        (view, side): (&View, usize),
    ) -> Result<Vec<f32>, DataError> {
        teacher.under(self.base(), grid, |point| view.in_photo(point, side, [self.width, self.height]))
    }

    /// Returns its file name without folders.
    pub(super) fn base(&self) -> &str {
        Path::new(&self.name).file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Returns a random object and its label; `None` if none is large and certain enough.
    pub(super) fn transplant(
        &self,
        folder: &PhotoFolder,
        rng: &mut ChaCha8Rng,
    ) -> Result<Option<(Layer, usize)>, DataError> {
        let least = MIN_TRANSPLANT * (self.width * self.height) as f64;
        let serves = |o: &&Object| o.confidence >= SURE && o.outline.rle.area() as f64 >= least;
        let large: Vec<_> = self.objects.iter().filter(serves).collect();
        if large.is_empty() {
            return Ok(None);
        }
        let object = large[rng.random_range(0..large.len())];
        let layer = Layer::cut(&self.read(folder)?, &object.outline.mask()?);
        Ok(layer.map(|layer| (layer, object.label)))
    }
}

impl Object {
    fn new(label: usize, confidence: f32, outline: Outline) -> Result<Self, DataError> {
        let [x, y, width, height] = outline.mask()?.bbox();
        let centre = [x as f64 + width as f64 / 2.0, y as f64 + height as f64 / 2.0];
        Ok(Self { label, confidence, outline, centre })
    }
}

impl Outline {
    fn new(annotation: &CocoAnnotation, width: usize, height: usize) -> Result<Self, DataError> {
        let rle = annotation
            .segmentation
            .to_rle(width, height)
            .map_err(|source| DataError::Outline { annotation: annotation.name(), source })?;
        Ok(Self { annotation: annotation.id, rle })
    }

    fn mask(&self) -> Result<BinaryMask, DataError> {
        let outline_error = |source: MaskError| DataError::Outline {
            annotation: format!("annotation {}", self.annotation),
            source: source.into(),
        };
        self.rle.to_mask().map_err(outline_error)
    }
}
