//! What goes to the terminal and into files: results, and the progress of what takes time.

pub(super) mod output;
pub(super) mod progress;
pub(super) mod stop;
#[cfg_attr(not(feature = "tui"), path = "tui_off.rs")]
mod tui;
