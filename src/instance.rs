//! What the segmenter finds.

use crate::mask::BinaryMask;

/// One object in a photo.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Index into the model's labels.
    pub category: usize,
    /// The label in words.
    pub label: String,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// The object's pixels, at the photo's own size.
    pub mask: BinaryMask,
    /// Tight box around the mask in photo pixels: x, y, width, height.
    pub bbox: [usize; 4],
}
