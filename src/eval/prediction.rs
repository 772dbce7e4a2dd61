//! Rows of COCO's results format.

use serde::{Deserialize, Serialize};

use crate::instance::Instance;
use crate::mask::Rle;

/// One row of COCO's results format for masks.
///
/// It has no box: `pycocotools` would take the object's size from the box instead of from the mask, and its
/// numbers for small, medium and large objects would not be those of masks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The photo's id in the annotations.
    pub image_id: u64,
    /// The category's id in the vocabulary.
    pub category_id: u64,
    /// The mask at the photo's size.
    pub segmentation: CompressedMask,
    /// Confidence, 0 to 1.
    pub score: f32,
}

/// A mask in COCO's compressed run-length encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompressedMask {
    /// Height and width.
    pub size: [usize; 2],
    /// The run lengths as text.
    pub counts: String,
}

impl Prediction {
    /// Creates the row of one instance.
    #[must_use]
    pub fn new(image_id: u64, category_id: u64, instance: &Instance) -> Self {
        let rle = Rle::from_mask(&instance.mask);
        Self {
            image_id,
            category_id,
            segmentation: CompressedMask { size: rle.size, counts: rle.to_coco_string() },
            score: instance.score,
        }
    }
}
