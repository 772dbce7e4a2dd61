//! Parts of the photo are hidden, and a masked autoencoder draws them: what is asked of it, and what it answers.

use serde::{Deserialize, Serialize};

use crate::web::place::Place;

/// The most that can be hidden by chance, in percent.
pub const MOST_PERCENT: u32 = 95;

/// How hidden patches are chosen by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// Each patch alike.
    Random,
    /// Rectangles of many patches.
    Block,
    /// All but one of every 2×2; beyond or below that share, chance decides.
    Grid,
}

/// Which patches are hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hiding {
    /// A share of them.
    Chance {
        /// How many of a hundred, up to [`MOST_PERCENT`].
        percent: u32,
        /// How they are chosen.
        sampling: Sampling,
        /// The same seed hides the same patches.
        seed: u32,
    },
    /// Whether each is, row by row.
    ByHand(Vec<bool>),
}

/// What is to be drawn of the photo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// What is hidden, in each of the pictures.
    pub hidings: Vec<Hiding>,
    /// Whether the photo is kept where it was seen.
    pub pastes: bool,
}

/// What the page asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RedrawRequest {
    /// Fetch a masked autoencoder; the one before goes. The segmenter stays. Files: those of the folder, for [`Place::Device`].
    Load {
        /// Where its weights are.
        place: Place,
        /// Address of the Hub or its mirror.
        hub: String,
    },
    /// Draw the photo.
    Draw(Wish),
    /// Make a PNG of what is drawn.
    Picture(Wish),
    /// Make a moving picture of the first hiding, from nothing hidden to almost all; it goes by chance.
    Animation(Wish),
    /// What the features of the two encoders, before and after fine-tuning, tell of the photo.
    Features,
}

/// What the worker answers; files come as [`Reply::Exported`](super::Reply::Exported).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RedrawReply {
    /// The masked autoencoder is ready.
    Loaded(RedrawModel),
    /// The photo, drawn as often as wished. Buffers, RGBA: the square of the photo that the model is shown, and of each drawing
    /// what was seen of it and the picture.
    Drawn(Vec<Drawn>),
    /// Columns and rows of the patches of each encoder. Buffers, of each encoder: a colour for each patch, RGBA, and how alike any two patches are,
    /// a byte each.
    Features([[usize; 2]; 2]),
}

/// The masked autoencoder in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedrawModel {
    /// Where its weights came from; never [`Place::SiteOrHub`].
    pub place: Place,
    /// Patches a side.
    pub grid: usize,
    /// Side of the square it draws, in pixels.
    pub side: usize,
    /// Size of its weights, in bytes.
    pub weight_bytes: u64,
}

/// What came of a hiding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Whether each patch was hidden, row by row.
    pub hidden: Vec<bool>,
    /// Signal to noise ratio of the drawn patches, in decibels, and structural similarity of the picture; where something was hidden.
    pub likeness: Option<[f64; 2]>,
    /// How long the model took, in milliseconds.
    pub elapsed_ms: f64,
}
