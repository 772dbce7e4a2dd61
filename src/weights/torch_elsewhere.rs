//! PyTorch's own files where they are not read: in the page.

use super::{Header, WeightSource, WeightsError};

/// Files of another kind are none of our business.
///
/// # Errors
/// [`WeightsError::Format`] for a zip archive or a pickle.
pub(super) async fn read_header(
    _source: &impl WeightSource,
    file: &str,
    first: &[u8],
) -> Result<Option<Header>, WeightsError> {
    if !first.starts_with(b"PK\x03\x04") && !first.starts_with(&[0x80, 2, 0x8a, 0x0a]) {
        return Ok(None);
    }
    let reason = "it is PyTorch's own kind, which the page does not read; `mae-seg import` on the command line makes a \
                  folder of it that opens here";
    Err(WeightsError::Format { file: file.to_owned(), reason: reason.to_owned() })
}
