//! The manifest of a weight folder, which states sizes and digests of its files.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::WeightsError;

/// `manifest.json`: sizes and digests, checked before a shard is used, and the origin of the weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// A short name shown to people.
    pub name: String,
    /// Every file of the folder except this one and the model card.
    pub files: Vec<ManifestFile>,
    /// The licence of the weights.
    pub licence: String,
    /// The training data.
    pub data: String,
    /// The score from which objects are worth showing, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
}

/// Length and digest of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// File name without directories.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal SHA-256 of the content.
    pub sha256: String,
}

impl ManifestFile {
    /// Creates the entry of a file with this content.
    #[must_use]
    pub fn of(name: &str, content: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: content.len() as u64, sha256: sha256_hex(content) }
    }

    /// Checks the length of the file.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] if `bytes` is another length.
    pub(super) fn verify_length(&self, bytes: u64) -> Result<(), WeightsError> {
        if bytes == self.bytes {
            return Ok(());
        }
        let (file, told) = (self.name.clone(), |bytes: u64| format!("{bytes} bytes"));
        Err(WeightsError::Damaged { file, expected: told(self.bytes), found: told(bytes) })
    }

    /// Checks the content of the file.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] if `content` has another length or digest.
    pub fn verify(&self, content: &[u8]) -> Result<(), WeightsError> {
        let mut promise = Promise::new(self);
        promise.update(content);
        promise.verify()
    }
}

/// A check of a file's length and digest while its bytes are streamed.
pub(super) struct Promise<'p> {
    promised: &'p ManifestFile,
    digest: Digest,
    bytes: u64,
}

impl<'p> Promise<'p> {
    pub(super) fn new(promised: &'p ManifestFile) -> Self {
        Self { promised, digest: Digest::default(), bytes: 0 }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Checks the bytes that were streamed.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] if they have another length or digest.
    pub(super) fn verify(self) -> Result<(), WeightsError> {
        let ManifestFile { name, sha256, .. } = self.promised;
        self.promised.verify_length(self.bytes)?;
        let found = self.digest.finish();
        if found == *sha256 {
            return Ok(());
        }
        let [expected, found] = [sha256, &found].map(|digest| format!("sha256 {digest}"));
        Err(WeightsError::Damaged { file: name.clone(), expected, found })
    }
}

impl Manifest {
    /// Returns the entry of a file, if there is one.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// An incremental SHA-256 digest.
#[derive(Debug, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes in lower-case hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Returns the SHA-256 in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(content: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(content);
    digest.finish()
}
