//! Photos that only the browser can decode, such as AVIF.

use js_sys::Array;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageBitmap, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

use crate::image::{ImageError, MAX_PIXELS, RgbImage};

/// Decodes a file with the browser, upright, in sRGB and over white, as photos are decoded here; `None` if it
/// cannot.
///
/// # Errors
/// [`ImageError::TooLarge`]
pub(super) async fn decode(file: &JsValue) -> Result<Option<RgbImage>, ImageError> {
    let Ok(bitmap) = bitmap(file).await else { return Ok(None) };
    let (width, height) = (bitmap.width(), bitmap.height());
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(ImageError::TooLarge { width, height, most: MAX_PIXELS });
    }
    let rgba = pixels(&bitmap).unwrap_or_default();
    bitmap.close();
    let rgb = rgba.as_chunks().0.iter().flat_map(|[red, green, blue, _]| [*red, *green, *blue]).collect();
    Ok(RgbImage::new(width as usize, height as usize, rgb).ok())
}

async fn bitmap(file: &JsValue) -> Result<ImageBitmap, JsValue> {
    let blob = Blob::new_with_buffer_source_sequence(&Array::of1(file))?;
    JsFuture::from(super::scope().create_image_bitmap_with_blob(&blob)?).await?.dyn_into()
}

fn pixels(bitmap: &ImageBitmap) -> Result<Vec<u8>, JsValue> {
    let (width, height) = (bitmap.width(), bitmap.height());
    let canvas = OffscreenCanvas::new(width, height)?;
    let context = canvas.get_context("2d")?.ok_or(JsValue::NULL)?;
    let context: OffscreenCanvasRenderingContext2d = context.unchecked_into();
    context.set_fill_style_str("white");
    let (across, down) = (f64::from(width), f64::from(height));
    context.fill_rect(0.0, 0.0, across, down);
    context.draw_image_with_image_bitmap(bitmap, 0.0, 0.0)?;
    let image = context.get_image_data(0.0, 0.0, across, down)?;
    Ok(image.data().0)
}
