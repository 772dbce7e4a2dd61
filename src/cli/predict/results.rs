//! The output of `mae-seg predict` in its various formats.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ValueEnum;

use super::annotations::AnnotationFolder;
use super::pictures::{FoundFolder, Pictures};
use crate::cli::terminal::output::print_line;
use crate::export::AnnotationFormat;
use crate::image::RgbImage;
use crate::instance::Instance;

/// What is written of photos instead of overlays and cut-outs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FormatArg {
    /// COCO annotations with masks as run-length encodings
    Coco,
    /// COCO annotations with masks as polygons
    CocoPolygons,
    /// YOLO segmentation labels and data.yaml
    Yolo,
    /// LabelMe JSON files, to be placed beside the photos
    Labelme,
    /// CVAT for images 1.1
    Cvat,
    /// SVG drawing of the objects
    Svg,
    /// One PNG per mask, and a 16-bit PNG of object numbers
    Masks,
}

/// The destination of the results.
#[derive(Debug)]
pub(super) enum Results {
    Pictures(FoundFolder),
    Annotations(AnnotationFolder),
}

impl Results {
    /// Creates the folder `out` for the objects found in `photos` by a model with these labels.
    pub(super) fn open(
        out: &Path,
        format: Option<FormatArg>,
        photos: &[PathBuf],
        labels: &[String],
    ) -> Result<Self> {
        let format = match format {
            None => return FoundFolder::open(out, Pictures::CutOuts, photos).map(Self::Pictures),
            Some(FormatArg::Masks) => {
                return FoundFolder::open(out, Pictures::Masks, photos).map(Self::Pictures);
            }
            Some(FormatArg::Coco) => AnnotationFormat::Coco,
            Some(FormatArg::CocoPolygons) => AnnotationFormat::CocoPolygons,
            Some(FormatArg::Yolo) => AnnotationFormat::Yolo,
            Some(FormatArg::Labelme) => AnnotationFormat::LabelMe,
            Some(FormatArg::Cvat) => AnnotationFormat::Cvat,
            Some(FormatArg::Svg) => AnnotationFormat::Svg,
        };
        AnnotationFolder::open(out, format, labels).map(Self::Annotations)
    }

    /// Writes the files of one photo.
    pub(super) fn save(&mut self, path: &Path, photo: &RgbImage, instances: &[Instance]) -> Result<()> {
        match self {
            Self::Pictures(folder) => folder.save(path, photo, instances),
            Self::Annotations(folder) => folder.save(path, photo, instances),
        }
    }

    /// Writes the files that describe all photos, and prints where the results are.
    pub(super) fn finish(self, out: &Path) -> Result<()> {
        let what = match self {
            Self::Pictures(_) => "pictures",
            Self::Annotations(folder) => {
                folder.finish()?;
                "annotations"
            }
        };
        print_line(&format!("{what} are in {}", out.display()))
    }
}
