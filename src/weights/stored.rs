//! Tensors as they lie in a file, and in memory.

use std::ops::Range;

use safetensors::tensor::Dtype;

use super::{WeightSource, WeightsError};

/// A tensor's entry in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// Name in the file, without prefixes of wrappers such as PyTorch's data parallel.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Type of its values.
    pub dtype: Dtype,
    /// Offset of its first byte in the file.
    pub(super) start: u64,
    /// Offset after its last byte.
    pub(super) end: u64,
    /// Strides along each axis in values, unless the tensor is row-major.
    pub(super) strides: Option<Vec<usize>>,
}

impl StoredTensor {
    /// Checks that the type is supported.
    ///
    /// # Errors
    /// [`WeightsError::Type`] for anything but floats and 8-bit integers.
    pub(super) fn check_type(&self) -> Result<(), WeightsError> {
        match self.dtype {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 | Dtype::I8 => Ok(()),
            dtype => Err(WeightsError::Type { name: self.name.clone(), dtype: format!("{dtype:?}") }),
        }
    }
}

/// The validated header of a safetensors or PyTorch file: every tensor lies within the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Name of the file.
    pub file: String,
    /// Tensors in the order of the file.
    pub tensors: Vec<StoredTensor>,
    /// Whether a masked autoencoder predicts pixels normalised per patch, if settings beside the weights say
    /// so.
    pub norm_pix_loss: Option<bool>,
    /// Bytes in front of the tensors, which then follow each other without gaps; empty if they do not.
    pub(super) bytes: Vec<u8>,
}

/// Reads the bytes of `range`, all of them.
pub(super) async fn exactly(
    source: &impl WeightSource,
    file: &str,
    range: Range<u64>,
) -> Result<Vec<u8>, WeightsError> {
    let bytes = source.read_range(file, range.clone()).await?;
    if bytes.len() as u64 == range.end - range.start {
        return Ok(bytes);
    }
    let reason = format!(
        "{} bytes from {} on were requested, but {} received",
        range.end - range.start,
        range.start,
        bytes.len()
    );
    Err(WeightsError::Format { file: file.to_owned(), reason })
}

/// A tensor on the host, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// The values, widened to f32.
    pub values: Vec<f32>,
}
