//! A few characters that tell one data set from another.

use sha2::{Digest, Sha256};

/// Bytes of the digest that are written out.
const SHOWN: usize = 8;

/// Of all `parts` in their order: their number, and the beginning of a SHA-256.
pub(super) fn fingerprint<P: AsRef<[u8]>>(parts: impl Iterator<Item = P>) -> String {
    let (mut digest, mut count) = (Sha256::new(), 0_usize);
    for part in parts {
        let part = part.as_ref();
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
        count += 1;
    }
    let shown: String = digest.finalize().iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    format!("{count}, {shown}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_parts_have_other_fingerprints() {
        let of = |parts: &[&str]| fingerprint(parts.iter());
        assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
        assert!(of(&["a", "bc"]).starts_with("2, "));
    }
}
