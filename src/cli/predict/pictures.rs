//! The output folder of `mae-seg predict` for pictures.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::cli::terminal::output::write_files;
use crate::cli::terminal::progress;
use crate::export::{
    ExportError, ExportedFile, Frame, Object, PictureFormat, cut_out, mask_files, object_name, overlay,
    picture_file, stem,
};
use crate::files::drawn::{drawn_of, marked};
use crate::image::RgbImage;
use crate::instance::Instance;
use crate::weights::sha256_hex;

/// The kind of pictures written for a photo. Each kind replaces only its own pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pictures {
    /// The photo with everything drawn on it, and a cut-out of each object.
    CutOuts,
    /// Masks, and a picture of the object numbers.
    Masks,
}

impl Pictures {
    /// Returns the pictures of a photo; their names are appended to the photo's.
    fn of(self, photo: &RgbImage, instances: &[Instance]) -> Result<Vec<ExportedFile>, ExportError> {
        let objects = Object::all(instances);
        let png = |name: &str, picture| picture_file(name, &picture, PictureFormat::Png);
        match self {
            Self::CutOuts => {
                let overlay = png("overlay", overlay(photo, &objects).into());
                let cut_outs = objects.iter().map(|object| {
                    let name = object_name(object.number, object.label);
                    png(&name, cut_out(photo, &object.matte(), Frame::Tight).into())
                });
                std::iter::once(overlay).chain(cut_outs).collect()
            }
            Self::Masks => mask_files([photo.width(), photo.height()], &objects),
        }
    }

    /// Returns whether a file of this kind may have the ending: `overlay.png`, `01-cat.png`; `ids.png`,
    /// `01-cat.mask.png`.
    fn has(self, ending: &str) -> bool {
        let (whole, one) = match self {
            Self::CutOuts => ("overlay.png", ".png"),
            Self::Masks => ("ids.png", ".mask.png"),
        };
        let numbered = ending.strip_suffix(one).and_then(|ending| ending.split_once('-'));
        let is_one = numbered.is_some_and(|(number, label)| {
            number.len() >= 2 && number.bytes().all(|digit| digit.is_ascii_digit()) && !label.contains('.')
        });
        ending == whole || is_one
    }
}

/// Number of hexadecimal digits of the digest that identifies the photo in its pictures.
const SHOWN: usize = 16;

/// A folder of pictures of one kind. All pictures of an earlier call for the same photo are replaced; files
/// with other names are left alone.
#[derive(Debug)]
pub(super) struct FoundFolder {
    root: PathBuf,
    pictures: Pictures,
    /// The names of the photos, in lower case as on case-insensitive file systems; no other photo may take
    /// them.
    own: HashSet<String>,
    /// The names taken by photos of this call.
    taken: HashSet<String>,
}

impl FoundFolder {
    /// Creates the folder, for pictures of `photos`.
    pub(super) fn open(root: &Path, pictures: Pictures, photos: &[PathBuf]) -> Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot create the folder {}", root.display()))?;
        let own = photos.iter().map(|photo| name_of(photo).to_lowercase()).collect();
        Ok(Self { root: root.to_owned(), pictures, own, taken: HashSet::new() })
    }

    /// Writes the pictures of a photo, and deletes those of an earlier call that were not replaced.
    pub(super) fn save(&mut self, path: &Path, photo: &RgbImage, instances: &[Instance]) -> Result<()> {
        let of = identity(path);
        let (name, earlier) = self.name(path, &of)?;
        let pictures = self.pictures.of(photo, instances).with_context(|| path.display().to_string())?;
        let pictures: Vec<_> = pictures
            .into_iter()
            .map(|picture| (self.root.join(format!("{name}.{}", picture.name)), marked(&picture.bytes, &of)))
            .collect();
        let files: Vec<_> = pictures.iter().map(|(path, png)| (path.clone(), png.as_slice())).collect();
        write_files(&files)?;
        for old in earlier.iter().filter(|old| !files.iter().any(|(new, _)| new == *old)) {
            fs::remove_file(old).with_context(|| format!("cannot delete {}", old.display()))?;
        }
        Ok(())
    }

    /// Returns a name for the pictures of a photo, and the pictures of an earlier call under that name. The
    /// name is the photo's own, with a number appended if another photo has it or the folder holds files of
    /// that name that are not pictures of this photo.
    fn name(&mut self, path: &Path, of: &str) -> Result<(String, Vec<PathBuf>)> {
        let stem = name_of(path);
        let mut number = 1;
        loop {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            number += 1;
            let key = name.to_lowercase();
            if self.taken.contains(&key) || (name != stem && self.own.contains(&key)) {
                continue;
            }
            let there = self.there(&key)?;
            match there.iter().find(|picture| drawn_of(picture).as_deref() != Some(of)) {
                Some(other) => progress::note(&format!(
                    "{} was not written for {} by this program, or was changed since; it is kept",
                    other.display(),
                    path.display()
                )),
                None => {
                    self.taken.insert(key);
                    return Ok((name, there));
                }
            }
        }
    }

    /// Returns the files in the folder that are named like pictures of `key`, a name in lower case.
    fn there(&self, key: &str) -> Result<Vec<PathBuf>> {
        let listing = || format!("cannot list {}", self.root.display());
        let mut pictures = Vec::new();
        for entry in fs::read_dir(&self.root).with_context(listing)? {
            let path = entry.with_context(listing)?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let ending = file.strip_prefix(key).and_then(|rest| rest.strip_prefix('.'));
            if ending.is_some_and(|ending| self.pictures.has(ending)) {
                pictures.push(path);
            }
        }
        pictures.sort();
        Ok(pictures)
    }
}

