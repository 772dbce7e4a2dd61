//! Unlabelled photos for pretraining: folders of images, tar shards and zip files behind one index.

mod listing;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use rayon::prelude::*;

use super::fingerprint::{fingerprint, look, with_bytes};
use super::formats::{PACKS, has_extension, head, is_photo, packing};
use super::normalise::fill_planes;
use super::shard::{self, Member};
use super::zip::Zip;
use super::{CropOptions, DataError, LeftOut, TeacherFeatures};
use crate::files;
use crate::image::RgbImage;
use crate::random::{Purpose, stream};

/// Number of photos tried in place of an unreadable one before a batch fails.
pub(super) const REPLACEMENTS: usize = 100;

/// Options for finding photos.
#[derive(Debug, Clone)]
pub struct Search {
    /// What to do about damaged files.
    pub damaged: Damaged,
    /// Keys of the images of a sample to use, such as `input.jpg` of `0001.input.jpg`; empty for all.
    pub keys: Vec<String>,
    /// Folder into which packed shards are unpacked.
    pub unpacked: PathBuf,
}

impl From<Damaged> for Search {
    /// Searches for images under all keys; packed shards are unpacked into the system's folder for temporary
    /// files.
    fn from(damaged: Damaged) -> Self {
        Self { damaged, keys: Vec::new(), unpacked: std::env::temp_dir().join("mae-seg-shards") }
    }
}

/// What to do about photos and shards that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Damaged {
    /// Report and count them, and continue.
    ///
    /// The next photo replaces an unreadable one, and a shard is read up to the damage.
    #[default]
    Skip,
    /// Stop at the first one.
    Stop,
}

/// Photos on disk; only an index is in memory, and a batch reads the bytes that it needs.
#[derive(Debug, Clone)]
pub struct PhotoSet {
    shards: Vec<Shard>,
    zips: Vec<Arc<Zip>>,
    photos: Vec<Photo>,
    search: Search,
    cut: Vec<String>,
    left_out: LeftOut,
}

/// A tar, and the file from which it is read: itself, or the one into which it was unpacked.
#[derive(Debug, Clone)]
struct Shard {
    path: PathBuf,
    file: PathBuf,
}

#[derive(Debug, Clone)]
enum Photo {
    File { path: PathBuf, len: u64 },
    Member { shard: usize, member: Member },
    Zipped { zip: usize, name: String, len: u64 },
}

/// A batch of normalised crops.
#[derive(Debug)]
pub struct PhotoBatch {
    /// Pixels, `[B, 3, S, S]`, normalised with ImageNet's mean and standard deviation.
    pub pixels: Vec<f32>,
    /// The teacher's features under each patch, `[B, L, D]`; empty without a teacher.
    pub features: Vec<f32>,
    /// Errors of unreadable photos that were replaced by the next ones; each names its file.
    pub skipped: Vec<DataError>,
}

impl PhotoSet {
    /// Indexes photos: each path is a photo, a tar shard, packed with gzip or not, a `.zip` file, or a folder
    /// that holds any of these at any depth. Hidden files are skipped unless they are given here.
    ///
    /// The order depends on names only: paths as given, folders sorted.
    ///
    /// # Errors
    ///
    /// A path that cannot be read or is none of these, or no photo at all; if the search stops at damage,
    /// also a shard that was cut short or an entry of a folder that cannot be read.
    pub fn open(paths: &[PathBuf], search: impl Into<Search>) -> Result<Self, DataError> {
        let mut set = Self {
            shards: Vec::new(),
            zips: Vec::new(),
            photos: Vec::new(),
            search: search.into(),
            cut: Vec::new(),
            left_out: LeftOut::default(),
        };
        for path in paths {
            if path.is_file() && !has_extension(path, &PACKS) && !is_photo(path, || head(path)) {
                let packed = head(path).ok().and_then(|first| packing(&first));
                let packed = packed.map(|reason| format!(" ({reason})")).unwrap_or_default();
                return Err(DataError::NoPhotos(format!("{}{packed}", path.display())));
            }
            set.add(path, &mut Vec::new())?;
        }
        if set.is_empty() {
            let paths = paths.iter().map(|path| path.display().to_string());
            let shown: Vec<_> = paths.chain(set.cut.iter().map(|reason| format!("({reason})"))).collect();
            return Err(set.nothing_in(&shown.join(", ")));
        }
        Ok(set)
    }

    /// Returns the error for a place without photos.
    fn nothing_in(&self, place: &str) -> DataError {
        let left_out = match &self.left_out {
            nothing if *nothing == LeftOut::default() => String::new(),
            left_out => format!("; left out: {}", left_out.told()),
        };
        DataError::NoPhotos(format!("{place}{left_out}"))
    }

    /// Returns shards that were cut short or hold no photo, and entries of folders that cannot be read, each
    /// in a sentence.
    #[must_use]
    pub fn cut(&self) -> &[String] {
        &self.cut
    }

