//! Labelled photos for probes, from a folder per class or from a COCO file.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::coco::{CocoDataset, CocoImage};
use crate::data::{Damaged, DataError, LeftOut, PhotoFolder, Reason, head, is_hidden, is_photo};
use crate::eval::EvalError;
use crate::files::drawn::is_drawn;

/// Photos with the names of their classes.
#[derive(Debug)]
pub struct LabelledPhotos {
    /// The folder of the photos.
    pub folder: PhotoFolder,
    /// Names of the photos in the folder, and indices into `classes`.
    pub photos: Vec<(String, Vec<usize>)>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Whether each photo has exactly one class.
    pub exclusive: bool,
    /// Photos that were left out because they are missing or have an unreadable annotation, each in a
    /// sentence.
    pub cut: Vec<String>,
    /// Everything that was left out.
    pub left_out: LeftOut,
}

impl LabelledPhotos {
    /// Reads a folder per class: `root/CLASS/photo.jpg`.
    ///
    /// # Errors
    /// [`EvalError::Data`] for a folder that cannot be read, [`EvalError::Probe`] if there is no photo.
    pub fn from_folders(root: &Path) -> Result<Self, EvalError> {
        let mut left_out = LeftOut::default();
        let mut shown = |path: &PathBuf| {
            let is_hidden = is_hidden(&file_name(path));
            if is_hidden {
                left_out.add(Reason::Hidden, &file_name(path));
            }
            !is_hidden
        };
        let mut folders: Vec<PathBuf> =
            list(root)?.into_iter().filter(|path| path.is_dir() && shown(path)).collect();
        folders.sort_unstable();
        let mut files = Vec::new();
        for (class, folder) in folders.iter().enumerate() {
            let mut own: Vec<PathBuf> = list(folder)?.into_iter().filter(&mut shown).collect();
            own.sort_unstable();
            files.extend(own.into_iter().map(|path| (path, class)));
        }
        let mut photos = Vec::new();
        for (path, class) in files {
            if is_drawn(&path) {
                left_out.add(Reason::Drawn, &file_name(&path));
            } else if is_photo(&path, || head(&path)) {
                photos.push((path.strip_prefix(root).unwrap_or(&path).display().to_string(), vec![class]));
            } else {
                left_out.add(Reason::NoPhoto, &file_name(&path));
            }
        }
        let classes = folders.iter().map(|folder| file_name(folder)).collect();
        let folder = PhotoFolder::open(root)?;
        Self { folder, photos, classes, exclusive: true, cut: Vec::new(), left_out }.unless_empty(root)
    }

    /// Reads a COCO file; a photo has every category that is annotated in it. Photos whose annotations are
    /// not exhaustive are left out, since they may have other categories, too.
    ///
    /// # Errors
    /// [`EvalError::Data`] for a malformed file and, if `damaged` is [`Damaged::Stop`], for a missing photo
    /// or an annotation that cannot be read; [`EvalError::Probe`] if there is no photo.
    pub fn from_coco(file: &Path, images: &Path, damaged: Damaged) -> Result<Self, EvalError> {
        let mut dataset = CocoDataset::load(file)?;
        let folder = PhotoFolder::of(images, &mut dataset)?;
        let mut categories: Vec<_> = dataset.categories.iter().collect();
        categories.sort_unstable_by_key(|category| category.id);
        let class: HashMap<u64, usize> = categories.iter().zip(0..).map(|(c, class)| (c.id, class)).collect();
        let mut present: HashMap<u64, Vec<usize>> = HashMap::new();
        for annotation in &dataset.annotations {
            let classes = present.entry(annotation.image_id).or_default();
            classes.extend(class.get(&annotation.category_id).filter(|class| !classes.contains(class)));
        }
        let whole = dataset.images.iter().filter(|image| image.exhaustive);
        let mut photo = |image: &CocoImage| {
            dataset.unbroken(image)?;
            Ok((folder.find(&image.file_name)?, present.remove(&image.id).unwrap_or_default()))
        };
        let (mut photos, mut cut, mut first) = (Vec::new(), Vec::new(), None);
        let mut left_out = dataset.left_out.clone();
        for image in whole {
            match photo(image) {
                Ok(photo) => photos.push(photo),
                Err(error) if damaged == Damaged::Skip => {
                    left_out.add(Reason::Unusable, &image.file_name);
                    cut.push(format!("{}: {error}", image.file_name));
                    first = first.or(Some(error));
                }
                Err(error) => return Err(DataError::in_file(error, file).into()),
            }
        }
        if let Some(first) = first.filter(|_| photos.is_empty()) {
            return Err(DataError::NoReadablePhoto { tried: cut.len(), first: Box::new(first) }.into());
        }
        let classes = categories.iter().map(|category| category.name.clone()).collect();
        Self { folder, photos, classes, exclusive: false, cut, left_out }.unless_empty(file)
    }

