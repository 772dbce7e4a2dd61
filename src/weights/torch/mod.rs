//! PyTorch's own files (`.pth`, `.pt`, `.bin`): zip archives, and the streams before version 1.6.
//!
//! Their table of contents is a pickle, a program for Python. It is read by a machine that knows only what
//! weights need: plain containers and tensors. Anything else that a pickle asks for is refused by name;
//! nothing is run.

mod archive;
mod calls;
mod legacy;
mod machine;
mod pieces;
mod reader;
mod tensors;
mod value;

use super::{Header, WeightSource, WeightsError};

/// Maximum bytes of a table of contents; those of published models have less than one million.
const MAX_PICKLE_BYTES: u64 = 64 << 20;
/// Tensors may share values, but their total size may be at most this many times that of the file.
const MAX_SHARING: u64 = 4;

/// Why a PyTorch file is refused.
#[derive(Debug, thiserror::Error)]
enum TorchError {
    #[error("its table of contents is cut off; download it again")]
    Truncated,
    #[error("its table of contents is damaged at byte {at}; download it again")]
    Damaged { at: usize },
    #[error(
        "its table of contents has the instruction 0x{code:02x} at byte {at}, which no weights need; {WAY_ON}"
    )]
    Instruction { code: u8, at: usize },
    #[error("it asks Python for `{name}`, which no weights need, so none of it is read; {WAY_ON}")]
    Global { name: String },
    #[error("its table of contents is longer than that of any model; {WAY_ON}")]
    TooLong,
    #[error("it has no tensors by name, neither at its top nor under {known}, but {found}; {WAY_ON}")]
    NoTensors { known: String, found: String },
    #[error("tensor `{name}` {reason}")]
    Tensor { name: String, reason: String },
    #[error("it was written on a big-endian machine; {WAY_ON}")]
    BigEndian,
    #[error("its storage `{key}` is not what its table of contents says; download it again")]
    Storage { key: String },
    #[error("{0}")]
    Archive(String),
}

/// End of the messages above: what to do with a trusted file.
const WAY_ON: &str =
    "if you trust it, open it in Python and save its tensors with safetensors.torch.save_file";

/// Returns a name from the file for error messages, shortened and with control characters escaped.
fn shown(name: &str) -> String {
    name.escape_debug().take(80).collect()
}

impl TorchError {
    fn of_file(self, file: &str) -> WeightsError {
        WeightsError::Format { file: file.to_owned(), reason: self.to_string() }
    }
}

/// Reads the table of contents of a PyTorch file; `None` if `first`, its first eight bytes, belong to another
/// format.
///
/// # Errors
/// [`WeightsError::Format`] if it is damaged, holds anything but tensors and plain containers, or states
/// wrong sizes.
pub(super) async fn read_header(
    source: &impl WeightSource,
    file: &str,
    first: &[u8],
) -> Result<Option<Header>, WeightsError> {
    let zipped = first.starts_with(b"PK\x03\x04");
    if !zipped && !legacy::begins(first) {
        return Ok(None);
    }
    let refused = |reason: String| WeightsError::Format { file: file.to_owned(), reason };
    let size = source.size(file).ok_or_else(|| {
        refused("the server does not report its size; download it and give the file".to_owned())
    })?;
    let (mut tensors, norm_pix_loss) = if zipped {
        archive::tensors(source, file, size).await?
    } else {
        legacy::tensors(source, file, size).await?
    };
    let total = tensors.iter().map(|tensor| tensor.end - tensor.start).fold(0, u64::saturating_add);
    if total > MAX_SHARING.saturating_mul(size) {
        return Err(refused(format!("its tensors claim {total} bytes where the file has {size}")));
    }
    tensors.sort_by_key(|tensor| tensor.start);
    Ok(Some(Header { file: file.to_owned(), tensors, norm_pix_loss, bytes: Vec::new() }))
}
