//! The folder that pictures of found objects go to, whatever lies there already.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::output::write_files;
use super::{draw, progress};
use crate::files::drawn::drawn_of;
use crate::image::RgbImage;
use crate::instance::Instance;
use crate::weights::sha256_hex;

const OVERLAY: &str = "overlay.png";
/// Characters of the digest by which a picture knows its photo.
const SHOWN: usize = 16;

/// A folder of overlays and cut-outs. Those of an earlier call for the same photo are replaced, all of them; the names of
/// everything else are left alone.
#[derive(Debug)]
pub(super) struct FoundFolder {
    root: PathBuf,
    /// The photos' own names, in lower case as some file systems see them: no other photo takes them.
    own: HashSet<String>,
    /// Names that photos of this call have.
    taken: HashSet<String>,
}

impl FoundFolder {
    /// Makes the folder, for pictures of `photos`.
    pub(super) fn open(root: &Path, photos: &[PathBuf]) -> Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot create the folder {}", root.display()))?;
        let own = photos.iter().map(|photo| stem(photo).to_lowercase()).collect();
        Ok(Self { root: root.to_owned(), own, taken: HashSet::new() })
    }

    /// Writes the pictures of a photo, and deletes those of an earlier call that have no successor.
    pub(super) fn save(&mut self, path: &Path, photo: &RgbImage, instances: &[Instance]) -> Result<()> {
        let of = identity(path);
        let (name, earlier) = self.name(path, &of)?;
        let mut pictures =
            vec![(OVERLAY.to_owned(), draw::png_of(&draw::overlay(photo, instances).into(), &of)?)];
        for (instance, number) in instances.iter().zip(1..) {
            let label: String =
                instance.label.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
            let cutout = draw::png_of(&draw::cutout(photo, instance).into(), &of)?;
            pictures.push((format!("{number:02}-{label}.png"), cutout));
        }
        let file = |ending: &String| self.root.join(format!("{name}.{ending}"));
        let files: Vec<_> = pictures.iter().map(|(ending, png)| (file(ending), png.as_slice())).collect();
        write_files(&files)?;
        for old in earlier.iter().filter(|old| !files.iter().any(|(new, _)| new == *old)) {
            fs::remove_file(old).with_context(|| format!("cannot delete {}", old.display()))?;
        }
        Ok(())
    }

    /// A name for the pictures of a photo, and those of an earlier call under it: the photo's own, with a number where
    /// another photo has it, or the folder holds files of that name that are not pictures of this photo.
    fn name(&mut self, path: &Path, of: &str) -> Result<(String, Vec<PathBuf>)> {
        let stem = stem(path);
        let mut number = 1;
        loop {
            let name = if number == 1 { stem.clone() } else { format!("{stem}-{number}") };
            number += 1;
            let key = name.to_lowercase();
            if self.taken.contains(&key) || (name != stem && self.own.contains(&key)) {
                continue;
            }
            let there = self.pictures(&key)?;
            match there.iter().find(|picture| drawn_of(picture).as_deref() != Some(of)) {
                Some(other) => progress::note(&format!(
                    "{} is no picture of {} by this program, or was changed since; it stays",
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

    /// The files in the folder that are named as pictures of `key`, a name in lower case.
    fn pictures(&self, key: &str) -> Result<Vec<PathBuf>> {
        let listing = || format!("cannot list {}", self.root.display());
        let mut pictures = Vec::new();
        for entry in fs::read_dir(&self.root).with_context(listing)? {
            let path = entry.with_context(listing)?.path();
            let file = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            let ending = file.strip_prefix(key).and_then(|rest| rest.strip_prefix('.'));
            if ending.is_some_and(|ending| ending == OVERLAY || is_cutout(ending)) {
                pictures.push(path);
            }
        }
        pictures.sort();
        Ok(pictures)
    }
}

/// Whether a name ends as that of a cut-out: `01-cat.png`.
fn is_cutout(ending: &str) -> bool {
    let numbered = ending.strip_suffix(".png").and_then(|ending| ending.split_once('-'));
    numbered.is_some_and(|(number, label)| {
        number.len() >= 2 && number.bytes().all(|digit| digit.is_ascii_digit()) && !label.contains('.')
    })
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "photo".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// What tells a photo from others of its name, without telling where it is.
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
        let paths: Vec<PathBuf> = photos.iter().map(|(path, _)| path.into()).collect();
        let mut found = FoundFolder::open(root, &paths).unwrap();
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
}
