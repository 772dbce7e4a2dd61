//! The steps towards a file of many photos.

use serde::{Deserialize, Serialize};

use crate::export::PictureFormat;
use crate::web::export::Product;
use crate::web::gallery::PhotoKey;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum CollectStep {
    /// Begin a file; one that was not finished goes.
    Begin {
        /// What is made of each photo.
        product: Product,
        /// How pictures are packed.
        format: PictureFormat,
        /// Objects with a lower score are left out, unless they were asked for or edited by hand.
        threshold: f32,
    },
    /// Take in a photo.
    Add {
        /// Which photo.
        key: PhotoKey,
        /// Its file name.
        name: String,
    },
    /// Complete the file.
    Finish,
}
