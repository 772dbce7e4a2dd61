//! Pictures as PNG files that name this program.

use std::io::Cursor;

use anyhow::{Context, Result};
use image::{DynamicImage, ImageFormat};

use crate::files::drawn::marked;

/// Returns the bytes of a PNG file that names this program.
pub(in crate::cli) fn png(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).context("the picture cannot be encoded as PNG")?;
    Ok(marked(bytes.get_ref(), "results"))
}
