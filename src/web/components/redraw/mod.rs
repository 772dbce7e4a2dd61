//! The view in which parts of the photo are hidden and the model draws them: pictures, controls, and feature
//! maps.

mod by_hand;
mod choices;
mod features;
mod figures;
mod picture;
mod stage;

pub(super) use choices::RedrawPanel;
pub(super) use stage::RedrawStage;
