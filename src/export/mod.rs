//! Exported files: pictures and annotations. Values in, bytes out; the page and the command line write the
//! same.
//!
//! | what | module |
//! |---|---|
//! | cut-outs, other backgrounds | [`cut_out`], [`replace_background`] |
//! | masks, numbers of objects, overlay | [`mask_files`], [`overlay()`] |
//! | COCO, YOLO, LabelMe, CVAT, SVG | [`Annotations`] |
//! | all of it in one file | [`zip()`], [`Zip`] |

mod animation;
mod annotations;
mod background;
mod coco;
mod cutout;
mod cvat;
mod foreground;
mod labelme;
mod labels;
mod masks;
mod names;
mod overlay;
mod picture;
mod polygon;
mod soft;
mod svg;
mod yolo;
mod zip;

pub use animation::animation_file;
pub use annotations::{AnnotationFormat, Annotations};
pub use background::{Background, replace_background};
pub use cutout::{Frame, cut_out};
pub use masks::mask_files;
pub use names::{UniqueNames, object_name, stem};
pub use overlay::overlay;
pub use picture::{PictureFormat, mask_png, picture_file};
pub use zip::{Zip, zip};

use crate::instance::Instance;
use crate::mask::{BinaryMask, Matte, SoftPixel};

/// One object of a photo, in the form in which it is exported.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// Number in the list of the photo's objects, counted from 1; names the object's files and selects its
    /// colour.
    pub number: usize,
    /// The label.
    pub label: &'a str,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Pixels of the object, at the photo's size.
    pub mask: &'a BinaryMask,
    /// The soft pixels along its edge, as those of a [`Matte`]; formats without transparency ignore them.
    pub soft: &'a [SoftPixel],
}

impl<'a> Object<'a> {
    /// Wraps all instances, numbered in their order.
    pub fn all(instances: &'a [Instance]) -> Vec<Self> {
        let object = |(instance, number): (&'a Instance, usize)| Object {
            number,
            label: &instance.label,
            score: instance.score,
            mask: &instance.mask,
            soft: &[],
        };
        instances.iter().zip(1..).map(object).collect()
    }

    /// Combines its mask and its soft edge.
    #[must_use]
    pub fn matte(&self) -> Matte {
        Matte::new(self.mask.clone(), self.soft)
    }
}

/// A photo as annotations refer to it.
#[derive(Debug, Clone, Copy)]
pub struct PhotoInfo<'a> {
    /// The file name, with the folders that annotations should state.
    pub name: &'a str,
    /// Pixels per row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

/// A file in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedFile {
    /// The name, with folders if the format has some (`labels/a.txt`).
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

impl ExportedFile {
    /// Returns the media type, by the name's extension.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.name.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "png" => "image/png",
            "webp" => "image/webp",
            "gif" => "image/gif",
            "svg" => "image/svg+xml",
            "json" => "application/json",
            "xml" => "application/xml",
            "zip" => "application/zip",
            _ => "text/plain",
        }
    }
}

/// Why a file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The encoder refused a picture.
    #[error("the picture cannot be written: {0}")]
    Picture(#[from] image::ImageError),
    /// A picture has more pixels per side than WebP allows.
    #[error(
        "WebP holds at most {MAX_WEBP_SIDE} pixels a side, but the picture has {width} × {height}: save it as PNG"
    )]
    TooLargeForWebP {
        /// Pixels per row.
        width: u32,
        /// Number of rows.
        height: u32,
    },
    /// No object has a pixel.
    #[error("none of the objects has a pixel: draw it first, or take another")]
    NoPixels,
    /// A photo is needed for the background, but none was given.
    #[error("no photo was chosen for the background: choose one, or a colour")]
    NoBackdrop,
    /// An object's number does not fit into 16 bits.
    #[error(
        "a picture of object numbers holds at most {}, but one of the objects has {number}: save fewer objects",
        u16::MAX
    )]
    TooManyObjects {
        /// The number.
        number: usize,
    },
    /// Annotations could not be serialised.
    #[error("the annotations cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// Files could not be zipped.
    #[error("the files cannot be packed: {0}")]
    Zip(#[from] rawzip::Error),
}

/// The maximum side of a WebP picture, in pixels.
pub(crate) const MAX_WEBP_SIDE: u32 = 16_383;
