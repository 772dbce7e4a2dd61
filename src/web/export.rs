//! Builds the files that a visitor can save from the photo and its objects; pure, tested on the host.

use serde::{Deserialize, Serialize};

use crate::export::{
    AnnotationFormat, Annotations, Background, ExportError, ExportedFile, Frame, Object, PhotoInfo,
    PictureFormat, cut_out, mask_files, mask_png, object_name, overlay, picture_file, replace_background,
    stem, zip,
};
use crate::image::RgbImage;
use crate::mask::{BinaryMask, Matte};

/// What to build from which objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// What to build.
    pub product: Product,
    /// Places of the objects; hidden ones and those without pixels are left out.
    pub places: Vec<usize>,
    /// The file format of pictures.
    pub format: PictureFormat,
}

/// What can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Product {
    /// All objects together on transparency.
    CutOut(Frame),
    /// Each object alone on transparency.
    CutOuts(Frame),
    /// All objects in front of another background.
    Background(Behind),
    /// The photo with the objects drawn on it.
    Overlay,
    /// One mask of all objects.
    Mask,
    /// A mask per object, and one with the objects' numbers.
    Masks,
    /// Annotations.
    Annotations(AnnotationFormat),
    /// All of these.
    Everything,
}

impl Product {
    /// Returns the annotation formats that it includes, and the folder of each.
    pub(super) fn annotations(self) -> &'static [(AnnotationFormat, &'static str)] {
        match self {
            Self::Annotations(wanted) => {
                let place = ANNOTATIONS.iter().position(|(format, _)| *format == wanted);
                place.map_or(&[], |place| &ANNOTATIONS[place..=place])
            }
            Self::Everything => &ANNOTATIONS,
            _ => &[],
        }
    }

    /// Returns the name of its files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CutOut(_) => "cut-out",
            Self::CutOuts(_) => "cut-outs",
            Self::Background(_) => "background",
            Self::Overlay => "overlay",
            Self::Mask => "mask",
            Self::Masks => "masks",
            Self::Annotations(_) => self.annotations().first().map_or("annotations", |(_, folder)| folder),
            Self::Everything => "all",
        }
    }

    /// Returns whether the photo itself is needed, not only its objects.
    #[must_use]
    pub const fn needs_photo(self) -> bool {
        !matches!(self, Self::Annotations(_))
    }
}

/// The background behind the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behind {
    /// The photo itself, blurred.
    Blur,
    /// A colour.
    Colour([u8; 3]),
    /// Another photo, whose file accompanies the request.
    Photo,
}

/// A photo and its objects.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The photo's file name.
    pub name: &'a str,
    /// The photo.
    pub photo: &'a RgbImage,
    /// The objects to export.
    pub objects: &'a [Object<'a>],
    /// The model's labels.
    pub labels: &'a [String],
    /// The photo behind the objects, if any.
    pub backdrop: Option<&'a RgbImage>,
}

/// All annotation formats, and the folders that they get if several are zipped together.
const ANNOTATIONS: [(AnnotationFormat, &str); 6] = [
    (AnnotationFormat::Coco, "coco"),
    (AnnotationFormat::CocoPolygons, "coco-polygons"),
    (AnnotationFormat::Yolo, "yolo"),
    (AnnotationFormat::LabelMe, "labelme"),
    (AnnotationFormat::Cvat, "cvat"),
    (AnnotationFormat::Svg, "svg"),
];

