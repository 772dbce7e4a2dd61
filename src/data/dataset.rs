//! Labelled photos for fine-tuning: outlines in memory, photos read when a sample needs them.

use std::collections::HashMap;
use std::path::Path;

use rand::RngExt;
use rayon::prelude::*;

use super::canvas::{Canvas, SegmentationSample};
use super::coco::CocoDataset;
use super::cutouts::Cutouts;
use super::fingerprint::{fingerprint, with_bytes};
use super::labelled::Photo;
use super::labels::{LabelTable, root_category};
use super::photos::REPLACEMENTS;
use super::sampler::EXHAUSTIVE_REPEATS;
use super::{AugmentOptions, Damaged, DataError, LabelSpace, LeftOut, PhotoFolder, Reason, TeacherFeatures};
use crate::image::RgbImage;
use crate::pixels::Preprocess;
use crate::random::{Purpose, stream};

/// A COCO instances file with its photos and, optionally, a folder of cut-outs to paste.
#[derive(Debug)]
pub struct SegmentationSet {
    photos: Vec<Photo>,
    folder: PhotoFolder,
    labels: LabelTable,
    categories: usize,
    cutouts: Cutouts,
    damaged: Damaged,
    cut: Vec<String>,
    left_out: LeftOut,
    teacher: Option<Teacher>,
    /// The normalisation of pixels; its size is not used.
    preprocess: Preprocess,
}

/// A teacher's features of the photos, and the side of a patch in pixels.
#[derive(Debug)]
struct Teacher {
    features: TeacherFeatures,
    patch_size: usize,
}

impl SegmentationSet {
    /// Reads `annotations`, finds every photo in `images`, a folder or a zip file, and lists the cut-outs.
    ///
    /// # Errors
    ///
    /// A file that is not in the COCO instances format, a missing list of cut-outs, or no photo at all; if
    /// `damaged` is [`Damaged::Stop`], also a missing photo or an unusable annotation.
    pub fn open(
        annotations: &Path,
        images: &Path,
        labels: LabelSpace,
        cutouts: Option<&Path>,
        damaged: Damaged,
    ) -> Result<Self, DataError> {
        let mut dataset = CocoDataset::load(annotations)?;
        let folder = PhotoFolder::of(images, &mut dataset)?;
        if let Some(root) = root_category(&dataset) {
            let root = dataset.categories.remove(root);
            dataset.left_out.add(Reason::RootCategory, &root.name);
        }
        let labels = LabelTable::new(labels, &dataset.categories);
        let cutouts = cutouts.map(|folder| Cutouts::open(folder, &labels)).transpose()?.unwrap_or_default();
        let (photos, cut) = Photo::all((&mut dataset, annotations), &folder, &labels, damaged)?;
        let left_out = dataset.left_out;
        if photos.iter().all(|photo| photo.num_objects() == 0) {
            let hint = match left_out.count(Reason::Crowd) {
                0 => "",
                _ => "; where each crowd is one object, as CVAT's brush writes them, set `iscrowd` to 0",
            };
            let left_out = left_out.told();
            let reason = format!("no photo in it has an object to train on; left out: {left_out}{hint}");
            return Err(DataError::Annotations { path: annotations.to_owned(), reason });
        }
        let categories = dataset.categories.len();
        let preprocess = Preprocess::square(1);
        Ok(Self {
            photos,
            folder,
            labels,
            categories,
            cutouts,
            damaged,
            cut,
            left_out,
            teacher: None,
            preprocess,
        })
    }

    /// Keeps only the photos with an object to learn from.
    #[must_use]
    pub fn with_objects(mut self) -> Self {
        let left_out = &mut self.left_out;
        self.photos.retain(|photo| {
            let has_objects = photo.num_objects() > 0;
            if !has_objects {
                left_out.add(Reason::Empty, photo.base());
            }
            has_objects
        });
        self
    }

    /// Adds a teacher's features of each photo, to be looked up under patches of `patch_size` × `patch_size`
    /// pixels.
    ///
    /// # Errors
    ///
    /// [`DataError::Features`] if they lack one of the photos.
    pub fn taught_by(self, features: TeacherFeatures, patch_size: usize) -> Result<Self, DataError> {
        let mut known: HashMap<&str, &str> = HashMap::new();
        self.photos.iter().try_for_each(|photo| {
            features.check(photo.base())?;
            match known.insert(photo.base(), photo.name()) {
                Some(name) if name != photo.name() => Err(features.ambiguous(photo.base())),
                _ => Ok(()),
            }
        })?;
        drop(known);
        Ok(Self { teacher: Some(Teacher { features, patch_size }), ..self })
    }

    /// Normalises pixels as `preprocess` does instead of with ImageNet's statistics.
    #[must_use]
    pub fn normalised_as(self, preprocess: &Preprocess) -> Self {
        Self { preprocess: self.preprocess.normalised_as(preprocess), ..self }
    }

    /// Returns the preprocessing of samples of `side` × `side` pixels.
    #[must_use]
    pub fn preprocess(&self, side: usize) -> Preprocess {
        Preprocess::square(side).normalised_as(&self.preprocess)
    }

    /// Returns the number of the teacher's features per patch, and the side of its patches in pixels; `None`
    /// without a teacher.
    #[must_use]
    pub fn teacher(&self) -> Option<[usize; 2]> {
        self.teacher.as_ref().map(|teacher| [teacher.features.channels(), teacher.patch_size])
    }

    /// Returns a fingerprint of the teacher's features.
    #[must_use]
    pub fn teacher_fingerprint(&self) -> Option<String> {
        self.teacher.as_ref().map(|teacher| teacher.features.fingerprint().to_owned())
    }

