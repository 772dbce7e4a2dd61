//! Fingerprints: short texts that distinguish data sets.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Number of digest bytes that are shown.
const SHOWN: usize = 8;

/// Number of bytes that are read in each of three places of a file.
const LOOK: u64 = 4096;

/// The separator between the fingerprint of file names and that of their bytes; earlier versions of this
/// program wrote no bytes.
pub(crate) const BYTES: &str = ", bytes ";

/// Combines the [`fingerprint`] of `names` with a digest of some bytes of the named files.
pub(super) fn with_bytes<P: AsRef<[u8]>>(names: &str, looks: impl Iterator<Item = P>) -> String {
    let bytes = fingerprint(looks);
    format!("{names}{BYTES}{}", bytes.rsplit(", ").next().unwrap_or_default())
}

/// Returns a digest of the beginning, the middle and the end of `len` bytes of a file from `offset` on:
/// enough to distinguish photos of the same name and length. Empty if the file cannot be read.
pub(super) fn look(path: &Path, offset: u64, len: u64) -> Vec<u8> {
    let looked = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let mut digest = Sha256::new();
        let (middle, last) = (len.saturating_sub(LOOK) / 2, len.saturating_sub(LOOK));
        for at in [0, middle, last] {
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(offset + at))?;
            (&mut file).take(LOOK.min(len)).read_to_end(&mut bytes)?;
            digest.update(&bytes);
        }
        Ok(digest.finalize().to_vec())
    };
    looked().unwrap_or_default()
}

/// Returns the number of `parts`, and the beginning of a SHA-256 over all of them in order.
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
    fn other_bytes_of_the_same_length_are_told_apart_wherever_they_differ() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let of = |change: usize| {
            let mut bytes = vec![7; 100_000];
            bytes[change] = 8;
            std::fs::write(&path, bytes).unwrap();
            look(&path, 10, 99_990)
        };
        let looks = [10, 4000, 50_000, 99_999].map(of);
        assert!((1..4).all(|at| looks[at] != looks[at - 1]));
        assert_eq!(of(5), of(6), "before it begins");
        assert_eq!(look(&folder.path().join("none"), 0, 9), Vec::<u8>::new());
    }

    #[test]
    fn other_parts_have_other_fingerprints() {
        let of = |parts: &[&str]| fingerprint(parts.iter());
        assert_eq!(of(&["a", "bc"]), of(&["a", "bc"]));
        assert_ne!(of(&["a", "bc"]), of(&["ab", "c"]));
        assert!(of(&["a", "bc"]).starts_with("2, "));
    }
}
