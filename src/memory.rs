//! Memory that is asked for before it is used, so that too little of it is an error and not the end of the program.

/// More memory is needed than is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} MB of memory are needed at once, and so much is not left: close other programs, or ask for less", bytes.div_ceil(1 << 20))]
pub struct NoMemory {
    bytes: u64,
}

/// What is hardly ever missing, and not asked for: the question costs time.
const LITTLE: u64 = 8 << 20;
/// What small things need beside what is asked for.
const SPARE: u64 = 32 << 20;

/// Asks the system for `bytes` of memory and gives them back.
///
/// A browser's tab keeps what it was given, so nothing is asked for there.
///
/// # Errors
/// [`NoMemory`] where the system refuses. Where it promises more than it has, it may still end the program later.
pub(crate) fn ask_for(bytes: u64) -> Result<(), NoMemory> {
    if bytes <= LITTLE || cfg!(target_arch = "wasm32") {
        return Ok(());
    }
    let mut room = Vec::<u8>::new();
    let asked = bytes.saturating_add(SPARE);
    let given = usize::try_from(asked).is_ok_and(|bytes| room.try_reserve_exact(bytes).is_ok());
    // Else the compiler sees that nobody uses it, and leaves it out.
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
