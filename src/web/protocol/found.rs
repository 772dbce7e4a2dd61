//! An object of the photo, as the page knows it.

use serde::{Deserialize, Serialize};

/// One object of the photo, without its mask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Class name.
    pub label: String,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Pixels of the mask, at the photo's own size.
    pub area: usize,
    /// `[x, y, width, height]` in the photo, in pixels.
    pub bbox: [usize; 4],
    /// How many of the transferred runs are this mask's.
    pub runs: usize,
    /// Whether it was asked for or edited by hand; then it is listed whatever its score.
    pub asked: bool,
    /// Whether it is there.
    pub presence: Presence,
}

/// Whether an instance is there.
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
    /// What an empty place is said to hold.
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

    /// Whether it is listed where instances of a lower score than `threshold` are left out.
    #[must_use]
    pub fn is_listed(&self, threshold: f32) -> bool {
        self.presence != Presence::Deleted && (self.asked || self.score >= threshold)
    }

    /// Whether it is shown on the photo where instances of a lower score than `threshold` are left out.
    #[must_use]
    pub fn is_shown(&self, threshold: f32) -> bool {
        self.presence == Presence::Visible && self.is_listed(threshold)
    }
}
