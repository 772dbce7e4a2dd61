//! The output folder of `mae-seg predict` for annotation formats.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::cli::terminal::output::write_files;
use crate::cli::terminal::progress;
use crate::export::{AnnotationFormat, Annotations, ExportedFile, Object, PhotoInfo, stem};
use crate::files;
use crate::image::RgbImage;
use crate::instance::Instance;
use crate::weights::sha256_hex;

/// The file with SHA-256 digests of the written files, in the format of `sha256sum`: a file that still has
/// its digest may be replaced.
const DIGESTS: &str = "mae-seg.sha256";

/// A folder of annotations. Files of an earlier call are replaced unless somebody changed them; all other
/// files stay.
#[derive(Debug)]
pub(super) struct AnnotationFolder {
    place: Replaceable,
    annotations: Annotations,
}

/// A folder in which only unchanged files of an earlier call may be replaced.
#[derive(Debug)]
struct Replaceable {
    root: PathBuf,
    /// SHA-256 digests of the written files, by name.
    digests: BTreeMap<String, String>,
}

impl AnnotationFolder {
    /// Creates the folder, for annotations with the labels of a model.
    ///
    /// # Errors
    /// Fails if the file that describes all photos exists and may not be replaced.
    pub(super) fn open(root: &Path, format: AnnotationFormat, labels: &[String]) -> Result<Self> {
        fs::create_dir_all(root).with_context(|| format!("cannot create the folder {}", root.display()))?;
        let known = files::text(&root.join(DIGESTS), files::TEXT).unwrap_or_default();
        let digests = known.lines().filter_map(|line| line.split_once("  "));
        let digests = digests.map(|(digest, name)| (name.to_owned(), digest.to_owned())).collect();
        let place = Replaceable { root: root.to_owned(), digests };
        format.common_file().map_or(Ok(()), |name| place.check(name))?;
        Ok(Self { place, annotations: Annotations::new(format, labels) })
    }

    /// Adds the objects of a photo, and writes the photo's own file if the format has one.
    pub(super) fn save(&mut self, path: &Path, photo: &RgbImage, instances: &[Instance]) -> Result<()> {
        let name = path.to_string_lossy();
        let info = PhotoInfo { name: &name, width: photo.width(), height: photo.height() };
        let Some(file) = self.annotations.add(&info, &Object::all(instances))? else { return Ok(()) };
        if stem(&file.name) != stem(&name) {
            progress::note(&format!(
                "the annotations of {name} are in {}: another photo has the same name",
                file.name
            ));
        }
        self.place.write(&file)
    }

    /// Writes the file that describes all photos, if the format has one.
    pub(super) fn finish(self) -> Result<()> {
        let Self { mut place, annotations } = self;
        annotations.finish()?.map_or(Ok(()), |file| place.write(&file))
    }
}

impl Replaceable {
    fn write(&mut self, ExportedFile { name, bytes }: &ExportedFile) -> Result<()> {
        self.check(name)?;
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        self.digests.insert(name.clone(), sha256_hex(bytes));
        let digests: String =
            self.digests.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect();
        write_files(&[(path, bytes), (self.root.join(DIGESTS), digests.as_bytes())])
    }

    /// # Errors
    /// Fails if the file exists and is not exactly what an earlier call wrote.
    fn check(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        let is_own = || {
            let bytes = files::read(&path, files::LIST)?;
            Ok::<_, std::io::Error>(self.digests.get(name) == Some(&sha256_hex(&bytes)))
        };
        ensure!(
            !path.exists() || is_own().with_context(|| format!("cannot read {}", path.display()))?,
            "{} already exists and was not written by this program, or was changed since; choose another --out",
            path.display()
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    fn save(root: &Path, format: AnnotationFormat, photos: &[&str], score: f32) -> Result<()> {
        let mask = BinaryMask::new(2, 2, &[1; 4])?;
        let found = Instance { category: 0, label: "cat".into(), score, bbox: mask.bbox(), mask };
        let photo = RgbImage::new(2, 2, vec![9; 12])?;
        let mut folder = AnnotationFolder::open(root, format, &["cat".to_owned()])?;
        photos
            .iter()
            .try_for_each(|path| folder.save(Path::new(path), &photo, std::slice::from_ref(&found)))?;
        folder.finish()
    }

    #[test]
    fn annotations_replace_their_own_and_nothing_that_was_changed() {
        let root = tempfile::tempdir().unwrap();
        for score in [0.5, 0.7] {
            save(root.path(), AnnotationFormat::LabelMe, &["a/x.jpg", "b/x.jpg"], score).unwrap();
        }
        let read = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
        assert!(read("x.json").contains("score 0.700") && read("x-2.json").contains("\"x.jpg\""));
        fs::write(root.path().join("x.json"), "mended by hand").unwrap();
        let refused = save(root.path(), AnnotationFormat::LabelMe, &["a/x.jpg"], 0.9).unwrap_err();
        assert!(refused.to_string().contains("x.json") && refused.to_string().contains("--out"), "{refused}");
        assert_eq!(read("x.json"), "mended by hand");
        fs::write(root.path().join("annotations.json"), "mine").unwrap();
        assert!(AnnotationFolder::open(root.path(), AnnotationFormat::Coco, &[]).is_err(), "before any work");
        save(root.path(), AnnotationFormat::Yolo, &["a/x.jpg"], 0.9).unwrap();
        assert!(read("labels/x.txt").starts_with("0 ") && read("data.yaml").contains("0: \"cat\""));
        assert_eq!(read("mae-seg.sha256").lines().count(), 4);
    }
}
