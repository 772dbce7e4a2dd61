//! Labelled photos for fine-tuning: outlines in memory, photos read when a sample asks for them.

use std::fs;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::canvas::{Canvas, SegmentationSample};
use super::coco::{CocoAnnotation, CocoDataset, CocoImage};
use super::cutouts::Cutouts;
use super::labels::LabelTable;
use super::layer::Layer;
use super::order::{Purpose, stream};
use super::sampler::{EXHAUSTIVE_REPEATS, PARTIAL_REPEATS};
use super::view::View;
use super::{AugmentOptions, DataError, LabelSpace};
use crate::image::RgbImage;
use crate::mask::{BinaryMask, MaskError, Rle};
use crate::pixels::Letterbox;

/// Objects smaller than this share of their photo are not transplanted: enlarged, they would be a blur.
const MIN_TRANSPLANT: f64 = 0.01;

/// A COCO instances file with its photos and, if given, a folder of cut-outs to paste.
#[derive(Debug)]
pub struct SegmentationSet {
    photos: Vec<Photo>,
    labels: LabelTable,
    cutouts: Cutouts,
}

#[derive(Debug)]
struct Photo {
    path: PathBuf,
    width: usize,
    height: usize,
    exhaustive: bool,
    objects: Vec<Object>,
    crowds: Vec<Outline>,
}

#[derive(Debug)]
struct Object {
    label: usize,
    outline: Outline,
    /// Middle of its box, in the photo.
    centre: [f64; 2],
}

#[derive(Debug)]
struct Outline {
    annotation: u64,
    rle: Rle,
}

impl SegmentationSet {
    /// Reads `annotations`, finds every photo below `images`, and lists the cut-outs.
    ///
    /// # Errors
    ///
    /// A file that is missing or no COCO instances file, an outline that is no mask, or no photo at all.
    pub fn open(
        annotations: &Path,
        images: &Path,
        labels: LabelSpace,
        cutouts: Option<&Path>,
    ) -> Result<Self, DataError> {
        let dataset = CocoDataset::load(annotations)?;
        let labels = LabelTable::new(labels, &dataset.categories);
        let mut by_image = dataset.annotations_by_image();
        let photos = dataset
            .images
            .iter()
            .map(|image| Photo::new(image, &by_image.remove(&image.id).unwrap_or_default(), images, &labels))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.in_file(annotations))?;
        if photos.is_empty() {
            return Err(DataError::NoPhotos(annotations.display().to_string()));
        }
        let cutouts = cutouts.map(|folder| Cutouts::open(folder, &labels)).transpose()?.unwrap_or_default();
        Ok(Self { photos, labels, cutouts })
    }

    /// Number of photos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Whether there is no photo.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// The names a sample's labels index.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels.names
    }

    /// How often an epoch should visit each photo, for [`balanced`](super::sampler::balanced).
    #[must_use]
    pub fn repeats(&self) -> Vec<f64> {
        let repeats = |photo: &Photo| if photo.exhaustive { EXHAUSTIVE_REPEATS } else { PARTIAL_REPEATS };
        self.photos.iter().map(repeats).collect()
    }

    /// The samples `indices`, in their order, computed in parallel.
    ///
    /// # Errors
    ///
    /// As [`sample`](Self::sample), of the first that fails.
    pub fn batch(
        &self,
        indices: &[usize],
        options: &AugmentOptions,
        seed: u64,
        epoch: u64,
    ) -> Result<Vec<SegmentationSample>, DataError> {
        indices.par_iter().map(|&index| self.sample(index, options, seed, epoch)).collect()
    }

    /// One photo as a training sample; depends on `(index, seed, epoch)` only. `index` wraps around.
    ///
    /// # Errors
    ///
    /// A photo or cut-out that cannot be read, or a photo of another size than its annotations say.
    pub fn sample(
        &self,
        index: usize,
        options: &AugmentOptions,
        seed: u64,
        epoch: u64,
    ) -> Result<SegmentationSample, DataError> {
        let mut rng = stream(Purpose::Augment, seed, epoch, index as u64);
        let photo = &self.photos[index % self.len()];
        let view = photo.view(options, &mut rng);
        let mut canvas = Canvas::new(options.image_size);
        canvas.draw(&photo.read()?, &view, |rgb| options.recolour::<3>(rgb, &mut rng));
        for object in &photo.objects {
            canvas.add(object.label, view.show(&object.outline.mask()?, options.image_size));
        }
        if photo.exhaustive {
            for crowd in &photo.crowds {
                canvas.ignore(&view.show(&crowd.mask()?, options.image_size));
            }
        } else {
            canvas.ignore_view(&view);
        }
        for _ in 0..rng.random_range(0..=options.transplants) {
            if let Some((layer, label)) = self.transplant(&mut rng)? {
                options.paste(&mut canvas, &layer, Some(label), &mut rng);
            }
        }
        if self.cutouts.len() > 0 {
            for _ in 0..rng.random_range(0..=options.cutouts) {
                let (layer, label) = self.cutouts.load(rng.random_range(0..self.cutouts.len()))?;
                options.paste(&mut canvas, &layer, label, &mut rng);
            }
        }
        Ok(canvas.finish())
    }

    /// A random object of a random photo; `None` when that photo has none large enough.
    fn transplant(&self, rng: &mut ChaCha8Rng) -> Result<Option<(Layer, usize)>, DataError> {
        let photo = &self.photos[rng.random_range(0..self.len())];
        let least = MIN_TRANSPLANT * (photo.width * photo.height) as f64;
        let large: Vec<_> = photo.objects.iter().filter(|o| o.outline.rle.area() as f64 >= least).collect();
        if large.is_empty() {
            return Ok(None);
        }
        let object = large[rng.random_range(0..large.len())];
        let layer = Layer::cut(&photo.read()?, &object.outline.mask()?);
        Ok(layer.map(|layer| (layer, object.label)))
    }
}

