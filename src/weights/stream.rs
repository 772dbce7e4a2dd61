//! Streams files of tensors: the header first, then one tensor after the other through a small window.

use safetensors::tensor::{Metadata, TensorInfo};

use super::manifest::Promise;
use super::names::bare;
use super::stored::exactly;
use super::tensors::Widening;
use super::{Header, HostTensor, ManifestFile, StoredTensor, WeightSource, WeightsError, torch};

/// Bytes of the length in front of the header.
const LENGTH_BYTES: u64 = 8;
/// Maximum bytes of a header; the format's own limit.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// Bytes fetched at a time, so that memory does not depend on the file's size.
const WINDOW_BYTES: u64 = 8 << 20;

impl Header {
    /// Reads only the header of `file`, whose format is recognised by its first bytes.
    ///
    /// # Errors
    /// [`WeightsError::Format`] if it is not a header, or describes a file of another length.
    pub async fn read(source: &impl WeightSource, file: &str) -> Result<Self, WeightsError> {
        let refused = |reason: String| WeightsError::Format { file: file.to_owned(), reason };
        let mut bytes = source.read_range(file, 0..LENGTH_BYTES).await?;
        if let Some(reason) = no_weights(&bytes) {
            return Err(refused(reason.to_owned()));
        }
        if bytes.len() as u64 != LENGTH_BYTES {
            return Err(refused(format!("it ends after {} bytes; copy or download it again", bytes.len())));
        }
        if let Some(mut header) = torch::read_header(source, file, &bytes).await? {
            header.tensors.iter_mut().for_each(|tensor| tensor.name = bare(&tensor.name));
            return Ok(header);
        }
        let length = bytes.iter().rev().fold(0, |length: u64, &byte| length << 8 | u64::from(byte));
        if length > MAX_HEADER_BYTES || source.size(file).is_some_and(|size| length + LENGTH_BYTES > size) {
            return Err(refused(format!("its header claims {length} bytes; it is not a safetensors file")));
        }
        let start = LENGTH_BYTES + length;
        bytes.append(&mut exactly(source, file, LENGTH_BYTES..start).await?);
        let table: Metadata = serde_json::from_slice(&bytes[LENGTH_BYTES as usize..]).map_err(|error| {
            refused(format!("its header is damaged ({error}); copy or download it again"))
        })?;
        let end = start + table.data_len() as u64;
        if let Some(size) = source.size(file).filter(|&size| size != end) {
            return Err(refused(format!(
                "it has {size} bytes, but its header describes {end}; copy or download it again"
            )));
        }
        let tensors = table.offset_keys().into_iter().filter_map(|name| {
            let TensorInfo { dtype, shape, data_offsets: (from, to) } = table.info(&name)?.clone();
            let (start, end) = (start + from as u64, start + to as u64);
            Some(StoredTensor { name: bare(&name), shape, dtype, start, end, strides: None })
        });
        Ok(Self { file: file.to_owned(), tensors: tensors.collect(), norm_pix_loss: None, bytes })
    }

    /// Streams every tensor that `wants` selects to `put`. Bytes of others are not read unless `promise` has
    /// to be verified.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] at the end if the file differs from `promise`; all tensors that were put are
    /// then void.
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
            // Tensors with gaps between them, or that overlap: the file is read separately to verify it.
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

/// Returns why a file with this beginning is not what it should be, for well-known cases.
pub(super) fn no_weights(first: &[u8]) -> Option<&'static str> {
    let text = first.trim_ascii_start();
    if first.is_empty() {
        Some("it is empty; copy or download it again")
    } else if first.starts_with(b"version ") {
        Some(
            "it is a Git LFS pointer, not the file itself; run `git lfs pull` in its repository, or download it again",
        )
    } else if first.starts_with(b"GGUF") || first.starts_with(b"\x89HDF") {
        Some("it is a file of llama.cpp (GGUF) or Keras (HDF5); safetensors and PyTorch's files are read")
    } else if text.starts_with(b"<") {
        Some("it is a web page, not the file itself; download it again, from its own address")
    } else {
        None
    }
}

