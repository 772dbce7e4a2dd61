//! Pictures that came beside replies, for as long as they are shown.

use js_sys::ArrayBuffer;
use leptos::prelude::{LocalStorage, RwSignal, Set};

use super::protocol::Size;

#[derive(Debug, Clone, Copy)]
pub(super) struct Sheets {
    /// RGBA: the square of the photo that is shown to the model that draws; for each drawing what was seen of it, and the picture.
    pub(super) redrawn: RwSignal<Vec<ArrayBuffer>, LocalStorage>,
    /// Of the encoder before and after fine-tuning: a colour for each patch, RGBA, and how alike any two patches are, a byte each.
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

/// The size of a square picture of RGBA pixels.
pub(super) fn square_of(rgba: &ArrayBuffer) -> Size {
    let side = (rgba.byte_length() as usize / 4).isqrt();
    Size { width: side, height: side }
}
