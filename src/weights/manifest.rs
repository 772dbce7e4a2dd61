//! What a folder of ours promises about its files.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::WeightsError;

/// `manifest.json`: sizes and digests, checked before a shard is used, and where the weights come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Short name shown to people.
    pub name: String,
    /// Every file of the folder but this one and the model card.
    pub files: Vec<ManifestFile>,
    /// Licence of the weights.
    pub licence: String,
    /// What they were trained on.
    pub data: String,
    /// Score from which their objects are worth showing, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f32>,
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
    /// [`WeightsError::Damaged`] when a file of `bytes` is another one.
    pub(super) fn verify_length(&self, bytes: u64) -> Result<(), WeightsError> {
        if bytes == self.bytes {
            return Ok(());
        }
        let (file, told) = (self.name.clone(), |bytes: u64| format!("{bytes} bytes"));
        Err(WeightsError::Damaged { file, expected: told(self.bytes), found: told(bytes) })
    }

    /// # Errors
    /// [`WeightsError::Damaged`] when `content` has another length or digest.
    pub fn verify(&self, content: &[u8]) -> Result<(), WeightsError> {
        let mut promise = Promise::new(self);
        promise.update(content);
        promise.verify()
    }
}

/// A promise being checked while the file passes by.
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

    /// # Errors
    /// [`WeightsError::Damaged`] when what passed by has another length or digest.
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
    /// The promise for a file, if there is one.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.name == name)
    }
}

/// SHA-256 of what passes by.
#[derive(Debug, Default)]
pub struct Digest(Sha256);

impl Digest {
    /// Takes what comes next.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of everything that came, in lower-case hexadecimal.
    #[must_use]
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Lower-case hexadecimal SHA-256.
#[must_use]
pub fn sha256_hex(content: &[u8]) -> String {
    let mut digest = Digest::default();
    digest.update(content);
    digest.finish()
}
