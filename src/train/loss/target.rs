//! The ground truth that predictions are compared with.

use crate::mask::BinaryMask;

/// The ground truth of an image.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// The class of each object. `None` marks an object of unknown class: any class is right, "no object" is
    /// wrong.
    pub labels: Vec<Option<usize>>,
    /// The confidence that each object is there, above 0 and up to 1, if a model labelled the image; if
    /// empty, all objects are certain.
    pub confidences: Vec<f32>,
    /// The mask of each object, all of one size, which may differ from that of the logits.
    pub masks: Vec<BinaryMask>,
    /// The region where objects may be unlabelled: an unmatched query whose mask lies mostly here is ignored
    /// in the class loss.
    pub ignore: Option<BinaryMask>,
}

impl Target {
    /// Returns the confidence that the object is there, above 0 and up to 1.
    pub(crate) fn confidence(&self, object: usize) -> f32 {
        self.confidences.get(object).copied().unwrap_or(1.0)
    }

    /// Returns the sum of the confidences.
    pub(super) fn objects(&self) -> f32 {
        (0..self.masks.len()).map(|object| self.confidence(object)).sum()
    }
}

/// Returns the confidence of the object of each pair.
pub(super) fn confidences(targets: &[Target], matches: &[Vec<(usize, usize)>]) -> Vec<f32> {
    let pairs = matches.iter().zip(targets);
    pairs.flat_map(|(pairs, target)| pairs.iter().map(|pair| target.confidence(pair.1))).collect()
}
