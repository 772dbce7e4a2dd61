//! Serialisation of documents, which are kept while another photo is shown or the page is closed.

use super::{Document, Object};
use crate::mask::SoftPixel;

/// Maximum runs of masks in the steps that are kept for undo; beyond them the oldest steps are dropped.
const MOST_RUNS_KEPT: usize = 1_000_000;

impl Document {
    /// Returns the document as JSON, with the latest steps of its history.
    ///
    /// # Errors
    ///
    /// The errors of [`serde_json::to_vec`], which these types do not cause.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut kept = self.clone();
        kept.history.forget_beyond(MOST_RUNS_KEPT);
        serde_json::to_vec(&kept)
    }

    /// Restores a document from its bytes, if they are valid.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let document: Self = serde_json::from_slice(bytes).ok()?;
        let [width, height] = document.size;
        let fits = |object: &Object| {
            let is_there = |pixel: &SoftPixel| (pixel.x as usize) < width && (pixel.y as usize) < height;
            object.mask.size == [height, width]
                && object.mask.to_mask().is_ok()
                && object.soft.iter().all(is_there)
        };
        let is_whole =
            document.objects().all(|(_, object)| fits(object)) && document.history.objects().all(fits);
        is_whole.then_some(document)
    }
}

/// Serialises data that several steps share; each step stores its own copy.
pub(super) mod shared {
    use std::rc::Rc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in super::super) fn serialize<T: Serialize, S: Serializer>(
        shared: &Rc<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        shared.as_ref().serialize(to)
    }

    pub(in super::super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Rc<T>, D::Error> {
        T::deserialize(from).map(Rc::new)
    }
}
