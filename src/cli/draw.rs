//! Pictures as PNG files of this program.

use std::io::Cursor;

use anyhow::{Context, Result};
use image::{DynamicImage, ImageFormat};

use crate::files::drawn::marked;

/// The bytes of a PNG file, with the mark of this program.
pub(super) fn png(picture: &DynamicImage) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).context("the picture cannot be encoded as PNG")?;
    Ok(marked(bytes.get_ref(), "results"))
}
