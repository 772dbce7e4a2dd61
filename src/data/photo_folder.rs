//! Finds photos by the names that annotations give them.

mod names;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::names::{Candidate, candidates};
use super::coco::{CocoDataset, CocoImage};
use super::fingerprint::{look, with_bytes};
use super::zip::Zip;
use super::{Damaged, DataError, LeftOut, Reason};
use crate::files;
use crate::image::RgbImage;

/// A folder of photos, or a zip file of them, such as COCO's, which is read in place.
#[derive(Debug)]
pub struct PhotoFolder {
    path: PathBuf,
    zip: Option<Zip>,
    /// Two listed names that find the same photo without folders: then only this folder's path is optional.
    alike: Option<[String; 2]>,
}

impl PhotoFolder {
    /// Opens a folder, or reads the index of a zip file.
    ///
    /// # Errors
    /// A file that is not a zip file.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let zip = path.is_file().then(|| Zip::open(path)).transpose()?;
        Ok(Self { path: path.to_path_buf(), zip, alike: None })
    }

    /// Opens the folder of the photos that `dataset` names, and fills in sizes that it lacks from the photos.
    ///
    /// # Errors
    /// A file that is not a zip file.
    pub fn of(path: &Path, dataset: &mut CocoDataset) -> Result<Self, DataError> {
        let mut folder = Self::open(path)?;
        let mut known: HashMap<String, &str> = HashMap::new();
        for image in &dataset.images {
            let Some(Candidate { name, .. }) = folder.candidate(&image.file_name) else { continue };
            let before = *known.entry(name).or_insert(&image.file_name);
            if before != image.file_name {
                folder.alike = Some([before.to_owned(), image.file_name.clone()]);
                break;
            }
        }
        folder.measure(dataset);
        Ok(folder)
    }

    fn measure(&self, dataset: &mut CocoDataset) {
        let CocoDataset { images, broken, .. } = dataset;
        let unknown = images.par_iter_mut().filter(|image| image.width == 0 || image.height == 0);
        let faults = unknown.filter_map(|image| {
            match self.find(&image.file_name).and_then(|name| self.decode(&name)) {
                Ok(photo) => {
                    (image.width, image.height) = (photo.width(), photo.height());
                    None
                }
                Err(error) => Some((image.id, error.to_string())),
            }
        });
        let faults: Vec<_> = faults.collect();
        for (image, fault) in faults {
            broken.entry(image).or_insert(fault);
        }
    }

    /// Finds a listed photo, with fewer and fewer of its folders if necessary; in a zip file, in any folder.
    ///
    /// # Errors
    /// [`DataError::MissingPhoto`]; [`DataError::OtherPhoto`] if a photo with its file name may be another
    /// one.
    pub fn find(&self, listed: &str) -> Result<String, DataError> {
        let (listed_name, folder) = (listed.to_owned(), self.path.clone());
        match (self.candidate(listed), &self.alike) {
            (None, _) => Err(DataError::MissingPhoto { listed: listed_name, folder }),
            (Some(Candidate { name, left_out }), Some(both)) if !self.is_own(&name, &left_out) => {
                Err(DataError::OtherPhoto { listed: listed_name, folder, found: name, both: both.clone() })
            }
            (Some(Candidate { name, .. }), _) => Ok(name),
        }
    }

    fn candidate(&self, listed: &str) -> Option<Candidate> {
        candidates(listed).find_map(|candidate| match &self.zip {
            Some(zip) => {
                let name = zip.find(&candidate.name)?.to_owned();
                Some(Candidate { name, ..candidate })
            }
            None => self.path.join(&candidate.name).is_file().then_some(candidate),
        })
    }

    /// Returns whether the omitted folders are those that contain this folder, or the photo in this zip file.
    fn is_own(&self, name: &str, left_out: &str) -> bool {
        let left_out = left_out.trim_matches('/');
        let place = match &self.zip {
            Some(_) => self.path.with_extension("").join(name).parent().map(Path::to_path_buf),
            None => fs::canonicalize(&self.path).ok(),
        };
        left_out.is_empty() || place.is_some_and(|place| place.ends_with(left_out))
    }

    /// Decodes the photo under a name returned by [`find`](Self::find).
    ///
    /// # Errors
    /// A file that cannot be read or is not a photo.
    pub fn decode(&self, name: &str) -> Result<RgbImage, DataError> {
        let path = self.path.join(name);
        let bytes = match &self.zip {
            Some(zip) => zip.read(name, files::PHOTO)?,
            None => files::photo(&path).map_err(|source| DataError::Io { path: path.clone(), source })?,
        };
        RgbImage::decode(&bytes)
            .map_err(|source| DataError::Image { name: path.display().to_string(), source })
    }

    /// Adds to `fingerprint` a digest of bytes of these photos, whose names [`find`](Self::find) returned.
    pub(crate) fn with_bytes(&self, fingerprint: &str, names: &[&str]) -> String {
        let look = |name: &&str| match &self.zip {
            Some(zip) => zip.look(name),
            None => {
                let path = self.path.join(name);
                let len = fs::metadata(&path).map_or(0, |metadata| metadata.len());
                look(&path, 0, len)
            }
        };
        with_bytes(fingerprint, names.par_iter().map(look).collect::<Vec<_>>().iter())
    }

    /// Reads a photo of an annotation file.
    ///
    /// # Errors
    /// The errors of [`find`](Self::find) and [`decode`](Self::decode), and [`DataError::PhotoSize`].
    pub fn photo(&self, listed: &CocoImage) -> Result<RgbImage, DataError> {
        self.sized(&self.find(&listed.file_name)?, [listed.width, listed.height])
    }

    /// Checks every photo of `dataset`, which was read from `file`, and its outlines. An unusable photo is
    /// removed with its objects and described in a sentence, or is the error if `damaged` is
    /// [`Damaged::Stop`]. Everything ignored is counted in its [`left_out`](CocoDataset::left_out).
    ///
    /// # Errors
    /// The errors of [`photo`](Self::photo) and [`CocoDataset::unbroken`], [`DataError::Outline`] for an
    /// outline that is not a mask of its photo, and [`DataError::NoReadablePhoto`] if no photo is left.
    pub fn sound(
        &self,
        dataset: &mut CocoDataset,
        file: &Path,
        damaged: Damaged,
    ) -> Result<Vec<String>, DataError> {
        let objects = dataset.annotations_by_image();
        let look = |image: &CocoImage| -> Result<LeftOut, DataError> {
            dataset.unbroken(image)?;
            self.photo(image)?;
            let mut left_out = LeftOut::default();
            for object in objects.get(&image.id).into_iter().flatten() {
                let outline = object.segmentation.to_rle(image.width, image.height);
                let outline =
                    outline.map_err(|source| DataError::Outline { annotation: object.name(), source })?;
                match object.iscrowd {
                    true => left_out.add(Reason::Crowd, &object.name()),
                    false if outline.area() == 0 => left_out.add(Reason::NeverFound, &object.name()),
                    false => {}
                }
            }
            Ok(left_out)
        };
        let looked_at: Vec<_> = dataset.images.par_iter().map(look).collect();
        let (mut ids, mut told, mut faults) = (HashSet::new(), Vec::new(), Vec::new());
        for (image, outcome) in dataset.images.iter().zip(looked_at) {
            match outcome {
                Ok(left_out) => dataset.left_out.extend(&left_out),
                Err(error) => {
                    dataset.left_out.add(Reason::Unusable, &image.file_name);
                    ids.insert(image.id);
                    told.push(format!("{}: {error}", image.file_name));
                    faults.push(error);
                }
            }
        }
        let tried = faults.len();
        if let Some(first) = faults.into_iter().next() {
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

    /// Decodes the photo under a name returned by [`find`](Self::find), and checks its width and height.
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

    /// Writes a zip with photos stored and everything else compressed, as in COCO's files.
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
    fn an_entry_that_announces_too_much_is_not_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("photos.zip");
        zip(&path, &[("a.png", &photo())]);
        let mut bytes = fs::read(&path).unwrap();
        let directory = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
        bytes[directory + 24..directory + 28].copy_from_slice(&0xF000_0000_u32.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let error = PhotoFolder::open(&path).unwrap().decode("a.png").unwrap_err().to_string();
        assert!(error.contains("3840 MB") && error.contains("a.png"), "{error}");
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
        let options = AugmentOptions { image_size: 32, ..AugmentOptions::default() };
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

    fn found(folder: &Path, listed: &[&str]) -> Vec<Option<String>> {
        let image = |(id, name): (usize, &&str)| serde_json::json!({"id": id, "file_name": name, "width": 30, "height": 20});
        let images: Vec<_> = listed.iter().enumerate().map(image).collect();
        let dataset = serde_json::json!({"images": images, "annotations": [], "categories": []});
        let mut dataset = serde_json::from_value(dataset).unwrap();
        let folder = PhotoFolder::of(folder, &mut dataset).unwrap();
        listed.iter().map(|name| folder.find(name).ok()).collect()
    }

    #[test]
    fn names_of_other_systems_and_of_the_web_are_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("1")).unwrap();
        for name in ["a.png", "b c.png", "1/d.png"] {
            fs::write(dir.path().join(name), photo()).unwrap();
        }
        let listed = [r"images\a.png", r"..\..\media\upload\1/d.png", "https://example.org/data/b%20c.png"];
        assert_eq!(
            found(dir.path(), &listed),
            ["a.png", "1/d.png", "b c.png"].map(|name| Some(name.to_owned()))
        );
        zip(&dir.path().join("x.zip"), &[("photos/1/d.png", &photo()), ("photos/2/d.png", &photo())]);
        let names = found(&dir.path().join("x.zip"), &[r"images\1\d.png", r"2\d.png"]);
        assert_eq!(names, ["photos/1/d.png", "photos/2/d.png"].map(|name| Some(name.to_owned())));
    }

    #[test]
    fn a_photo_does_not_stand_for_another_one_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let cam1 = dir.path().join("cam1");
        fs::create_dir(&cam1).unwrap();
        for name in ["1.png", "2.png"] {
            fs::write(cam1.join(name), photo()).unwrap();
        }
        let listed = ["cam1/1.png", "cam2/1.png", "cam2/2.png"];
        let own = |name: &str| [Some(name.to_owned()), None, None];
        assert_eq!(found(&cam1, &listed), own("1.png"), "the folder's own name tells which");
        assert_eq!(found(dir.path(), &listed), own("cam1/1.png"));
        zip(&dir.path().join("cam1.zip"), &[("1.png", &photo()), ("2.png", &photo())]);
        assert_eq!(found(&dir.path().join("cam1.zip"), &listed), own("1.png"));
        fs::rename(&cam1, dir.path().join("frames")).unwrap();
        assert_eq!(found(&dir.path().join("frames"), &listed), [None, None, None], "nothing tells which");
        assert_eq!(
            found(&dir.path().join("frames"), &listed[1..]),
            ["1.png", "2.png"].map(|name| Some(name.to_owned()))
        );
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
