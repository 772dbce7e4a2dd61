//! Messages about hidden parts of the photo and their reconstruction by a masked autoencoder.

use serde::{Deserialize, Serialize};

use crate::web::place::Place;

/// Maximum share that can be hidden at random, in percent.
pub const MOST_PERCENT: u32 = 95;

/// How hidden patches are chosen at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampling {
    /// Patches are sampled uniformly.
    Random,
    /// Rectangular blocks of many patches.
    Block,
    /// All but one of every 2×2 patches; if another share is wanted, the rest is random.
    Grid,
}

/// The hidden patches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hiding {
    /// A random share of them.
    Chance {
        /// The share in percent, up to [`MOST_PERCENT`].
        percent: u32,
        /// How they are chosen.
        sampling: Sampling,
        /// The same seed hides the same patches.
        seed: u32,
    },
    /// Whether each patch is hidden, in row-major order.
    ByHand(Vec<bool>),
}

/// What to draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The hidden patches of each picture.
    pub hidings: Vec<Hiding>,
    /// Whether the photo is kept in visible patches.
    pub pastes: bool,
}

/// A request of the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RedrawRequest {
    /// Load a masked autoencoder in place of the previous one; the segmenter stays. Files: those of the
    /// folder, for [`Place::Device`].
    Load {
        /// Where its weights are.
        place: Place,
        /// Address of the Hub or its mirror.
        hub: String,
    },
    /// Draw the photo.
    Draw(Wish),
    /// Make a PNG of the drawings.
    Picture(Wish),
    /// Make an animation of the first hiding, from nothing hidden to almost all; patches are hidden at
    /// random.
    Animation(Wish),
    /// Compute the features of the photo by both encoders, before and after fine-tuning.
    Features,
}

/// A reply of the worker; files are sent as [`Reply::Exported`](super::Reply::Exported).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum RedrawReply {
    /// The masked autoencoder is ready.
    Loaded(RedrawModel),
    /// The drawings. Buffers, RGBA: the square of the photo that the model gets, and for each drawing the
    /// visible patches and the picture.
    Drawn(Vec<Drawn>),
    /// Columns and rows of the patches of each encoder. Buffers, for each encoder: a colour per patch, RGBA,
    /// and the similarity of every two patches, a byte each.
    Features([[usize; 2]; 2]),
}

/// The masked autoencoder in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedrawModel {
    /// Origin of its weights; never [`Place::SiteOrHub`].
    pub place: Place,
    /// Number of patches per side.
    pub grid: usize,
    /// Side of the square that it draws, in pixels.
    pub side: usize,
    /// Size of its weights in bytes.
    pub weight_bytes: u64,
}

/// The result of one hiding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Whether each patch was hidden, in row-major order.
    pub hidden: Vec<bool>,
    /// Signal-to-noise ratio of the drawn patches in decibels, and structural similarity of the picture;
    /// `None` if nothing was hidden.
    pub likeness: Option<[f64; 2]>,
    /// Time that the model took, in milliseconds.
    pub elapsed_ms: f64,
}
