//! A teacher's dense features, computed once and stored in one safetensors file.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::f16;
use half::vec::HalfBitsVecExt as _;
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use super::DataError;
use super::fingerprint::{fingerprint, look, with_bytes};
use crate::files;

/// Bytes in front of a safetensors header, which hold its length.
const LENGTH_BYTES: u64 = 8;
/// Maximum bytes of a header: the format's own limit.
const HEADER_BYTES: u64 = 100_000_000;

/// A grid of features per photo, found by the photo's file name; only an index is in memory.
#[derive(Debug, Clone)]
pub struct TeacherFeatures {
    path: PathBuf,
    shape: [usize; 3],
    offsets: HashMap<String, u64>,
    fingerprint: String,
}

impl TeacherFeatures {
    /// Indexes a file of f16 tensors `[rows, columns, D]`, all of one shape.
    ///
    /// # Errors
    /// A file that cannot be read, has another format, or was cut short.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let wrong = |reason: String| DataError::Features { path: path.to_path_buf(), reason };
        let io_error = |source| DataError::Io { path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(io_error)?;
        let total = file.metadata().map_err(io_error)?.len();
        let mut length = [0; LENGTH_BYTES as usize];
        file.read_exact(&mut length).map_err(io_error)?;
        let data_at = LENGTH_BYTES.saturating_add(u64::from_le_bytes(length));
        files::check(data_at, HEADER_BYTES).map_err(io_error)?;
        if data_at > total {
            return Err(wrong("its header is cut short".to_owned()));
        }
        let mut header = Vec::new();
        file.take(data_at - LENGTH_BYTES).read_to_end(&mut header).map_err(io_error)?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| wrong(error.to_string()))?;
        if data_at.saturating_add(metadata.data_len() as u64) != total {
            return Err(wrong("it is cut short".to_owned()));
        }
        let tensors = metadata.tensors();
        let shape = tensors.values().next().map(|info| info.shape.clone());
        let Some(&[rows, columns, channels]) = shape.as_deref() else {
            return Err(wrong("it has no tensors of shape [rows, columns, channels]".to_owned()));
        };
        let shape = [rows, columns, channels];
        if let Some((name, _)) =
            tensors.iter().find(|(_, info)| info.dtype != Dtype::F16 || info.shape != shape)
        {
            return Err(wrong(format!("`{name}` is not f16 with shape {shape:?}")));
        }
        let offsets =
            tensors.iter().map(|(name, info)| (name.clone(), data_at + info.data_offsets.0 as u64)).collect();
        let mut features = Self { path: path.to_path_buf(), shape, offsets, fingerprint: String::new() };
        let first = features.bytes(data_at).map_err(io_error)?;
        let one = 2 * shape.iter().product::<usize>() as u64;
        let mut places: Vec<u64> = features.offsets.values().copied().collect();
        places.sort_unstable();
        let looks = places.into_iter().map(|offset| look(path, offset, one));
        features.fingerprint = with_bytes(&fingerprint([header, first].iter()), looks);
        Ok(features)
    }

    /// Returns a fingerprint of the features: of the photos, the offsets of their features in the file, and
    /// the features of the first.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Returns the number of features per grid cell, D.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shape[2]
    }

    /// Returns the features under each cell of a view of `grid` × `grid` cells, `[grid², D]`; beside the
    /// photo, those of its edge.
    ///
    /// `in_photo` maps a point of the view to the photo, both in shares of their sides.
    pub(super) fn under(
        &self,
        photo: &str,
        grid: usize,
        in_photo: impl Fn([f64; 2]) -> [f64; 2],
    ) -> Result<Vec<f32>, DataError> {
        let map = self.read(photo)?;
        let [rows, columns, channels] = self.shape;
        let mut found = vec![0.0; grid * grid * channels];
        for (cell, target) in found.chunks_exact_mut(channels).enumerate() {
            let middle = [cell % grid, cell / grid].map(|along| (along as f64 + 0.5) / grid as f64);
            let [x, y] = in_photo(middle);
            let ([left, right], x_share) = neighbours(x, columns);
            let ([top, bottom], y_share) = neighbours(y, rows);
            let at = |row: usize, column: usize| &map[(row * columns + column) * channels..][..channels];
            let corners = [at(top, left), at(top, right), at(bottom, left), at(bottom, right)];
            let weights = [
                (1.0 - x_share) * (1.0 - y_share),
                x_share * (1.0 - y_share),
                (1.0 - x_share) * y_share,
                x_share * y_share,
            ];
            for (channel, value) in target.iter_mut().enumerate() {
                *value = corners.iter().zip(weights).map(|(c, weight)| c[channel].to_f32() * weight).sum();
            }
        }
        Ok(found)
    }

    /// Returns the error of two photos in different folders with the same file name, by which features are
    /// found.
    pub(super) fn ambiguous(&self, photo: &str) -> DataError {
        let reason = format!("features go by file name, and two photos are called {photo}; rename one");
        DataError::Features { path: self.path.clone(), reason }
    }

    /// Checks that the file has features of a photo, given by its file name.
    ///
    /// # Errors
    /// [`DataError::Features`] if it has none.
    pub(super) fn check(&self, photo: &str) -> Result<(), DataError> {
        self.offset(photo).map(|_| ())
    }

    fn offset(&self, photo: &str) -> Result<u64, DataError> {
        let reason = || format!("it has no features of {photo}");
        let missing = || DataError::Features { path: self.path.clone(), reason: reason() };
        self.offsets.get(photo).copied().ok_or_else(missing)
    }

    fn read(&self, photo: &str) -> Result<Vec<f16>, DataError> {
        let offset = self.offset(photo)?;
        let bytes = self.bytes(offset).map_err(|source| DataError::Io { path: self.path.clone(), source })?;
        Ok(bytemuck::pod_collect_to_vec::<u8, u16>(&bytes).reinterpret_into())
    }

    fn bytes(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; 2 * self.shape.iter().product::<usize>()];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Returns the two cells around a position (0 to 1 of the photo) and the weight of the second.
