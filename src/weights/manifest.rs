//! What a folder of ours promises about its files.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::WeightsError;

/// `manifest.json`: sizes and digests, checked before a shard is used, and where the weights come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Short name shown to people.
    pub name: String,
    /// Every file of the folder but this one and the model card.
    pub files: Vec<ManifestFile>,
    /// Licence of the weights.
    pub licence: String,
    /// What they were trained on.
    pub data: String,
}

/// One file's promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// File name without directories.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of its content.
    pub sha256: String,
}

impl ManifestFile {
    /// The promise that `content` fulfils.
    #[must_use]
    pub fn of(name: &str, content: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: content.len() as u64, sha256: sha256_hex(content) }
    }

    /// # Errors
    /// [`WeightsError::Damaged`] when `content` has another length or digest.
    pub fn verify(&self, content: &[u8]) -> Result<(), WeightsError> {
        let damaged = |expected: String, found: String| WeightsError::Damaged {
            file: self.name.clone(),
            expected,
            found,
        };
        if content.len() as u64 != self.bytes {
            return Err(damaged(format!("{} bytes", self.bytes), format!("{} bytes", content.len())));
        }
        let found = sha256_hex(content);
        if found == self.sha256 {
            Ok(())
        } else {
            Err(damaged(format!("sha256 {}", self.sha256), format!("sha256 {found}")))
        }
    }
}

impl Manifest {
    /// The promise for a file, if there is one.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// Lower-case hexadecimal SHA-256.
#[must_use]
pub fn sha256_hex(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
