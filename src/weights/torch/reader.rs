//! Reads the operands of a pickle's instructions.

use super::TorchError;

/// Bytes, and the position up to which they are read.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
}

impl<'b> Reader<'b> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], TorchError> {
        let end = self.at.checked_add(count).ok_or(TorchError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(TorchError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, TorchError> {
        Ok(self.take(1)?[0])
    }

    /// Reads a little-endian unsigned number of `width` bytes.
    pub(super) fn number(&mut self, width: usize) -> Result<usize, TorchError> {
        let bytes = self.take(width)?;
        let number = bytes.iter().rev().fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
        usize::try_from(number).ok().ok_or(TorchError::Truncated)
    }

    /// Reads bytes that are preceded by their count of `width` bytes.
    pub(super) fn counted(&mut self, width: usize) -> Result<&'b [u8], TorchError> {
        let count = self.number(width)?;
        self.take(count)
    }

    /// Reads text up to the end of its line.
    pub(super) fn line(&mut self) -> Result<&'b str, TorchError> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n').ok_or(TorchError::Truncated)?;
        let line = std::str::from_utf8(self.take(length)?).ok().ok_or(TorchError::Damaged { at: self.at });
        self.at += 1;
        line
    }
}

/// Returns a little-endian number in two's complement; `None` if it has more than eight bytes.
pub(super) fn signed(bytes: &[u8]) -> Option<i64> {
    let sign = if bytes.last().is_some_and(|&byte| byte >= 0x80) { u8::MAX } else { 0 };
    let mut wide = [sign; 8];
    wide.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(i64::from_le_bytes(wide))
}