fn neighbours(position: f64, cells: usize) -> ([usize; 2], f32) {
    let last = cells - 1;
    let at = (position * cells as f64 - 0.5).clamp(0.0, last as f64);
    let first = at.floor();
    ([first as usize, (first as usize + 1).min(last)], (at - first) as f32)
}

/// Writes a file that gives each photo a 2 × 4 grid whose two features are the column and the row.
#[cfg(test)]
pub(super) fn write_ramp(path: &Path, photos: &[&str]) {
    use safetensors::tensor::TensorView;

    let values = (0..8).flat_map(|cell| [(cell % 4) as f32, (cell / 4) as f32]);
    let bytes: Vec<u8> = values.flat_map(|value| f16::from_f32(value).to_le_bytes()).collect();
    let view = TensorView::new(Dtype::F16, vec![2, 4, 2], &bytes).unwrap();
    let tensors = photos.iter().map(|photo| (photo, view.clone()));
    std::fs::write(path, safetensors::serialize(tensors, None).unwrap()).unwrap();
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::crop::Crop;
    use super::*;

    fn ramp() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("features.safetensors");
        write_ramp(&path, &["a.jpg"]);
        (dir, path)
    }

    #[test]
    fn features_follow_the_crop_and_its_mirror() {
        let (_dir, path) = ramp();
        let features = TeacherFeatures::open(&path).unwrap();
        let of = |crop: &Crop, grid| features.under("a.jpg", grid, |at| crop.in_photo(at)).unwrap();
        let right_half = Crop { rgb: vec![], window: [0.5, 0.0, 0.5, 1.0], mirrored: false };
        assert_eq!(of(&right_half, 2), [2.0, 0.0, 3.0, 0.0, 2.0, 1.0, 3.0, 1.0]);
        assert_eq!(of(&Crop { mirrored: true, ..right_half }, 2), [3.0, 0.0, 2.0, 0.0, 3.0, 1.0, 2.0, 1.0]);
        let whole = Crop { rgb: vec![], window: [0.0, 0.0, 1.0, 1.0], mirrored: false };
        assert_eq!(of(&whole, 1), [1.5, 0.5]);
    }

    #[test]
    fn other_features_have_another_fingerprint() {
        let (dir, path) = ramp();
        let of = |path: &Path| TeacherFeatures::open(path).unwrap().fingerprint().to_owned();
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        let (other, more) = (dir.path().join("other"), dir.path().join("more"));
        fs::write(&other, bytes).unwrap();
        write_ramp(&more, &["a.jpg", "b.jpg"]);
        assert!(of(&path) != of(&other) && of(&path) != of(&more));
        let mut bytes = fs::read(&more).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&other, bytes).unwrap();
        assert_ne!(of(&other), of(&more), "the last photo's features differ");
    }

    #[test]
    fn cut_files_and_unknown_photos_are_named() {
        let (dir, path) = ramp();
        let features = TeacherFeatures::open(&path).unwrap();
        let error = features.under("b.jpg", 1, |at| at).unwrap_err();
        assert!(error.to_string().contains("b.jpg"), "{error}");
        let bytes = fs::read(&path).unwrap();
        for len in [0, 4, 30, bytes.len() - 1] {
            let cut = dir.path().join("cut.safetensors");
            fs::write(&cut, &bytes[..len]).unwrap();
            let error = TeacherFeatures::open(&cut).unwrap_err().to_string();
            assert!(error.contains("cut.safetensors"), "{len}: {error}");
        }
    }
}
