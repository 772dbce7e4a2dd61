//! What is on the page, piece by piece. Each reads the state it shows and dispatches events; none computes.

mod controls;
mod drop_zone;
mod frame;
mod instance_list;
mod status_bar;
mod viewer;

pub(super) use controls::Controls;
pub(super) use drop_zone::DropZone;
pub(super) use frame::{Footer, Header};
pub(super) use instance_list::InstanceList;
pub(super) use status_bar::StatusBar;
pub(super) use viewer::Viewer;
