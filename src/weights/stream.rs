//! Reads files of tensors piece by piece: the header first, then one tensor after the other through a small window.

use std::ops::Range;

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use super::manifest::Promise;
use super::tensors::Widening;
use super::{HostTensor, ManifestFile, WeightSource, WeightsError, torch};

/// Bytes of the length in front of the header.
const LENGTH_BYTES: u64 = 8;
/// Longest header that is read, in bytes; the format's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Bytes fetched at a time, so that memory does not depend on the file's size.
const WINDOW_BYTES: u64 = 8 << 20;

/// What a header says about one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// Name in the file.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Where its first number begins in the file.
    pub(super) start: u64,
    /// Where its last number ends.
    pub(super) end: u64,
    /// Numbers from one to the next along each axis, where they do not lie row by row.
    pub(super) strides: Option<Vec<usize>>,
}

impl StoredTensor {
    /// # Errors
    /// [`WeightsError::Type`] for anything but floats.
    pub(super) fn check_type(&self) -> Result<(), WeightsError> {
        match self.dtype {
            Dtype::F32 | Dtype::F16 | Dtype::BF16 => Ok(()),
            dtype => Err(WeightsError::Type { name: self.name.clone(), dtype: format!("{dtype:?}") }),
        }
    }
}

/// The table of contents of a safetensors file or one of PyTorch's, checked: every tensor lies within the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file it stands in.
    pub file: String,
    /// In the order of the file.
    pub tensors: Vec<StoredTensor>,
    /// What stands in front of the tensors, which then lie end to end; empty where they do not.
    pub(super) bytes: Vec<u8>,
}

impl Header {
    /// Reads nothing but the header of `file`; what kind of file it is, its first bytes tell.
    ///
    /// # Errors
    /// [`WeightsError::Format`] when it is no header, or describes a file of another length.
    pub async fn read(source: &impl WeightSource, file: &str) -> Result<Self, WeightsError> {
        let refused = |reason: String| WeightsError::Format { file: file.to_owned(), reason };
        let mut bytes = exactly(source, file, 0..LENGTH_BYTES).await?;
        if let Some(header) = torch::read_header(source, file, &bytes).await? {
            return Ok(header);
        }
        let length = bytes.iter().rev().fold(0, |length: u64, &byte| length << 8 | u64::from(byte));
        if length > MAX_HEADER_BYTES || source.size(file).is_some_and(|size| length + LENGTH_BYTES > size) {
            return Err(refused(format!("its header claims {length} bytes; it is no safetensors file")));
        }
        let start = LENGTH_BYTES + length;
        bytes.append(&mut exactly(source, file, LENGTH_BYTES..start).await?);
        let table: Metadata = serde_json::from_slice(&bytes[LENGTH_BYTES as usize..])
            .map_err(|error| refused(format!("its header is damaged ({error}); download it again")))?;
        let end = start + table.data_len() as u64;
        if let Some(size) = source.size(file).filter(|&size| size != end) {
            return Err(refused(format!(
                "it has {size} bytes where its header describes {end}; download it again"
            )));
        }
        let tensors = table.offset_keys().into_iter().filter_map(|name| {
            let TensorInfo { dtype, shape, data_offsets: (from, to) } = table.info(&name)?.clone();
            let (start, end) = (start + from as u64, start + to as u64);
            Some(StoredTensor { name, shape, dtype, start, end, strides: None })
        });
        Ok(Self { file: file.to_owned(), tensors: tensors.collect(), bytes })
    }

    /// Hands every tensor that `wants` names to `put`. Bytes of others are not read, unless `promise` wants a digest.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] at the end, when the file is not what was promised; everything handed on is then void.
    pub(super) async fn stream(
        &self,
        source: &impl WeightSource,
        promise: Option<&ManifestFile>,
        wants: impl Fn(&str) -> bool,
        mut put: impl FnMut(&str, HostTensor) -> Result<(), WeightsError>,
    ) -> Result<(), WeightsError> {
        let end = self.tensors.iter().map(|tensor| tensor.end).max().unwrap_or(0);
        let mut window = Window::default();
        let mut promise = match promise {
            // Tensors with gaps between them, or within each other: the file is read for itself.
            Some(promise) if self.bytes.is_empty() => {
                self.verify(source, promise).await?;
                None
            }
            promise => promise.map(Promise::new),
        };
        if let Some(promise) = &mut promise {
            promise.update(&self.bytes);
        }
        for tensor in &self.tensors {
            let wanted = wants(&tensor.name);
            if !wanted && promise.is_none() {
                continue;
            }
            let mut widening = wanted.then(|| Widening::new(tensor));
            let mut position = tensor.start;
            while position < tensor.end {
                let bytes = window.at(position, tensor.end, source, &self.file, end).await?;
                position += bytes.len() as u64;
                if let Some(promise) = &mut promise {
                    promise.update(bytes);
                }
                if let Some(widening) = &mut widening {
                    widening.push(bytes);
                }
            }
            if let Some(widening) = widening {
                put(&tensor.name, widening.finish())?;
            }
        }
        promise.map_or(Ok(()), Promise::verify)
    }

    async fn verify(&self, source: &impl WeightSource, promised: &ManifestFile) -> Result<(), WeightsError> {
        let (mut promise, mut at) = (Promise::new(promised), 0);
        while at < promised.bytes {
            let end = promised.bytes.min(at + WINDOW_BYTES);
            promise.update(&exactly(source, &self.file, at..end).await?);
            at = end;
        }
        promise.verify()
    }
}

/// The bytes of `range`, all of them.
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
        "{} bytes from {} on were asked for, {} came",
        range.end - range.start,
        range.start,
        bytes.len()
    );
    Err(WeightsError::Format { file: file.to_owned(), reason })
}

/// The part of the file that is in memory.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// The bytes from `position` on, as many as are here but none from `limit` on.
    async fn at(
        &mut self,
        position: u64,
        limit: u64,
        source: &impl WeightSource,
        file: &str,
        file_end: u64,
    ) -> Result<&[u8], WeightsError> {
        let inside = self.start..self.start + self.bytes.len() as u64;
        if !inside.contains(&position) {
            self.bytes = Vec::new();
            let range = position..file_end.min(position + WINDOW_BYTES);
            self.bytes = exactly(source, file, range).await?;
            self.start = position;
        }
        let from = (position - self.start) as usize;
        let to = ((limit - self.start) as usize).min(self.bytes.len());
        Ok(&self.bytes[from..to])
    }
}
