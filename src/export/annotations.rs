//! Writes annotations photo by photo, in any of the formats.

use serde::{Deserialize, Serialize};

use super::coco::Coco;
use super::cvat::Cvat;
use super::labels::Labels;
use super::names::UniqueNames;
use super::{ExportError, ExportedFile, Object, PhotoInfo, labelme, names, svg, yolo};

/// A format of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnnotationFormat {
    /// COCO instances with masks in run-length encoding: exact.
    Coco,
    /// COCO instances with masks as polygons along pixel edges, holes connected by bridges of zero width:
    /// exact when filled by pycocotools.
    CocoPolygons,
    /// YOLO's segmentation labels: one polygon per object, with components and holes connected by bridges.
    Yolo,
    /// LabelMe: a file per photo, a polygon per component, components of one object in a group.
    LabelMe,
    /// CVAT for images 1.1: a polygon per component, components of one object in a group.
    Cvat,
    /// An SVG drawing of the objects per photo: paths along pixel edges, filled by the even-odd rule; exact.
    Svg,
}

impl AnnotationFormat {
    /// Returns the name of the file for all photos, if the format has one.
    #[must_use]
    pub const fn common_file(self) -> Option<&'static str> {
        match self {
            Self::Coco | Self::CocoPolygons => Some("annotations.json"),
            Self::Yolo => Some("data.yaml"),
            Self::Cvat => Some("annotations.xml"),
            Self::LabelMe | Self::Svg => None,
        }
    }
}

/// Annotations under construction.
#[derive(Debug)]
pub struct Annotations {
    labels: Labels,
    names: UniqueNames,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Coco(Coco),
    Cvat(Cvat),
    Yolo,
    LabelMe,
    Svg,
}

impl Annotations {
    /// Creates empty annotations. Objects with other labels than the model's `labels` add theirs.
    #[must_use]
    pub fn new(format: AnnotationFormat, labels: &[String]) -> Self {
        let writer = match format {
            AnnotationFormat::Coco => Writer::Coco(Coco::new(false)),
            AnnotationFormat::CocoPolygons => Writer::Coco(Coco::new(true)),
            AnnotationFormat::Yolo => Writer::Yolo,
            AnnotationFormat::LabelMe => Writer::LabelMe,
            AnnotationFormat::Cvat => Writer::Cvat(Cvat::default()),
            AnnotationFormat::Svg => Writer::Svg,
        };
        Self { labels: Labels::new(labels), names: UniqueNames::default(), writer }
    }

    /// Adds a photo; returns its own file, if the format has one per photo. Masks must have the photo's size.
    ///
    /// # Errors
    ///
    /// [`ExportError::Json`], which these types do not cause.
    pub fn add(
        &mut self,
        photo: &PhotoInfo<'_>,
        objects: &[Object<'_>],
    ) -> Result<Option<ExportedFile>, ExportError> {
        let labels = &mut self.labels;
        let (folder, ending, bytes) = match &mut self.writer {
            Writer::Coco(coco) => {
                coco.add(photo, objects, labels);
                return Ok(None);
            }
            Writer::Cvat(cvat) => {
                cvat.add(photo, objects, labels);
                return Ok(None);
            }
            Writer::Yolo => ("labels/", "txt", yolo::label_file(photo, objects, labels)),
            Writer::LabelMe => ("", "json", labelme::label_file(photo, objects)?),
            Writer::Svg => ("", "svg", svg::drawing(photo, objects)),
        };
        let name = self.names.unique(&names::stem(photo.name));
        Ok(Some(ExportedFile { name: format!("{folder}{name}.{ending}"), bytes }))
    }

    /// Returns the file for all photos, [`AnnotationFormat::common_file`].
    ///
    /// # Errors
    ///
    /// [`ExportError::Json`], which these types do not cause.
    pub fn finish(self) -> Result<Option<ExportedFile>, ExportError> {
        let (format, bytes) = match self.writer {
            Writer::Coco(coco) => (AnnotationFormat::Coco, coco.finish(&self.labels)?),
            Writer::Cvat(cvat) => (AnnotationFormat::Cvat, cvat.finish(&self.labels)),
            Writer::Yolo => (AnnotationFormat::Yolo, yolo::data_file(&self.labels)?),
            Writer::LabelMe | Writer::Svg => return Ok(None),
        };
        Ok(format.common_file().map(|name| ExportedFile { name: name.to_owned(), bytes }))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::mask::BinaryMask;

    /// A ring with a hole, and a second component beside it.
    pub(in crate::export) fn ring_and_bar() -> BinaryMask {
        BinaryMask::from_fn(60, 40, |x, y| {
            let ring = (5..35).contains(&x) && (4..34).contains(&y);
            let hole = (14..24).contains(&x) && (12..25).contains(&y);
            (ring && !hole) || ((45..55).contains(&x) && (10..30).contains(&y))
        })
    }

    /// Returns the annotations of one photo with the mask above, in the file of the photo or of all photos.
    pub(in crate::export) fn written(format: AnnotationFormat, label: &str) -> String {
        let mask = ring_and_bar();
        let mut annotations = Annotations::new(format, &["person".to_owned(), "cup".to_owned()]);
        let photo = PhotoInfo { name: "shots/a & b.jpg", width: 60, height: 40 };
        let object = Object { number: 1, label, score: 0.5, mask: &mask, soft: &[] };
        let own = annotations.add(&photo, &[object]).unwrap();
        String::from_utf8(own.or(annotations.finish().unwrap()).unwrap().bytes).unwrap()
    }

    #[test]
    fn photos_of_one_name_have_files_of_their_own() {
        let mut annotations = Annotations::new(AnnotationFormat::Yolo, &["person".to_owned()]);
        let mut add = |name| {
            let photo = PhotoInfo { name, width: 4, height: 4 };
            annotations.add(&photo, &[]).unwrap().unwrap().name
        };
        assert_eq!(["a/x.jpg", "b/X.png"].map(&mut add), ["labels/x.txt", "labels/X-2.txt"]);
        assert_eq!(annotations.finish().unwrap().unwrap().name, "data.yaml");
    }
}
