//! The steps towards a file of many photos.

use serde::{Deserialize, Serialize};

use crate::export::PictureFormat;
use crate::web::export::Product;
use crate::web::gallery::PhotoKey;

/// The next step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CollectStep {
    /// Begin a file; an unfinished one is dropped.
    Begin {
        /// What to build from each photo.
        product: Product,
        /// The file format of pictures.
        format: PictureFormat,
        /// Objects with a lower score are left out, unless they were asked for or edited by hand.
        threshold: f32,
    },
    /// Add a photo.
    Add {
        /// The photo.
        key: PhotoKey,
        /// Its file name.
        name: String,
    },
    /// Complete the file.
    Finish,
}
