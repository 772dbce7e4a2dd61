//! Checks that memory is available before it is used, so that a lack of it is an error and not a crash.

/// More memory is needed than is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} MB of memory are needed, more than is available: close other programs, or choose a smaller size", bytes.div_ceil(1 << 20))]
pub struct NoMemory {
    bytes: u64,
}

/// Bytes that are used without a check: so few are hardly ever missing, and the check takes time.
const LITTLE: u64 = 8 << 20;
/// Bytes left for small allocations, in addition to what is asked for.
const SPARE: u64 = 32 << 20;

/// Asks the system for `bytes` of memory and releases them again.
///
/// Does nothing in a browser, where a tab keeps the memory it was given.
///
/// # Errors
/// [`NoMemory`] if the system refuses. A system that promises more memory than it has may still end the
/// program later.
pub(crate) fn ask_for(bytes: u64) -> Result<(), NoMemory> {
    if bytes <= LITTLE || cfg!(target_arch = "wasm32") {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    let asked = bytes.saturating_add(SPARE);
    let given = usize::try_from(asked).is_ok_and(|bytes| room.try_reserve_exact(bytes).is_ok());
    // Keeps the compiler from removing the unused allocation.
    std::hint::black_box(&room);
    if given { Ok(()) } else { Err(NoMemory { bytes }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_machine_has_is_an_error() {
        assert_eq!(ask_for(LITTLE + 1), Ok(()));
        let error = ask_for(1 << 60).unwrap_err().to_string();
        assert!(error.starts_with("1099511627776 MB"), "{error}");
        assert!(ask_for(u64::MAX).is_err());
    }
}
