//! The objects that a segmenter finds.

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
    /// The object's pixels, at the photo's size.
    pub mask: BinaryMask,
    /// The tight box around the mask in photo pixels, `[x, y, width, height]`.
    pub bbox: [usize; 4],
}

/// Returns how many of a model's labels, from the first on, are countable things; the rest is stuff like sky
/// and grass.
///
/// COCO's panoptic task has 133 labels, numbered by their ids without gaps: 80 things, then 53 kinds of stuff
/// (<https://cocodataset.org/#panoptic-2020>). Checkpoints with unnamed labels keep this order.
#[must_use]
pub fn num_things(labels: &[String]) -> usize {
    match labels {
        [first, ..] if labels.len() == 133 && (first == "person" || first == "LABEL_0") => 80,
        _ => labels.len(),
    }
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

/// Returns the colour of the instance at `index`, the same wherever it is drawn or listed.
#[must_use]
pub const fn colour(index: usize) -> [u8; 3] {
    PALETTE[index % PALETTE.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cocos_panoptic_labels_hold_stuff() {
        let labels = |first: &str, count: usize| {
            let mut labels: Vec<String> = (0..count).map(|i| format!("LABEL_{i}")).collect();
            first.clone_into(&mut labels[0]);
            labels
        };
        assert_eq!(num_things(&labels("person", 133)), 80);
        assert_eq!(num_things(&labels("LABEL_0", 133)), 80);
        assert_eq!(num_things(&labels("wall", 133)), 133);
        assert_eq!(num_things(&labels("person", 80)), 80);
        assert_eq!(num_things(&[]), 0);
    }
}
