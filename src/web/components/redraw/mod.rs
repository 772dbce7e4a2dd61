//! Parts of the photo are hidden, and the model draws them: pictures, choices, and what the features tell.

mod by_hand;
mod choices;
mod features;
mod figures;
mod picture;
mod stage;

pub(super) use choices::RedrawPanel;
pub(super) use stage::RedrawStage;
