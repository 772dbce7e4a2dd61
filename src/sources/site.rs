//! A checkpoint on a web server, read in place.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::time::Duration;

use super::OnBytes;
use super::client::{Client, ClientError, Told};
use crate::weights::{SourceError, WeightSource};

/// Extensions of addresses that name a file of weights and not its folder.
const WEIGHTS: [&str; 4] = [".safetensors", ".pth", ".pt", ".bin"];

/// The files below an address; nothing is cached.
pub struct Site {
    client: Client,
    address: String,
    weights_file: Option<String>,
    /// Files of which a part was read.
    known: RefCell<HashMap<String, Told>>,
    on_bytes: OnBytes,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Site {
    /// Refers to the files below `address`, or, if it names a file of weights, to those beside it.
    #[must_use]
    pub fn new(address: &str, on_bytes: OnBytes) -> Self {
        let address = address.trim_end_matches('/');
        let named =
            address.rsplit_once('/').filter(|(_, file)| WEIGHTS.iter().any(|end| file.ends_with(end)));
        let (folder, file) = named.map_or((address, None), |(folder, file)| (folder, Some(file.to_owned())));
        let (address, weights_file) = (format!("{folder}/"), file);
        let client = Client::new(None, Duration::from_millis(250));
        Self { client, address, weights_file, known: RefCell::default(), on_bytes }
    }

    /// Sets a function that is told when the server has to be asked again, and why.
    #[must_use]
    pub fn telling(self, on_retry: fn(&str)) -> Self {
        Self { client: self.client.telling(on_retry), ..self }
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    fn file(&self, file: &str) -> String {
        format!("{}{file}", self.address)
    }

    /// Returns what the server stated about `file` when a part of it was read.
    #[must_use]
    pub fn told(&self, file: &str) -> Told {
        self.known.borrow().get(file).cloned().unwrap_or_default()
    }

    fn note(&self, file: &str, told: Told) {
        let size = told.size.or(self.told(file).size);
        self.known.borrow_mut().insert(file.to_owned(), Told { size, ..told });
    }

    /// Streams the bytes of `range` to `hand_on`.
    ///
    /// # Errors
    /// The errors of [`read_range`](WeightSource::read_range), and one if `hand_on` fails; bytes that were
    /// handed on remain valid.
    pub fn copy_range(
        &self,
        file: &str,
        range: &Range<u64>,
        hand_on: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), SourceError> {
        let Told { size, etag } = self.told(file);
        let mut done = range.start;
        let told = self.client.copy_range(&self.file(file), range, etag.as_deref(), &mut |chunk| {
            done += chunk.len() as u64;
            (self.on_bytes)(file, done, size);
            hand_on(chunk)
        });
        self.note(file, told.map_err(|error| self.refusal(file, &error))?);
        Ok(())
    }

    fn refusal(&self, file: &str, error: &ClientError) -> SourceError {
        let (file, place) = (file.to_owned(), self.address.clone());
        match error {
            ClientError::Status { status: 404 | 410, .. } => SourceError::NotFound { file, place },
            ClientError::Status { status: 401 | 403, .. } => {
                let reason = "the server requires a login; download the files yourself and give their folder";
                SourceError::Forbidden { file, place, reason: reason.to_owned() }
            }
            _ => SourceError::Unavailable { file, place, reason: error.to_string() },
        }
    }
}

impl WeightSource for Site {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        self.client.read(&self.file(file)).map_err(|error| self.refusal(file, &error))
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        let Told { size, etag } = self.told(file);
        let on_bytes = |count| (self.on_bytes)(file, range.start + count, size);
        let (bytes, told) = self
            .client
            .read_range(&self.file(file), &range, etag.as_deref(), on_bytes)
            .map_err(|error| self.refusal(file, &error))?;
        self.note(file, told);
        Ok(bytes)
    }

    fn size(&self, file: &str) -> Option<u64> {
        self.known.borrow().get(file)?.size
    }
    fn weights_file(&self) -> Option<&str> {
        self.weights_file.as_deref()
    }
}