impl Photo {
    fn new(
        image: &CocoImage,
        annotations: &[&CocoAnnotation],
        folder: &Path,
        labels: &LabelTable,
    ) -> Result<Self, DataError> {
        let &CocoImage { width, height, exhaustive, .. } = image;
        let path = find(folder, &image.file_name)?;
        let (mut objects, mut crowds) = (Vec::new(), Vec::new());
        for annotation in annotations {
            let outline = Outline::new(annotation, width, height)?;
            let label = labels.of_category(annotation.category_id);
            match label.filter(|_| !annotation.iscrowd) {
                Some(label) => objects.extend(Object::new(label, outline)?),
                None => crowds.push(outline),
            }
        }
        Ok(Self { path, width, height, exhaustive, objects, crowds })
    }

    fn read(&self) -> Result<RgbImage, DataError> {
        let bytes =
            fs::read(&self.path).map_err(|source| DataError::Io { path: self.path.clone(), source })?;
        let photo = RgbImage::decode(&bytes)
            .map_err(|source| DataError::Image { name: self.path.display().to_string(), source })?;
        if (photo.width(), photo.height()) == (self.width, self.height) {
            Ok(photo)
        } else {
            Err(DataError::PhotoSize {
                path: self.path.clone(),
                found: [photo.width(), photo.height()],
                told: [self.width, self.height],
            })
        }
    }

    fn view(&self, options: &AugmentOptions, rng: &mut ChaCha8Rng) -> View {
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

    fn mask(&self) -> Result<BinaryMask, DataError> {
        let outline_error =
            |source: MaskError| DataError::Outline { annotation: self.annotation, source: source.into() };
        self.rle.to_mask().map_err(outline_error)
    }
}

/// A photo below a folder, by its path as listed or by its bare file name.
fn find(folder: &Path, listed: &str) -> Result<PathBuf, DataError> {
    let as_listed = folder.join(listed);
    let bare = Path::new(listed).file_name().map(|name| folder.join(name));
    [Some(as_listed), bare]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
        .ok_or_else(|| DataError::MissingPhoto { listed: listed.to_owned(), folder: folder.to_path_buf() })
}
