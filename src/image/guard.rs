//! A decoder that panics takes nothing along but its own photo.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ImageError;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is decoding a photo: a panic is then told as the error of that photo, and need not be reported
/// by a panic hook.
#[must_use]
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Does `work`, and makes an error of its panic. Where panics abort, as in a browser, it changes nothing.
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
