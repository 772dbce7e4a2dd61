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

const PALETTE: [[u8; 3]; 12] = [
    [255, 99, 110],
    [56, 176, 255],
    [255, 196, 46],
    [62, 207, 142],
    [186, 130, 255],
    [255, 144, 66],
    [36, 209, 214],
    [255, 112, 190],
    [164, 214, 64],
    [112, 141, 255],
    [240, 168, 120],
    [128, 222, 190],
];

/// The colour of the instance at `index`, the same wherever it is drawn or listed.
#[must_use]
pub const fn colour(index: usize) -> [u8; 3] {
    PALETTE[index % PALETTE.len()]
}
