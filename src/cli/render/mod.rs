//! Charts, pages and pictures.

mod chart;
mod html;
mod png;

pub(super) use chart::{Line, Words, chart};
pub(super) use html::{GENERATOR, Page};
pub(super) use png::png;
