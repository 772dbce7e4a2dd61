//! Turns a panic of a decoder into the error of a single photo.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ImageError;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether this thread is decoding a photo: a panic then becomes the error of that photo, and a panic
/// hook need not report it.
#[must_use]
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Runs `work` and returns its panic as an error. Where panics abort, as in a browser, it changes nothing.
pub(super) fn catch<T>(
    format: &'static str,
    work: impl FnOnce() -> Result<T, ImageError>,
) -> Result<T, ImageError> {
    DECODING.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DECODING.set(false);
    outcome.unwrap_or_else(|panic| Err(ImageError::DecoderFailed { format, reason: words(&*panic) }))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_and_the_next_photo_is_read() {
        let error = catch::<()>("TIFF", || panic!("index {} of 3", 4)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the decoder failed on this TIFF file (index 4 of 3): export it as JPEG or PNG"
        );
        assert_eq!(catch("TIFF", || Ok(is_decoding())), Ok(true));
        assert!(!is_decoding());
    }
}
