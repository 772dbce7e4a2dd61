//! The objects of the photo as the page knows them.

use serde::{Deserialize, Serialize};

/// One object of the photo, without its mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The label.
    pub label: String,
    /// The score, 0 to 1.
    pub score: f32,
    /// Number of pixels of the mask, at the photo's size.
    pub area: usize,
    /// The box `[x, y, width, height]` in pixels of the photo.
    pub bbox: [usize; 4],
    /// How many of the transferred runs belong to this mask.
    pub runs: usize,
    /// Whether it was asked for or edited by hand; then it is listed whatever its score.
    pub asked: bool,
    /// Whether it exists and is shown.
    pub presence: Presence,
}

/// Whether an instance exists and is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// It is shown and saved.
    Visible,
    /// It is listed, but neither shown nor saved for now.
    Hidden,
    /// Its place is empty.
    Deleted,
}

impl Found {
    /// Returns the object that stands for an empty place.
    #[must_use]
    pub const fn deleted() -> Self {
        Self {
            label: String::new(),
            score: 0.0,
            area: 0,
            bbox: [0; 4],
            runs: 0,
            asked: false,
            presence: Presence::Deleted,
        }
    }

    /// Returns whether it is listed if instances with a score below `threshold` are left out.
    #[must_use]
    pub fn is_listed(&self, threshold: f32) -> bool {
        self.presence != Presence::Deleted && (self.asked || self.score >= threshold)
    }

    /// Returns whether it is shown on the photo if instances with a score below `threshold` are left out.
    #[must_use]
    pub fn is_shown(&self, threshold: f32) -> bool {
        self.presence == Presence::Visible && self.is_listed(threshold)
    }
}