impl Scene<'_> {
    /// Builds the file of a product; several are packed in one zip file. Names begin with the photo's.
    ///
    /// # Errors
    ///
    /// [`ExportError`] if no picture can be built.
    pub fn file(&self, product: Product, format: PictureFormat) -> Result<ExportedFile, ExportError> {
        if self.objects.is_empty() {
            return Err(ExportError::NoPixels);
        }
        let mut files = self.pictures(product, format)?;
        for (format, folder) in product.annotations() {
            let made = self.annotations(*format)?;
            if product == Product::Everything {
                files.extend(within(folder, made));
            } else {
                files.extend(made);
            }
        }
        let what = product.name();
        let name = stem(self.name);
        match files.pop() {
            Some(file) if files.is_empty() => {
                // A file for all photos is named after its format; one for this photo already has the photo's
                // name.
                let own = file.name.strip_prefix(&name).and_then(|rest| rest.strip_prefix('.'));
                let ending = own.map_or_else(|| format!("-{}", file.name), |ending| format!(".{ending}"));
                Ok(ExportedFile { name: format!("{name}{ending}"), ..file })
            }
            last => {
                files.extend(last);
                Ok(ExportedFile { name: format!("{name}-{what}.zip"), bytes: zip(&files)? })
            }
        }
    }

    /// Builds the files of a product, except annotations.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::file`].
    pub(super) fn pictures(
        &self,
        product: Product,
        format: PictureFormat,
    ) -> Result<Vec<ExportedFile>, ExportError> {
        Ok(match product {
            Product::CutOut(frame) => vec![self.cut_out(frame, format)?],
            Product::CutOuts(frame) => self.cut_outs(frame, format)?,
            Product::Background(behind) => vec![self.before(behind, format)?],
            Product::Overlay => vec![self.overlay(format)?],
            Product::Mask => vec![self.one_mask()?],
            Product::Masks => self.masks()?,
            Product::Annotations(_) => Vec::new(),
            Product::Everything => {
                let mut files = vec![self.overlay(format)?];
                files.extend(within("cut-outs", self.cut_outs(Frame::Tight, format)?));
                files.extend(within("masks", self.masks()?));
                files
            }
        })
    }

    fn size(&self) -> [usize; 2] {
        [self.photo.width(), self.photo.height()]
    }

    /// Returns everything that any of the objects covers, with all soft edges.
    fn matte(&self) -> Matte {
        let [width, height] = self.size();
        let mut whole = Matte::from(BinaryMask::empty(width, height));
        self.objects.iter().for_each(|object| whole.add(&object.matte()));
        whole
    }

    fn cut_out(&self, frame: Frame, format: PictureFormat) -> Result<ExportedFile, ExportError> {
        let name = match self.objects {
            [Object { number, label, .. }] => object_name(*number, label),
            _ => "cut-out".to_owned(),
        };
        picture_file(&name, &cut_out(self.photo, &self.matte(), frame).into(), format)
    }

    fn cut_outs(&self, frame: Frame, format: PictureFormat) -> Result<Vec<ExportedFile>, ExportError> {
        let each = self.objects.iter().map(|object| {
            let name = object_name(object.number, object.label);
            picture_file(&name, &cut_out(self.photo, &object.matte(), frame).into(), format)
        });
        each.collect()
    }

    fn before(&self, behind: Behind, format: PictureFormat) -> Result<ExportedFile, ExportError> {
        let background = match (behind, self.backdrop) {
            (Behind::Colour(colour), _) => Background::Colour(colour),
            (Behind::Photo, Some(photo)) => Background::Photo(photo),
            (Behind::Photo, None) => return Err(ExportError::NoBackdrop),
            (Behind::Blur, _) => Background::Blurred,
        };
        let picture = replace_background(self.photo, &self.matte(), background);
        picture_file("background", &picture.into(), format)
    }

    fn overlay(&self, format: PictureFormat) -> Result<ExportedFile, ExportError> {
        picture_file("overlay", &overlay(self.photo, self.objects).into(), format)
    }

    fn one_mask(&self) -> Result<ExportedFile, ExportError> {
        let name = match self.objects {
            [Object { number, label, .. }] => format!("{}.mask.png", object_name(*number, label)),
            _ => "mask.png".to_owned(),
        };
        Ok(ExportedFile { name, bytes: mask_png(self.matte().mask())? })
    }

    fn masks(&self) -> Result<Vec<ExportedFile>, ExportError> {
        mask_files(self.size(), self.objects)
    }

    fn annotations(&self, format: AnnotationFormat) -> Result<Vec<ExportedFile>, ExportError> {
        let mut annotations = Annotations::new(format, self.labels);
        let [width, height] = self.size();
        let own = annotations.add(&PhotoInfo { name: self.name, width, height }, self.objects)?;
        Ok(own.into_iter().chain(annotations.finish()?).collect())
    }
}

/// Puts files into a folder.
pub(super) fn within(folder: &str, files: Vec<ExportedFile>) -> impl Iterator<Item = ExportedFile> {
    files.into_iter().map(move |file| ExportedFile { name: format!("{folder}/{}", file.name), ..file })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds the file of a number of squares with the same label.
    fn made(product: Product, count: usize) -> ExportedFile {
        let photo = RgbImage::new(40, 30, vec![90; 40 * 30 * 3]).unwrap();
        let square = |left: usize| {
            BinaryMask::from_fn(40, 30, move |x, y| (left..left + 10).contains(&x) && (5..15).contains(&y))
        };
        let masks = [square(3), square(20)];
        let objects: Vec<_> = masks
            .iter()
            .zip([1, 4])
            .map(|(mask, number)| Object { number, label: "person", score: 0.5, mask, soft: &[] })
            .take(count)
            .collect();
        let labels = ["person".to_owned()];
        let scene =
            Scene { name: "day out.jpg", photo: &photo, objects: &objects, labels: &labels, backdrop: None };
        scene.file(product, PictureFormat::Png).unwrap()
    }

    fn names(zipped: &ExportedFile) -> Vec<String> {
        let archive = rawzip::ZipArchive::from_slice(&zipped.bytes).unwrap();
        let name = |entry: rawzip::ZipFileHeaderRecord<'_>| {
            String::from_utf8(entry.file_path().as_bytes().to_vec()).unwrap()
        };
        archive.entries().map(|entry| name(entry.unwrap())).collect()
    }

    #[test]
    fn files_are_named_after_photo_and_object() {
        for (product, count, expected) in [
            (Product::CutOut(Frame::Tight), 1, "day out-01-person.png"),
            (Product::CutOut(Frame::Full), 2, "day out-cut-out.png"),
            (Product::CutOuts(Frame::Tight), 2, "day out-cut-outs.zip"),
            (Product::Background(Behind::Blur), 2, "day out-background.png"),
            (Product::Overlay, 2, "day out-overlay.png"),
            (Product::Mask, 1, "day out-01-person.mask.png"),
            (Product::Mask, 2, "day out-mask.png"),
            (Product::Masks, 1, "day out-masks.zip"),
            (Product::Annotations(AnnotationFormat::Coco), 2, "day out-annotations.json"),
            (Product::Annotations(AnnotationFormat::LabelMe), 2, "day out.json"),
            (Product::Annotations(AnnotationFormat::Yolo), 2, "day out-yolo.zip"),
            (Product::Everything, 2, "day out-all.zip"),
        ] {
            assert_eq!(made(product, count).name, expected);
        }
    }

    #[test]
    fn two_of_a_name_do_not_overwrite_each_other() {
        assert_eq!(names(&made(Product::CutOuts(Frame::Tight), 2)), ["01-person.png", "04-person.png"]);
        let all = names(&made(Product::Everything, 2));
        for name in [
            "overlay.png",
            "cut-outs/04-person.png",
            "masks/ids.png",
            "yolo/labels/day out.txt",
            "svg/day out.svg",
        ] {
            assert!(all.iter().any(|known| known == name), "{all:?}");
        }
    }
}