/// The part of the file that is in memory.
#[derive(Default)]
struct Window {
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    /// Returns the bytes from `position` on that are in memory, up to `limit`.
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::ops::Range;

    use super::*;
    use crate::weights::{SourceError, StoredAs, write_safetensors};

    /// A file in memory that records which ranges are read.
    struct Watched {
        bytes: Vec<u8>,
        asked: RefCell<Vec<Range<u64>>>,
    }

    impl WeightSource for Watched {
        async fn read(&self, _: &str) -> Result<Vec<u8>, SourceError> {
            Ok(self.bytes.clone())
        }

        async fn read_range(&self, _: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
            self.asked.borrow_mut().push(range.clone());
            let end = self.bytes.len().min(range.end as usize);
            Ok(self.bytes[range.start as usize..end].to_vec())
        }

        fn size(&self, _: &str) -> Option<u64> {
            None
        }
    }

    /// Three tensors, the middle one larger than a window, none of them starting where a window does.
    fn watched(stored_as: StoredAs) -> (Watched, Vec<(String, HostTensor)>) {
        let tensor = |name: &str, count: usize| {
            let values = (0..count).map(|n| (n % 251) as f32 - 7.0).collect();
            (name.to_owned(), HostTensor { shape: vec![count], values })
        };
        let each = if stored_as == StoredAs::F32 { 4 } else { 2 };
        let tensors = vec![tensor("a", 5), tensor("b", WINDOW_BYTES as usize / each + 9), tensor("c", 3)];
        let mut bytes = write_safetensors(&tensors, stored_as, "m").unwrap();
        // With one more space in the header, every value of the file is split by the end of a window.
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) + 1;
        bytes.splice(..8, length.to_le_bytes());
        bytes.insert(length as usize + 7, b' ');
        (Watched { bytes, asked: RefCell::default() }, tensors)
    }

    fn read(
        source: &Watched,
        promise: Option<&ManifestFile>,
        names: &str,
    ) -> Result<Vec<(String, HostTensor)>, WeightsError> {
        pollster::block_on(async {
            let header = Header::read(source, "m").await?;
            let mut read = Vec::new();
            let put = |name: &str, tensor| {
                read.push((name.to_owned(), tensor));
                Ok(())
            };
            header.stream(source, promise, |name| names.contains(name), put).await?;
            Ok(read)
        })
    }

    #[test]
    fn numbers_cut_by_the_end_of_a_window_are_whole_again() {
        for stored_as in [StoredAs::F32, StoredAs::F16] {
            let (source, tensors) = watched(stored_as);
            assert!(read(&source, None, "abc").unwrap() == tensors);
            let asked = source.asked.borrow();
            assert!(asked.iter().all(|range| range.end - range.start <= WINDOW_BYTES));
            assert!(
                asked.windows(2).all(|pair| pair[0].end == pair[1].start),
                "nothing comes twice: {asked:?}"
            );
        }
    }

    #[test]
    fn what_is_not_wanted_is_not_fetched_unless_it_was_promised() {
        let (source, tensors) = watched(StoredAs::F32);
        assert!(read(&source, None, "c").unwrap() == tensors[2..]);
        let last = source.asked.borrow().last().cloned().unwrap();
        assert_eq!(last, source.bytes.len() as u64 - 12..source.bytes.len() as u64);

        let promise = ManifestFile::of("m", &source.bytes);
        assert!(read(&source, Some(&promise), "c").unwrap() == tensors[2..]);
        let (mut other, _) = watched(StoredAs::F32);
        *other.bytes.last_mut().unwrap() ^= 1;
        assert!(matches!(read(&other, Some(&promise), "a"), Err(WeightsError::Damaged { .. })));
    }

    #[test]
    fn a_file_that_ends_early_is_refused_though_its_length_was_not_told() {
        let (mut source, _) = watched(StoredAs::F16);
        source.bytes.truncate(source.bytes.len() - 20);
        assert!(read(&source, None, "a").is_ok(), "that much is there");
        assert!(read(&source, None, "b").unwrap_err().to_string().contains("`m`"));
    }
}