    /// Returns photos that were left out because they are missing or have an unusable annotation, and objects
    /// without a pixel, each in a sentence.
    #[must_use]
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Returns what was left out, or read differently from how it is written.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
    }

    /// Returns the number of objects to learn from.
    #[must_use]
    pub fn num_objects(&self) -> usize {
        self.photos.iter().map(Photo::num_objects).sum()
    }

    /// Returns the number of categories from which the labels are made.
    #[must_use]
    pub fn num_categories(&self) -> usize {
        self.categories
    }

    /// Returns the number of photos.
    #[must_use]
    pub fn len(&self) -> usize {
        self.photos.len()
    }

    /// Returns whether there is no photo.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// Returns the names that a sample's labels index.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels.names
    }

    /// Returns a fingerprint of the photos with their outlines and labels.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let names: Vec<&str> = self.photos.iter().map(Photo::name).collect();
        self.folder.with_bytes(&fingerprint(self.photos.iter().map(Photo::told)), &names)
    }

    /// Returns a fingerprint of the cut-outs with their labels; `None` if there are none.
    #[must_use]
    pub fn cutouts_fingerprint(&self) -> Option<String> {
        (self.cutouts.len() > 0).then(|| with_bytes(&fingerprint(self.cutouts.told()), self.cutouts.looks()))
    }

    /// Returns how often an epoch should visit each photo, for [`visits`](super::sampler::visits).
    #[must_use]
    pub fn repeats(&self) -> Vec<f64> {
        let mixed = self.photos.iter().any(|photo| !photo.exhaustive);
        let repeats = |photo: &Photo| if mixed && photo.exhaustive { EXHAUSTIVE_REPEATS } else { 1.0 };
        self.photos.iter().map(repeats).collect()
    }

    /// Returns the samples of `visits`, each an index and an epoch, in their order, computed in parallel.
    ///
    /// # Errors
    ///
    /// The error of the first [`sample`](Self::sample) that fails.
    pub fn batch(
        &self,
        visits: &[(usize, u64)],
        options: &AugmentOptions,
        seed: u64,
    ) -> Result<Vec<SegmentationSample>, DataError> {
        visits.par_iter().map(|&(index, epoch)| self.sample(index, options, seed, epoch)).collect()
    }

    /// Returns one photo as a training sample, which depends only on `(index, seed, epoch)`. `index` wraps
    /// around.
    ///
    /// A photo that cannot be read, or whose size differs from that in its annotations, is reported and
    /// replaced by the next one; an object or cut-out to paste that cannot be read is reported and left out.
    ///
    /// # Errors
    ///
    /// The first of these if the set stops at damage; [`DataError::NoReadablePhoto`] if a hundred photos in a
    /// row are unusable.
    pub fn sample(
        &self,
        index: usize,
        options: &AugmentOptions,
        seed: u64,
        epoch: u64,
    ) -> Result<SegmentationSample, DataError> {
        let mut rng = stream(Purpose::Augment, seed, epoch, index as u64);
        let (photo, decoded, mut skipped) = self.usable_photo(index)?;
        let view = photo.view(options, &mut rng);
        let mut canvas = Canvas::new(options.image_size, options.least_area, &self.preprocess);
        canvas.draw(&decoded, &view, |rgb| options.recolour::<3>(rgb, &mut rng));
        photo.label(&mut canvas, &view, options.image_size)?;
        for _ in 0..rng.random_range(0..=options.transplants) {
            let donor = &self.photos[rng.random_range(0..self.len())];
            let object = donor.transplant(&self.folder, &mut rng);
            if let Some((layer, label)) = self.unless_damaged(object, &mut skipped)?.flatten() {
                options.paste(&mut canvas, &layer, Some(label), &mut rng);
            }
        }
        if self.cutouts.len() > 0 {
            for _ in 0..rng.random_range(0..=options.cutouts) {
                let cutout = self.cutouts.load(rng.random_range(0..self.cutouts.len()));
                if let Some((layer, label)) = self.unless_damaged(cutout, &mut skipped)? {
                    options.paste(&mut canvas, &layer, label, &mut rng);
                }
            }
        }
        let features = match &self.teacher {
            Some(Teacher { features, patch_size }) => {
                let side = options.image_size;
                photo.taught(features, side / patch_size, (&view, side))?
            }
            None => Vec::new(),
        };
        let skipped = skipped.iter().map(ToString::to_string).collect();
        Ok(SegmentationSample { features, skipped, ..canvas.finish() })
    }

    /// Returns the photo `index`, or the next usable one, and what is wrong with those before it.
    fn usable_photo(&self, index: usize) -> Result<(&Photo, RgbImage, Vec<DataError>), DataError> {
        let mut skipped = Vec::new();
        let tried = REPLACEMENTS.min(self.len());
        for offset in 0..tried {
            let photo = &self.photos[(index + offset) % self.len()];
            if let Some(decoded) = self.unless_damaged(photo.read(&self.folder), &mut skipped)? {
                return Ok((photo, decoded, skipped));
            }
        }
        let first = Box::new(skipped.swap_remove(0));
        Err(DataError::NoReadablePhoto { tried, first })
    }

    /// Returns what was read; if the set skips damage, `None` instead of an error, which is added to
    /// `skipped`.
    fn unless_damaged<T>(
        &self,
        read: Result<T, DataError>,
        skipped: &mut Vec<DataError>,
    ) -> Result<Option<T>, DataError> {
        match read {
            Err(error) if self.damaged == Damaged::Skip => {
                skipped.push(error);
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }
}

#[cfg(test)]
mod tests;
