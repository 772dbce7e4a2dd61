//! Weight folders on disk.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use crate::weights::{SourceError, WeightSource};

/// A folder on disk that holds `config.json` and the weights.
#[derive(Debug, Clone)]
pub struct Directory(PathBuf);

impl Directory {
    /// Names the folder; nothing is opened yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    fn open(&self, file: &str) -> Result<File, SourceError> {
        File::open(self.0.join(file)).map_err(|error| self.fault(file, &error))
    }

    fn fault(&self, file: &str, error: &io::Error) -> SourceError {
        let (file, place) = (file.to_owned(), self.0.display().to_string());
        match error.kind() {
            io::ErrorKind::NotFound => SourceError::NotFound { file, place },
            _ => SourceError::Unavailable { file, place, reason: error.to_string() },
        }
    }
}

impl WeightSource for Directory {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        self.open(file)?.read_to_end(&mut bytes).map_err(|error| self.fault(file, &error))?;
        Ok(bytes)
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        let mut opened = self.open(file)?;
        let read = |opened: &mut File| {
            let mut bytes = Vec::new();
            opened.seek(SeekFrom::Start(range.start))?;
            let length = range.end.saturating_sub(range.start);
            if opened.take(length).read_to_end(&mut bytes)? as u64 == length {
                return Ok(bytes);
            }
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends before that"))
        };
        read(&mut opened).map_err(|error| self.fault(file, &error))
    }

    fn size(&self, file: &str) -> Option<u64> {
        Some(fs::metadata(self.0.join(file)).ok()?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_whole_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weights"), b"0123456789").unwrap();
        let directory = Directory::new(folder.path());
        let range = |range| pollster::block_on(directory.read_range("weights", range));
        assert_eq!(range(3..6).unwrap(), b"345");
        assert_eq!(directory.size("weights"), Some(10));
        assert!(matches!(range(8..11), Err(SourceError::Unavailable { .. })));
        let missing = pollster::block_on(directory.read("config.json")).unwrap_err();
        assert!(matches!(missing, SourceError::NotFound { file, .. } if file == "config.json"));
    }
}
