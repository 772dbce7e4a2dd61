//! Pictures that accompanied replies, for as long as they are shown.

use js_sys::ArrayBuffer;
use leptos::prelude::{LocalStorage, RwSignal, Set};

use super::protocol::Size;

#[derive(Debug, Clone, Copy)]
pub(super) struct Sheets {
    /// RGBA: the square of the photo that the drawing model gets; for each drawing the visible patches and
    /// the picture.
    pub(super) redrawn: RwSignal<Vec<ArrayBuffer>, LocalStorage>,
    /// For the encoder before and after fine-tuning: a colour per patch, RGBA, and the similarity of every
    /// two patches, a byte each.
    pub(super) features: RwSignal<Vec<ArrayBuffer>, LocalStorage>,
}

impl Sheets {
    pub(super) fn new() -> Self {
        Self { redrawn: RwSignal::new_local(Vec::new()), features: RwSignal::new_local(Vec::new()) }
    }

    pub(super) fn show_redrawn(self, buffers: &[ArrayBuffer]) {
        self.redrawn.set(buffers.to_vec());
    }

    pub(super) fn show_features(self, buffers: &[ArrayBuffer]) {
        self.features.set(buffers.to_vec());
    }
}

/// Returns the size of a square picture of RGBA pixels.
pub(super) fn square_of(rgba: &ArrayBuffer) -> Size {
    let side = (rgba.byte_length() as usize / 4).isqrt();
    Size { width: side, height: side }
}
