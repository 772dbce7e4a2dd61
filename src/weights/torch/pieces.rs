//! A file on a [`WeightSource`] for a library that reads synchronously: missing bytes are fetched, and the
//! library is called again.

use std::cell::{Cell, RefCell};
use std::io;

use rawzip::{Error, ReaderAt};

use super::TorchError;
use crate::weights::stored::exactly;
use crate::weights::{WeightSource, WeightsError};

/// The parts of a file that were fetched.
pub(super) struct Pieces<'s, S> {
    pub(super) source: &'s S,
    pub(super) file: &'s str,
    pub(super) size: u64,
    here: RefCell<Vec<(u64, Vec<u8>)>>,
    /// Offset of a byte that was requested but is missing.
    missing: Cell<Option<u64>>,
}

impl<'s, S: WeightSource> Pieces<'s, S> {
    pub(super) const fn new(source: &'s S, file: &'s str, size: u64) -> Self {
        Self { source, file, size, here: RefCell::new(Vec::new()), missing: Cell::new(None) }
    }

    /// Returns the result of `read` once everything that it reads is present; `length` bytes are fetched
    /// first, then twice as many.
    pub(super) async fn complete<T>(
        &self,
        mut length: u64,
        read: impl Fn() -> Result<T, Error>,
    ) -> Result<T, WeightsError> {
        self.here.borrow_mut().clear();
        loop {
            let outcome = read();
            // A result that was computed without a requested byte is void.
            let Some(start) = self.missing.take() else {
                let damaged = |error| {
                    TorchError::Archive(format!("its archive is damaged ({error}); download it again"))
                };
                return outcome.map_err(|error| damaged(error).of_file(self.file));
            };
            let end = self.size.min(start.saturating_add(length));
            let piece = exactly(self.source, self.file, start..end).await?;
            self.here.borrow_mut().push((start, piece));
            length = length.saturating_mul(2);
        }
    }
}

impl<S> ReaderAt for Pieces<'_, S> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let here = self.here.borrow();
        let found = here.iter().find_map(|(start, piece)| {
            let from = usize::try_from(offset.checked_sub(*start)?).ok()?;
            piece.get(from..).filter(|rest| !rest.is_empty())
        });
        let Some(rest) = found else {
            self.missing.set(Some(offset));
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
}
