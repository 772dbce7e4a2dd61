//! One file of many photos, built photo by photo; pure, tested on the host.

use crate::export::{
    self, AnnotationFormat, Annotations, ExportError, ExportedFile, PhotoInfo, PictureFormat, UniqueNames,
    Zip, stem,
};
use crate::image::RgbImage;
use crate::mask::Matte;
use crate::web::document::{Document, Object};
use crate::web::export::{Product, Scene, within};

/// Objects of a photo to be exported, with their mattes.
#[derive(Debug)]
pub struct Wanted<'a>(Vec<(usize, &'a Object, Matte)>);

impl<'a> Wanted<'a> {
    /// Collects the objects that are `wanted`; hidden ones and those without pixels are left out.
    pub fn of(document: &'a Document, wanted: impl Fn(usize, &Object) -> bool) -> Self {
        let is_there = |object: &Object| !object.hidden && object.mask.area() > 0;
        let objects = document.objects().filter(|(place, object)| wanted(*place, object) && is_there(object));
        Self(objects.map(|(place, object)| (place, object, object.matte())).collect())
    }

    /// Returns the objects in the form in which they are exported.
    #[must_use]
    pub fn objects(&self) -> Vec<export::Object<'_>> {
        let written = self.0.iter().map(|(place, object, matte)| export::Object {
            number: place + 1,
            label: &object.label,
            score: object.score,
            mask: matte.mask(),
            soft: matte.soft(),
        });
        written.collect()
    }
}

/// The file under construction.
#[derive(Debug)]
pub struct Collection {
    product: Product,
    format: PictureFormat,
    labels: Vec<String>,
    annotations: Vec<(&'static str, Annotations)>,
    names: UniqueNames,
    zip: Zip,
}

impl Collection {
    /// Creates a file without photos.
    #[must_use]
    pub fn new(product: Product, format: PictureFormat, labels: &[String]) -> Self {
        let annotations =
            product.annotations().iter().map(|(format, folder)| (*folder, Annotations::new(*format, labels)));
        Self {
            product,
            format,
            labels: labels.to_vec(),
            annotations: annotations.collect(),
            names: UniqueNames::default(),
            zip: Zip::default(),
        }
    }