    /// Returns what was left out because it is not a photo to learn from, or damaged.
    #[must_use]
    pub fn left_out(&self) -> &LeftOut {
        &self.left_out
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

    /// Returns a fingerprint of the set: names and lengths of its photos, their offsets in shards, and some
    /// of their bytes.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let names = fingerprint((0..self.len()).map(|index| match &self.photos[index] {
            Photo::File { len, .. } => format!("{} {len}", self.name(index)),
            Photo::Member { member: Member { name, offset, len }, .. } => format!("{name} {offset} {len}"),
            Photo::Zipped { name, len, .. } => format!("{name} {len}"),
        }));
        let looks: Vec<Vec<u8>> = self.photos.par_iter().map(|photo| self.look(photo)).collect();
        with_bytes(&names, looks.iter())
    }

    fn look(&self, photo: &Photo) -> Vec<u8> {
        match photo {
            Photo::File { path, len } => look(path, 0, *len),
            Photo::Member { shard, member } => look(&self.shards[*shard].file, member.offset, member.len),
            Photo::Zipped { zip, name, .. } => self.zips[*zip].look(name),
        }
    }

    /// Checks that `teacher` can tell the photos apart.
    ///
    /// # Errors
    /// [`DataError::Features`] if photos in several folders have the same name, and so would share their
    /// features.
    pub fn check_teacher(&self, teacher: &TeacherFeatures) -> Result<(), DataError> {
        let mut names = HashSet::new();
        match (0..self.len()).map(|index| self.name(index)).find(|name| !names.insert(*name)) {
            Some(name) => Err(teacher.ambiguous(name)),
            None => Ok(()),
        }
    }

    /// Reads and decodes one photo; `index` wraps around.
    ///
    /// # Errors
    ///
    /// A missing file, or bytes that are not an image.
    pub fn photo(&self, index: usize) -> Result<RgbImage, DataError> {
        let (name, path, bytes) = match &self.photos[index % self.len()] {
            Photo::File { path, .. } => (path.display().to_string(), path, files::photo(path)),
            Photo::Member { shard, member } => {
                let Shard { path, file } = &self.shards[*shard];
                (format!("{}:{}", path.display(), member.name), path, shard::read(file, member))
            }
            Photo::Zipped { zip, name, .. } => {
                let bytes = self.zips[*zip].read(name, files::PHOTO)?;
                return RgbImage::decode(&bytes)
                    .map_err(|source| DataError::Image { name: name.clone(), source });
            }
        };
        let bytes = bytes.map_err(|source| DataError::Io { path: path.clone(), source })?;
        RgbImage::decode(&bytes).map_err(|source| DataError::Image { name, source })
    }

    /// Returns crops of the photos `indices`, in their order, computed in parallel.
    ///
    /// Each crop comes with the features of `teacher` under its patches, `teacher.1` patches a side, if
    /// given. Each crop depends on `(seed, epoch, index)` only. An unreadable photo is reported and replaced
    /// by the next one.
    ///
    /// # Errors
    ///
    /// An unreadable photo if the set stops at damage, a hundred unreadable ones in a row, or a photo that
    /// the teacher's file lacks.
    pub fn batch(
        &self,
        indices: &[usize],
        crop: &CropOptions,
        teacher: Option<(&TeacherFeatures, usize)>,
        (seed, epoch): (u64, u64),
    ) -> Result<PhotoBatch, DataError> {
        let samples = indices
            .par_iter()
            .map(|&index| {
                let (found, photo, skipped) = self.readable_photo(index)?;
                let crop = crop.apply(&photo, &mut stream(Purpose::Augment, seed, epoch, index as u64));
                let mut pixels = vec![0.0; crop.rgb.len()];
                fill_planes(&crop.rgb, &mut pixels);
                let features = match teacher {
                    Some((teacher, grid)) => teacher.under(self.name(found), grid, |at| crop.in_photo(at))?,
                    None => Vec::new(),
                };
                Ok((pixels, features, skipped))
            })
            .collect::<Result<Vec<_>, DataError>>()?;
        let mut batch = PhotoBatch { pixels: Vec::new(), features: Vec::new(), skipped: Vec::new() };
        for (pixels, features, skipped) in samples {
            batch.pixels.extend(pixels);
            batch.features.extend(features);
            batch.skipped.extend(skipped);
        }
        Ok(batch)
    }

    /// Returns the file name of a photo without folders.
    fn name(&self, index: usize) -> &str {
        let path = match &self.photos[index % self.len()] {
            Photo::File { path, .. } => path.as_path(),
            Photo::Member { member: Member { name, .. }, .. } | Photo::Zipped { name, .. } => Path::new(name),
        };
        path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    fn readable_photo(&self, index: usize) -> Result<(usize, RgbImage, Vec<DataError>), DataError> {
        let mut skipped = Vec::new();
        let tried = REPLACEMENTS.min(self.len());
        for offset in 0..tried {
            match self.photo(index + offset) {
                Ok(photo) => return Ok((index + offset, photo, skipped)),
                Err(error) if self.search.damaged == Damaged::Stop => return Err(error),
                Err(error) => skipped.push(error),
            }
        }
        let first = Box::new(skipped.swap_remove(0));
        Err(DataError::NoReadablePhoto { tried, first })
    }
}

#[cfg(test)]
mod tests;