    fn unless_empty(self, path: &Path) -> Result<Self, EvalError> {
        if self.photos.is_empty() {
            let reason = "no labelled photos: use a folder for each class, or exhaustive COCO annotations";
            return Err(EvalError::Probe(format!("{}: {reason}", path.display())));
        }
        Ok(self)
    }

    /// Returns which classes are present, `[photos][classes]`.
    #[must_use]
    pub fn present(&self) -> Vec<Vec<bool>> {
        let row = |(_, classes): &(String, Vec<usize>)| {
            (0..self.classes.len()).map(|c| classes.contains(&c)).collect()
        };
        self.photos.iter().map(row).collect()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let failed = |source| DataError::Io { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    Ok(entries.map(|entry| entry.map(|e| e.path()).map_err(failed)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_per_class() {
        let root = tempfile::tempdir().unwrap();
        for file in ["cat/b.jpg", "cat/a.PNG", "cat/notes.txt", "ant/c.jpeg", "ant/._c.jpeg", ".git/d.jpg"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let photos = LabelledPhotos::from_folders(root.path()).unwrap();
        assert_eq!(photos.classes, ["ant", "cat"]);
        let names: Vec<_> = photos.photos.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["ant/c.jpeg", "cat/a.PNG", "cat/b.jpg"]);
        assert_eq!(photos.present()[1], [false, true]);
        let left = [Reason::Hidden, Reason::NoPhoto].map(|reason| photos.left_out.count(reason));
        assert_eq!(left, [2, 1], "{}", photos.left_out.told());
        let empty = LabelledPhotos::from_folders(&root.path().join("cat")).unwrap_err().to_string();
        assert!(empty.contains("folder for each class"), "{empty}");
    }

    #[test]
    fn presence_in_coco_annotations() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("a.json");
        let outline = r#""segmentation": [[0, 0, 2, 0, 2, 2]], "bbox": [0, 0, 2, 2], "iscrowd": 0"#;
        let text = format!(
            r#"{{"images": [{{"id": 1, "file_name": "a.jpg", "width": 4, "height": 4}},
                {{"id": 2, "file_name": "b.jpg", "width": 4, "height": 4, "exhaustive": false}},
                {{"id": 3, "file_name": "c.jpg", "width": 4, "height": 4}}],
              "annotations": [{{"id": 1, "image_id": 1, "category_id": 9, {outline}}},
                {{"id": 2, "image_id": 1, "category_id": 9, {outline}}}],
              "categories": [{{"id": 9, "name": "dog"}}, {{"id": 2, "name": "cat"}}]}}"#
        );
        fs::write(&file, &text).unwrap();
        for photo in ["a.jpg", "c.jpg"] {
            fs::write(root.path().join(photo), "").unwrap();
        }
        let photos = LabelledPhotos::from_coco(&file, root.path(), Damaged::Stop).unwrap();
        assert_eq!(photos.classes, ["cat", "dog"]);
        assert_eq!(photos.photos, [("a.jpg".into(), vec![1]), ("c.jpg".into(), vec![])]);
        assert_eq!(photos.present(), [[false, true], [false, false]]);

        fs::remove_file(root.path().join("c.jpg")).unwrap();
        let error = LabelledPhotos::from_coco(&file, root.path(), Damaged::Stop).unwrap_err().to_string();
        assert!(error.contains("c.jpg"), "{error}");
        let photos = LabelledPhotos::from_coco(&file, root.path(), Damaged::Skip).unwrap();
        assert_eq!((photos.photos.len(), photos.cut.len()), (1, 1));
        fs::write(&file, text.replace("\"category_id\": 9", "\"category_id\": \"dog\"")).unwrap();
        let error = LabelledPhotos::from_coco(&file, root.path(), Damaged::Skip).unwrap_err().to_string();
        assert!(error.contains("none of the 2") && error.contains("annotation 1"), "{error}");
    }
}
