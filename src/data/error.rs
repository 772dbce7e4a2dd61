//! Errors of data sets.

use std::io;
use std::path::{Path, PathBuf};

use crate::image::{ImageError, MAX_PIXELS};
use crate::mask::MaskError;
use crate::text::counted;

/// Why a data set cannot be used; every message names the file at fault.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A tar shard is incomplete.
    #[error("{} is not a complete tar file ({reason}); download or create it again", path.display())]
    Shard {
        /// The shard.
        path: PathBuf,
        /// What is incomplete.
        reason: String,
    },
    /// A zip file, or an entry of it, cannot be read.
    #[error("{} cannot be read as a zip file ({reason})", path.display())]
    Zip {
        /// The zip file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A photo could not be decoded.
    #[error("{name}: {source}")]
    Image {
        /// The file, or `shard.tar:member`.
        name: String,
        /// What is wrong with it.
        source: ImageError,
    },
    /// An annotation file is not in the COCO instances format, or contradicts itself.
    #[error("{} is not a usable COCO instances file: {reason}", path.display())]
    Annotations {
        /// The annotation file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An annotation does not follow the COCO format.
    #[error("{0}")]
    Annotation(String),
    /// An annotation's outline is not a mask of its photo.
    #[error("{annotation}: {source}")]
    Outline {
        /// Name of the annotation for messages.
        annotation: String,
        /// What is wrong with its outline.
        source: OutlineError,
    },
    /// A listed photo is missing.
    #[error("photo {listed} is not in {}", folder.display())]
    MissingPhoto {
        /// The name in the annotation file.
        listed: String,
        /// The folder that was searched.
        folder: PathBuf,
    },
    /// A listed photo is missing, but another one with its file name exists.
    #[error(
        "photo {listed} is not in {}: {found} there could be any of {}; give the folder in which both paths begin",
        folder.display(), both.join(" and ")
    )]
    OtherPhoto {
        /// The name in the annotation file.
        listed: String,
        /// The folder that was searched.
        folder: PathBuf,
        /// The file with the same name in another folder.
        found: String,
        /// Two names in the annotation file that end alike.
        both: [String; 2],
    },
    /// A photo's size differs from the one its annotations were made for.
    #[error("{} has {}×{} pixels, but its annotations were made for {}×{}{}",
        path.display(), found[0], found[1], told[0], told[1], if_turned(*found, *told))]
    PhotoSize {
        /// The photo.
        path: PathBuf,
        /// Width and height of the file.
        found: [usize; 2],
        /// Width and height in the annotation file.
        told: [usize; 2],
    },
    /// The list of cut-outs is malformed.
    #[error("{} is not a list of cut-outs with `file` and `category`: {reason}", path.display())]
    CutoutList {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A cut-out could not be decoded.
    #[error("cut-out {}: {reason}", path.display())]
    Cutout {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of teacher features cannot be used.
    #[error("{} cannot serve as teacher features: {reason}", path.display())]
    Features {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no photo under the given paths.
    #[error("no photos (jpg, png, webp, bmp, gif, tiff, or .tar, .tar.gz or .zip files of them) in {0}")]
    NoPhotos(String),
    /// Every photo tried was unusable.
    #[error("none of the {} tried could be used; the first error: {first}", counted(*tried, "photo"))]
    NoReadablePhoto {
        /// Number of photos tried.
        tried: usize,
        /// The first failure.
        first: Box<Self>,
    },
}

fn if_turned(found: [usize; 2], told: [usize; 2]) -> &'static str {
    if found == [told[1], told[0]] { "; photos are turned upright, as their EXIF says, before" } else { "" }
}

impl DataError {
    /// Turns errors in the annotations into errors that name their file.
    pub(crate) fn in_file(self, annotations: &Path) -> Self {
        match self {
            Self::Annotation(_)
            | Self::Outline { .. }
            | Self::MissingPhoto { .. }
            | Self::OtherPhoto { .. } => {
                Self::Annotations { path: annotations.to_path_buf(), reason: self.to_string() }
            }
            other => other,
        }
    }
}

/// Why an outline is not a mask of its photo.
#[derive(Debug, thiserror::Error)]
pub enum OutlineError {
    /// The run-length encoding is malformed.
    #[error(transparent)]
    Mask(#[from] MaskError),
    /// There is no outline.
    #[error("`segmentation` is missing or empty: the object has no outline, and a box alone says too little")]
    Missing,
    /// A polygon could not be filled.
    #[error("its polygons cannot be filled: {0}")]
    Polygon(String),
    /// All vertices lie between 0 and 1.
    #[error(
        "all its corners lie between 0 and 1, like fractions of the photo; COCO's are in pixels: multiply x by the width, y by the \
         height"
    )]
    Shares,
    /// The photo is too large for a mask.
    #[error("its photo is {width}×{height}, more than {} megapixels", MAX_PIXELS / 1_000_000)]
    TooLarge {
        /// Width of the photo.
        width: usize,
        /// Height of the photo.
        height: usize,
    },
    /// The mask and its photo differ in size.
    #[error("its mask is {}×{}, the photo {width}×{height}{}", size[1], size[0], if_swapped(*size, [*width, *height]))]
    Size {
        /// Height and width of the mask.
        size: [usize; 2],
        /// Width of the photo.
        width: usize,
        /// Height of the photo.
        height: usize,
    },
}

fn if_swapped(size: [usize; 2], photo: [usize; 2]) -> &'static str {
    if photo == [0; 2] {
        return "; the annotations do not state its size, the photo in its folder would";
    }
    if size == photo { " (`size` is height, width)" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_on_its_side_is_told_why() {
        let told = |found| DataError::PhotoSize { path: "a.jpg".into(), found, told: [4, 3] }.to_string();
        assert!(told([3, 4]).contains("EXIF") && !told([4, 4]).contains("EXIF"));
    }
}