fn name_of(path: &Path) -> String {
    stem(&path.to_string_lossy())
}

/// Returns a digest that distinguishes a photo from others of the same name without revealing its path.
fn identity(path: &Path) -> String {
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    sha256_hex(place.as_os_str().as_encoded_bytes())[..SHOWN].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn objects(count: usize) -> Vec<Instance> {
        let mask = BinaryMask::new(2, 2, &[1; 4]).unwrap();
        let instance = Instance { category: 0, label: "cat".into(), score: 0.5, bbox: mask.bbox(), mask };
        vec![instance; count]
    }

    fn save(root: &Path, photos: &[(&str, usize)]) {
        save_as(Pictures::CutOuts, root, photos);
    }

    fn save_as(pictures: Pictures, root: &Path, photos: &[(&str, usize)]) {
        let paths: Vec<PathBuf> = photos.iter().map(|(path, _)| path.into()).collect();
        let mut found = FoundFolder::open(root, pictures, &paths).unwrap();
        let photo = RgbImage::new(2, 2, vec![9; 12]).unwrap();
        for (path, (_, count)) in paths.iter().zip(photos) {
            found.save(path, &photo, &objects(*count)).unwrap();
        }
    }

    #[test]
    fn photos_of_the_same_name_do_not_overwrite_each_other() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), &[("a/x.jpg", 0), ("b/x.jpg", 0), ("x-2.jpg", 0), ("X.png", 0)]);
        let all = ["X-4.overlay.png", "x-2.overlay.png", "x-3.overlay.png", "x.overlay.png"];
        assert_eq!(names(root.path()), all);
        save(root.path(), &[("b/x.jpg", 0)]);
        assert_eq!(names(root.path()).len(), 4, "it finds its own again");
    }

    #[test]
    fn pictures_of_an_earlier_call_go_and_those_of_others_stay() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), &[("x.jpg", 3), ("x.01-cat.jpg", 1)]);
        save(root.path(), &[("x.jpg", 1)]);
        let left = ["x.01-cat.01-cat.png", "x.01-cat.overlay.png", "x.01-cat.png", "x.overlay.png"];
        assert_eq!(names(root.path()), left);
        fs::write(root.path().join("x.02-cat.png"), "mine").unwrap();
        save(root.path(), &[("x.jpg", 2)]);
        assert_eq!(fs::read(root.path().join("x.02-cat.png")).unwrap(), b"mine");
        assert!(root.path().join("x-2.02-cat.png").exists());
    }

    #[test]
    fn masks_lie_beside_cut_outs() {
        let root = tempfile::tempdir().unwrap();
        save(root.path(), &[("x.jpg", 1)]);
        save_as(Pictures::Masks, root.path(), &[("x.jpg", 2)]);
        save_as(Pictures::Masks, root.path(), &[("x.jpg", 1)]);
        assert_eq!(names(root.path()), ["x.01-cat.mask.png", "x.01-cat.png", "x.ids.png", "x.overlay.png"]);
    }
}