    /// Adds a photo and returns the next bytes of the file. `image` may be missing if the product does not
    /// need it.
    ///
    /// # Errors
    ///
    /// The errors of [`Scene::file`]; a photo without objects can only be added to annotations.
    pub fn add(
        &mut self,
        photo: &PhotoInfo<'_>,
        objects: &[export::Object<'_>],
        image: Option<&RgbImage>,
        backdrop: Option<&RgbImage>,
    ) -> Result<Vec<u8>, ExportError> {
        if let Some(image) = image.filter(|_| !objects.is_empty()) {
            let scene = Scene { name: photo.name, photo: image, objects, labels: &self.labels, backdrop };
            let pictures = scene.pictures(self.product, self.format)?;
            let stem = self.names.unique(&stem(photo.name));
            match pictures.as_slice() {
                [file] if self.annotations.is_empty() => {
                    self.zip.add(&ExportedFile { name: format!("{stem}-{}", file.name), ..file.clone() })?;
                }
                _ => within(&stem, pictures).try_for_each(|file| self.zip.add(&file))?,
            }
        } else if self.annotations.is_empty() {
            return Err(ExportError::NoPixels);
        }
        let several = self.annotations.len() > 1;
        for (folder, annotations) in &mut self.annotations {
            if let Some(file) = annotations.add(photo, objects)? {
                self.zip.add(&placed(file, folder, several))?;
            }
        }
        Ok(self.zip.take())
    }

    /// Completes the file; returns its name and its last bytes. Annotations in one file for all photos are
    /// not zipped.
    ///
    /// # Errors
    ///
    /// The errors of [`Zip::finish`].
    pub fn finish(mut self) -> Result<(String, Vec<u8>), ExportError> {
        let is_packed = !matches!(
            self.product,
            Product::Annotations(
                AnnotationFormat::Coco | AnnotationFormat::CocoPolygons | AnnotationFormat::Cvat
            )
        );
        let several = self.annotations.len() > 1;
        for (folder, annotations) in std::mem::take(&mut self.annotations) {
            match annotations.finish()? {
                Some(file) if is_packed => self.zip.add(&placed(file, folder, several))?,
                Some(file) => return Ok((file.name, file.bytes)),
                None => {}
            }
        }
        Ok((format!("photos-{}.zip", self.product.name()), self.zip.finish()?))
    }
}

/// Puts a file into a folder if `several` formats are zipped together.
fn placed(file: ExportedFile, folder: &str, several: bool) -> ExportedFile {
    let name = if several { format!("{folder}/{}", file.name) } else { file.name };
    ExportedFile { name, ..file }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Frame;
    use crate::instance::Instance;
    use crate::mask::BinaryMask;

    const SIZE: [usize; 2] = [40, 30];

    /// Makes a file of two photos with the same name, the first with two objects, the second with none; also
    /// returns the second's error.
    fn made(product: Product) -> (String, Vec<u8>, Option<ExportError>) {
        let [width, height] = SIZE;
        let image = RgbImage::new(width, height, vec![90; width * height * 3]).unwrap();
        let square = |left: usize| {
            let mask =
                BinaryMask::from_fn(width, height, move |x, y| (left..left + 10).contains(&x) && y > 4);
            let bbox = mask.bbox();
            Object::found(Instance { category: 0, label: "cup".into(), score: 0.5, mask, bbox }, false)
        };
        let document = Document::new(SIZE, [square(3), square(20)]);
        let mut collection = Collection::new(product, PictureFormat::Png, &["cup".to_owned()]);
        let photo = PhotoInfo { name: "tea.jpg", width, height };
        let image = product.needs_photo().then_some(&image);
        let all = Wanted::of(&document, |_, _| true);
        let mut bytes = collection.add(&photo, &all.objects(), image, None).unwrap();
        let mut failed = None;
        for (name, place) in [("tea.png", 1), ("empty.jpg", 9)] {
            let one = Wanted::of(&document, |at, _| at == place);
            match collection.add(&PhotoInfo { name, ..photo }, &one.objects(), image, None) {
                Ok(more) => bytes.extend(more),
                Err(error) => failed = Some(error),
            }
        }
        let (name, last) = collection.finish().unwrap();
        bytes.extend(last);
        (name, bytes, failed)
    }

    fn names(zipped: &[u8]) -> Vec<String> {
        let archive = rawzip::ZipArchive::from_slice(zipped).unwrap();
        let name = |entry: rawzip::ZipFileHeaderRecord<'_>| {
            String::from_utf8(entry.file_path().as_bytes().to_vec()).unwrap()
        };
        archive.entries().map(|entry| name(entry.unwrap())).collect()
    }

    #[test]
    fn files_of_many_photos_do_not_overwrite_each_other() {
        let (name, bytes, failed) = made(Product::CutOut(Frame::Tight));
        assert_eq!(name, "photos-cut-out.zip");
        assert_eq!(names(&bytes), ["tea-cut-out.png", "tea-2-02-cup.png"]);
        assert!(matches!(failed, Some(ExportError::NoPixels)));
        let (_, bytes, _) = made(Product::CutOuts(Frame::Tight));
        assert_eq!(names(&bytes), ["tea/01-cup.png", "tea/02-cup.png", "tea-2-02-cup.png"]);
        let (_, bytes, failed) = made(Product::Everything);
        let all = names(&bytes);
        for name in
            ["tea/overlay.png", "tea-2/masks/ids.png", "coco/annotations.json", "yolo/labels/empty.txt"]
        {
            assert!(all.iter().any(|known| known == name), "{all:?}");
        }
        assert!(failed.is_none());
    }

    #[test]
    fn one_coco_file_speaks_of_all_photos() {
        let (name, bytes, failed) = made(Product::Annotations(AnnotationFormat::Coco));
        assert!(name == "annotations.json" && failed.is_none());
        let coco: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let count = |key: &str| coco[key].as_array().map_or(0, Vec::len);
        assert_eq!((count("images"), count("annotations")), (3, 3));
        let (name, bytes, _) = made(Product::Annotations(AnnotationFormat::Yolo));
        assert_eq!(name, "photos-yolo.zip");
        assert_eq!(names(&bytes), ["labels/tea.txt", "labels/tea-2.txt", "labels/empty.txt", "data.yaml"]);
    }
}
