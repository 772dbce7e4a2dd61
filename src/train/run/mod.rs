//! The folder of a training run: its manifest, history, checkpoints and pictures, written so that a run
//! stopped at any moment leaves no half of a file.

mod atomic;
mod claim;
mod event;
mod folder;
mod history;
mod kept;
mod manifest;
mod panel;
mod stored;
mod tensorboard;

pub use event::{Step, TrainEvent};
pub use folder::RunFolder;
pub(super) use folder::{Best, Standing, Written};
pub use history::{Run, differences};
pub use manifest::RunManifest;
pub use panel::reconstruction_panel;
pub(super) use panel::{MOST_ROWS, prediction_panel, views_panel};
