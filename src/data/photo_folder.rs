//! Photos by the names that annotations give them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::coco::{CocoDataset, CocoImage};
use super::zip::Zip;
use super::{Damaged, DataError};
use crate::image::RgbImage;

/// A folder of photos, or a zip file of them, such as COCO's: read in place.
#[derive(Debug)]
pub struct PhotoFolder {
    path: PathBuf,
    zip: Option<Zip>,
}

impl PhotoFolder {
    /// Reads the index of a zip file; of a folder, nothing.
    ///
    /// # Errors
    /// A file that is no zip file.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let zip = path.is_file().then(|| Zip::open(path)).transpose()?;
        Ok(Self { path: path.to_path_buf(), zip })
    }

    /// The name here of a photo: as listed, else its bare file name; in a zip file, in whatever folder.
    ///
    /// # Errors
    /// [`DataError::MissingPhoto`]
    pub fn find(&self, listed: &str) -> Result<String, DataError> {
        let found = match &self.zip {
            Some(zip) => zip.find(listed).map(str::to_owned),
            None => [Some(listed), Path::new(listed).file_name().and_then(|name| name.to_str())]
                .into_iter()
                .flatten()
                .find(|name| self.path.join(name).is_file())
                .map(str::to_owned),
        };
        found.ok_or_else(|| DataError::MissingPhoto { listed: listed.to_owned(), folder: self.path.clone() })
    }

    /// The photo under a name that [`find`](Self::find) gave.
    ///
    /// # Errors
    /// A file that cannot be read or is no photo.
    pub fn decode(&self, name: &str) -> Result<RgbImage, DataError> {
        let path = self.path.join(name);
        let bytes = match &self.zip {
            Some(zip) => zip.read(name)?,
            None => fs::read(&path).map_err(|source| DataError::Io { path: path.clone(), source })?,
        };
        RgbImage::decode(&bytes)
            .map_err(|source| DataError::Image { name: path.display().to_string(), source })
    }

    /// A photo of an annotation file.
    ///
    /// # Errors
    /// As [`find`](Self::find) and [`decode`](Self::decode), and [`DataError::PhotoSize`].
    pub fn photo(&self, listed: &CocoImage) -> Result<RgbImage, DataError> {
        self.sized(&self.find(&listed.file_name)?, [listed.width, listed.height])
    }

    /// Looks at every photo of `dataset`, which is that of `file`, and its outlines once. A photo that cannot be used is taken out of it with its
    /// objects and told in a sentence, or is the error if `damaged` stops there.
    ///
    /// # Errors
    /// As [`photo`](Self::photo) and [`CocoDataset::unbroken`], [`DataError::Outline`] for an outline that is no mask of its
    /// photo, and [`DataError::NoReadablePhoto`] where no photo is left.
    pub fn sound(
        &self,
        dataset: &mut CocoDataset,
        file: &Path,
        damaged: Damaged,
    ) -> Result<Vec<String>, DataError> {
        let objects = dataset.annotations_by_image();
        let fault = |image: &CocoImage| -> Option<(u64, String, DataError)> {
            let looked_at = dataset.unbroken(image).and_then(|()| self.photo(image)).and_then(|_| {
                objects.get(&image.id).into_iter().flatten().try_for_each(|object| {
                    let outline = object.segmentation.to_rle(image.width, image.height);
                    outline.map(drop).map_err(|source| DataError::Outline { annotation: object.id, source })
                })
            });
            looked_at.err().map(|error| (image.id, format!("{}: {error}", image.file_name), error))
        };
        let faults: Vec<_> = dataset.images.par_iter().filter_map(fault).collect();
        let (ids, told): (HashSet<u64>, Vec<String>) =
            faults.iter().map(|(id, told, _)| (*id, told.clone())).unzip();
        let tried = faults.len();
        if let Some((.., first)) = faults.into_iter().next() {
            if damaged == Damaged::Stop {
                return Err(first.in_file(file));
            }
            if tried == dataset.images.len() {
                return Err(DataError::NoReadablePhoto { tried, first: Box::new(first) });
            }
        }
        dataset.images.retain(|image| !ids.contains(&image.id));
        dataset.annotations.retain(|object| !ids.contains(&object.image_id));
        Ok(told)
    }

    /// The photo under a name that [`find`](Self::find) gave, `told` wide and high.
    pub(super) fn sized(&self, name: &str, told: [usize; 2]) -> Result<RgbImage, DataError> {
        let photo = self.decode(name)?;
        let found = [photo.width(), photo.height()];
        if found == told {
            return Ok(photo);
        }
        Err(DataError::PhotoSize { path: self.path.join(name), found, told })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use image::{ImageFormat, Rgb};
    use rawzip::{CompressionMethod, ZipArchiveWriter};

    use super::*;
    use crate::data::{AugmentOptions, CocoDataset, Damaged, LabelSpace, PhotoSet, SegmentationSet};

    const ANNOTATIONS: &str = r#"{
      "images": [{"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
      "annotations": [{"id": 1, "image_id": 1, "category_id": 17, "segmentation": [[3, 4, 20, 4, 20, 16, 3, 16]]}],
      "categories": [{"id": 17, "name": "cat", "supercategory": "animal"}]}"#;

    fn photo() -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let busy =
            image::RgbImage::from_fn(30, 20, |x, y| Rgb([(x * 8) as u8, (y * 12) as u8, (x * y) as u8]));
        busy.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// Photos stored and everything else packed, as in COCO's files.
    fn zip(path: &Path, entries: &[(&str, &[u8])]) {
        let mut bytes = Vec::new();
        let mut archive = ZipArchiveWriter::new(&mut bytes);
        for (name, content) in entries {
            let is_stored = name.ends_with(".png");
            let method = if is_stored { CompressionMethod::STORE } else { CompressionMethod::DEFLATE };
            let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
            let descriptor = if is_stored {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(content).unwrap();
                writer.finish().unwrap().1
            } else {
                let mut writer = config.wrap(DeflateEncoder::new(&mut entry, Compression::default()));
                writer.write_all(content).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            };
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn zip_files_are_pretrained_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photos.zip");
        zip(
            &path,
            &[("train2017/b.png", b"broken"), ("train2017/a.png", &photo()), ("readme.txt", b"words")],
        );
        let set = PhotoSet::open(std::slice::from_ref(&path), Damaged::Skip).unwrap();
        assert_eq!(set.len(), 2);
        assert_eq!(set.photo(0).unwrap().width(), 30);
        let error = set.photo(1).unwrap_err().to_string();
        assert!(error.contains("train2017/b.png"), "{error}");
    }

    #[test]
    fn zip_files_serve_as_folders() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.png"), photo()).unwrap();
        fs::write(path("train.json"), ANNOTATIONS).unwrap();
        zip(&path("photos.zip"), &[("train2017/a.png", &photo()), ("train2017/b.png", b"other")]);
        zip(&path("annotations.ZIP"), &[("annotations/train.json", ANNOTATIONS.as_bytes())]);
        let open = |annotations: &str, images: &str| {
            let (annotations, images) = (path(annotations), path(images));
            SegmentationSet::open(&annotations, &images, LabelSpace::Category, None, Damaged::Stop).unwrap()
        };
        let zipped = open("annotations.ZIP/annotations/train.json", "photos.zip");
        let options = AugmentOptions::training(32);
        let sample = |set: &SegmentationSet| set.sample(0, &options, 3, 1).unwrap();
        assert_eq!(sample(&zipped), sample(&open("train.json", "")));
    }

    #[test]
    fn photos_with_annotations_that_are_none_are_not_judged_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("a.png"), photo()).unwrap();
        let more = r#"[{"id": 2, "file_name": "a.png", "width": 30, "height": 20}, "#;
        let text = ANNOTATIONS.replacen("\"images\": [", &format!("\"images\": {more}"), 1);
        let text = text.replace("\"category_id\": 17", "\"category_id\": \"cat\"");
        fs::write(path("val.json"), text).unwrap();
        let load = || CocoDataset::load(&path("val.json")).unwrap();
        let folder = PhotoFolder::open(dir.path()).unwrap();
        let file = path("val.json");
        let error = folder.sound(&mut load(), &file, Damaged::Stop).unwrap_err().to_string();
        assert!(error.contains("annotation 1") && error.contains("val.json"), "{error}");
        let mut dataset = load();
        let told = folder.sound(&mut dataset, &file, Damaged::Skip).unwrap();
        assert_eq!((told.len(), dataset.images.len(), dataset.images[0].id), (1, 1, 2));
    }

    #[test]
    fn what_a_zip_file_lacks_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photos.zip");
        zip(&path, &[("x/a.png", &photo()), ("y/a.png", &photo()), ("train.json", ANNOTATIONS.as_bytes())]);
        let folder = PhotoFolder::open(&path).unwrap();
        assert!(matches!(folder.find("a.png"), Err(DataError::MissingPhoto { .. })), "two have this name");
        assert_eq!(folder.find("y/a.png").unwrap(), "y/a.png");
        let error = CocoDataset::load(&path).unwrap_err().to_string();
        assert!(error.contains("train.json"), "{error}");
        let error = CocoDataset::load(&path.join("val.json")).unwrap_err().to_string();
        assert!(error.contains("photos.zip") && error.contains("val.json"), "{error}");

        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[100] ^= 1;
        fs::write(&path, flipped).unwrap();
        let error = PhotoFolder::open(&path).unwrap().decode("x/a.png").unwrap_err().to_string();
        assert!(error.contains("photos.zip") && error.contains("x/a.png"), "{error}");
        fs::write(&path, &whole[..whole.len() - 30]).unwrap();
        let error = PhotoFolder::open(&path).unwrap_err().to_string();
        assert!(error.contains("photos.zip") && error.contains("download it again"), "{error}");
    }
}
