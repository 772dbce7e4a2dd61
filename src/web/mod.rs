//! The page: a Leptos app on the main thread, the engine in a worker.
//!
//! ```text
//! main thread                                      worker
//! components ──Event──▶ AppState::update            serve ──▶ Session
//!     ▲                     │ Effect                             │ Engine::{load, warm_up, segment}
//!     └──── signals ◀── app ┴─▶ client ──Request──▶ channel ──▶ ─┤ WeightFolder: fetch, verify, keep
//!                           ◀── client ◀──Reply──── channel ◀── ─┘ overlay, export
//! ```
//!
//! The main thread never loops over pixels: photo and overlay arrive as finished RGBA buffers. [`protocol`],
//! [`state`], [`document`], [`gallery`], [`camera`], [`patches`], [`place`], [`overlay`], [`export`],
//! [`collection`], [`language`] and the texts are plain Rust and tested on the host; the rest needs a
//! browser.

pub mod camera;
pub mod catalogue;
pub mod collection;
pub mod document;
pub mod export;
pub mod gallery;
pub mod given;
pub mod language;
pub mod overlay;
pub mod pace;
pub mod patches;
pub mod place;
pub mod protocol;
mod sentence;
pub mod state;
#[cfg(any(feature = "page", test))]
mod texts;

#[cfg(feature = "page")]
mod app;
#[cfg(feature = "browser")]
mod channel;
#[cfg(feature = "browser")]
mod client;
#[cfg(feature = "page")]
pub mod components;
#[cfg(feature = "page")]
mod desk;
#[cfg(feature = "page")]
mod dom;
#[cfg(feature = "page")]
mod dropped;
#[cfg(feature = "page")]
mod handover;
#[cfg(feature = "page")]
mod keeper;
#[cfg(feature = "browser")]
mod script;
#[cfg(feature = "page")]
mod sheets;
#[cfg(feature = "worker")]
pub mod worker;
