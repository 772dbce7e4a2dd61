//! Labelled photos for fine-tuning: outlines in memory, photos read when a sample asks for them.

use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::canvas::{Canvas, SegmentationSample};
use super::coco::CocoDataset;
use super::cutouts::Cutouts;
use super::labelled::Photo;
use super::labels::LabelTable;
use super::layer::Layer;
use super::order::{Purpose, stream};
use super::sampler::{EXHAUSTIVE_REPEATS, PARTIAL_REPEATS};
use super::{AugmentOptions, DataError, LabelSpace, PhotoFolder};

/// Objects smaller than this share of their photo are not transplanted: enlarged, they would be a blur.
const MIN_TRANSPLANT: f64 = 0.01;

/// A COCO instances file with its photos and, if given, a folder of cut-outs to paste.
#[derive(Debug)]
pub struct SegmentationSet {
    photos: Vec<Photo>,
    folder: PhotoFolder,
    labels: LabelTable,
    cutouts: Cutouts,
}

impl SegmentationSet {
    /// Reads `annotations`, finds every photo in `images`, a folder or a zip file, and lists the cut-outs.
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
        let folder = PhotoFolder::open(images)?;
        let labels = LabelTable::new(labels, &dataset.categories);
        let mut by_image = dataset.annotations_by_image();
        let photos = dataset
            .images
            .iter()
            .map(|image| Photo::new(image, &by_image.remove(&image.id).unwrap_or_default(), &folder, &labels))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.in_file(annotations))?;
        if photos.is_empty() {
            return Err(DataError::NoPhotos(annotations.display().to_string()));
        }
        let cutouts = cutouts.map(|folder| Cutouts::open(folder, &labels)).transpose()?.unwrap_or_default();
        Ok(Self { photos, folder, labels, cutouts })
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
        canvas.draw(&photo.read(&self.folder)?, &view, |rgb| options.recolour::<3>(rgb, &mut rng));
        for object in &photo.objects {
            canvas.add(object.label, view.show(&object.outline.mask()?, options.image_size));
        }
        if photo.exhaustive {
            for crowd in &photo.crowds {
                canvas.ignore(&view.show(&crowd.mask()?, options.image_size));
            }
        } else {
            canvas.ignore_photo();
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
        let layer = Layer::cut(&photo.read(&self.folder)?, &object.outline.mask()?);
        Ok(layer.map(|layer| (layer, object.label)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, Rgba};

    use super::*;
    use crate::data::order::shuffled;
    use crate::image::RgbImage;
    use crate::mask::BinaryMask;
    use crate::pixels::{Preprocess, prepare};

    const SIDE: usize = 20;

    /// Photo 0: every object labelled, and a crowd. Photo 1: only cats (category 17) labelled.
    const ANNOTATIONS: &str = r#"{
      "images": [{"id": 1, "file_name": "images/a.png", "width": 40, "height": 20},
                 {"id": 2, "file_name": "b.png", "width": 30, "height": 60, "exhaustive": false,
                  "labelled_category_ids": [17]}],
      "annotations": [
        {"id": 1, "image_id": 1, "category_id": 17, "segmentation": [[10, 4, 30, 4, 30, 16, 10, 16]]},
        {"id": 2, "image_id": 1, "category_id": 3, "segmentation": [[32, 0, 40, 0, 40, 20, 32, 20]]},
        {"id": 3, "image_id": 1, "category_id": 17, "iscrowd": 1,
         "segmentation": {"size": [20, 40], "counts": [0, 160, 640]}},
        {"id": 4, "image_id": 2, "category_id": 17, "segmentation": [[3, 6, 24, 6, 24, 30, 3, 30]]}],
      "categories": [{"id": 3, "name": "car", "supercategory": "vehicle"},
                     {"id": 17, "name": "cat", "supercategory": "animal"}]}"#;

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let busy = |x: u32, y: u32| Rgb([(x * 6) as u8, (y * 4) as u8, (x * y) as u8]);
        image::RgbImage::from_fn(40, 20, busy).save(path("a.png")).unwrap();
        image::RgbImage::from_fn(30, 60, busy).save(path("b.png")).unwrap();
        fs::write(path("train.json"), ANNOTATIONS).unwrap();
        let round = |x: u32, y: u32| {
            let inside = (x as i32 - 15).pow(2) + (y as i32 - 10).pow(2) < 80;
            Rgba([200, 10, 10, if inside { 255 } else { 0 }])
        };
        image::RgbaImage::from_fn(30, 20, round).save(path("stamp.png")).unwrap();
        fs::write(path("cutouts.json"), r#"[{"file": "stamp.png", "category": "anchor"}]"#).unwrap();
        dir
    }

    fn open(dir: &Path) -> Result<SegmentationSet, DataError> {
        SegmentationSet::open(&dir.join("train.json"), dir, LabelSpace::Supercategory, Some(dir))
    }

    /// Small objects stay large enough to be kept at this side.
    fn training() -> AugmentOptions {
        AugmentOptions { image_size: 64, ..AugmentOptions::training(64) }
    }

    #[test]
    fn without_augmentation_a_photo_looks_as_in_inference() {
        let dir = folder();
        let set = open(dir.path()).unwrap();
        for (index, name) in ["a.png", "b.png"].into_iter().enumerate() {
            let sample = set.sample(index, &AugmentOptions::none(SIDE), 0, 0).unwrap();
            let photo = RgbImage::decode(&fs::read(dir.path().join(name)).unwrap()).unwrap();
            let (pixels, _) = prepare(&photo, &Preprocess::square(SIDE));
            assert_eq!(sample.pixels, pixels, "{name}");
        }
    }

    #[test]
    fn masks_labels_and_crowds_land_on_the_canvas() {
        let dir = folder();
        let set = open(dir.path()).unwrap();
        assert_eq!(set.labels(), ["vehicle", "animal"]);
        let sample = set.sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap();
        assert_eq!(sample.labels, [Some(1), Some(0)]);
        assert_eq!(
            sample.masks[0],
            BinaryMask::from_fn(SIDE, SIDE, |x, y| (5..15).contains(&x) && (2..8).contains(&y))
        );
        assert_eq!(sample.masks[1].bbox(), [16, 0, 4, 10]);
        assert_eq!(sample.ignore, BinaryMask::from_fn(SIDE, SIDE, |x, y| x < 4 && y < 10));
    }

    #[test]
    fn what_is_not_labelled_in_a_partly_labelled_photo_is_ignored() {
        let dir = folder();
        let set = open(dir.path()).unwrap();
        let sample = set.sample(1, &AugmentOptions::none(SIDE), 0, 0).unwrap();
        let cat = |x: usize, y: usize| (1..8).contains(&x) && (2..10).contains(&y);
        assert_eq!(sample.masks, [BinaryMask::from_fn(SIDE, SIDE, cat)]);
        assert_eq!(sample.ignore, BinaryMask::from_fn(SIDE, SIDE, |x, y| x < 10 && !cat(x, y)));
    }

    #[test]
    fn augmented_samples_keep_their_promises() {
        let dir = folder();
        let set = open(dir.path()).unwrap();
        let (mut unknown, mut mirrored_views) = (0, 0);
        for epoch in 0..100 {
            let sample = set.sample(0, &training(), 9, epoch).unwrap();
            assert_eq!(sample.labels.len(), sample.masks.len());
            assert!(sample.labels.iter().flatten().all(|&label| label < set.labels().len()));
            unknown += sample.labels.iter().filter(|label| label.is_none()).count();
            mirrored_views += usize::from(sample.ignore.bbox()[0] > 32);
            for (x, y) in (0..64 * 64).map(|i| (i % 64, i / 64)) {
                let owners = sample.masks.iter().filter(|mask| mask.get(x, y)).count();
                let claims = owners + usize::from(sample.ignore.get(x, y));
                assert!(claims <= 1, "epoch {epoch}: {claims} claims on ({x}, {y})");
            }
            assert!(sample.masks.iter().all(|mask| mask.area() >= 16), "epoch {epoch}");
            assert!(
                sample.pixels.iter().all(|value| value.is_finite() && value.abs() < 3.0),
                "epoch {epoch}"
            );
        }
        assert!(unknown > 50, "cut-outs were pasted {unknown} times");
        assert!((10..90).contains(&mirrored_views), "the crowd was on the right {mirrored_views} times");
    }

    #[test]
    fn a_sample_depends_on_seed_epoch_and_index_only() {
        let dir = folder();
        let set = open(dir.path()).unwrap();
        let indices: Vec<_> = shuffled(40, 0, 0);
        let together = set.batch(&indices, &training(), 5, 2).unwrap();
        for (sample, &index) in together.iter().zip(&indices) {
            assert_eq!(*sample, set.sample(index, &training(), 5, 2).unwrap(), "sample {index}");
        }
        let sample = |index, seed, epoch| set.sample(index, &training(), seed, epoch).unwrap();
        assert_ne!(sample(0, 5, 2), sample(0, 5, 3));
        assert_ne!(sample(0, 5, 2), sample(0, 6, 2));
        assert_ne!(sample(0, 5, 2), sample(2, 5, 2), "the same photo under another index");
    }

    #[test]
    fn problems_name_the_file_at_fault() {
        type Harm = fn(&Path) -> std::io::Result<()>;
        let cases: [(Harm, &[&str]); 5] = [
            (|dir| fs::remove_file(dir.join("b.png")), &["train.json", "b.png"]),
            (|dir| fs::remove_file(dir.join("cutouts.json")), &["cutouts.json"]),
            (|dir| fs::write(dir.join("cutouts.json"), "{}"), &["cutouts.json", "file"]),
            (|dir| fs::write(dir.join("train.json"), "{}"), &["train.json", "images"]),
            (
                |dir| fs::write(dir.join("train.json"), ANNOTATIONS.replace("[0, 160, 640]", "[0, 160]")),
                &["train.json", "annotation 3"],
            ),
        ];
        for (harm, expected) in cases {
            let dir = folder();
            harm(dir.path()).unwrap();
            let message = open(dir.path()).unwrap_err().to_string();
            assert!(expected.iter().all(|part| message.contains(part)), "{expected:?}: {message}");
        }
    }

    #[test]
    fn a_photo_of_another_size_than_told_is_refused() {
        let dir = folder();
        image::RgbImage::new(39, 20).save(dir.path().join("a.png")).unwrap();
        let error = open(dir.path()).unwrap().sample(0, &AugmentOptions::none(SIDE), 0, 0).unwrap_err();
        assert!(
            error.to_string().ends_with("a.png has 39×20 pixels, but its annotations were made for 40×20"),
            "{error}"
        );
    }
}
