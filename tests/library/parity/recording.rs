//! Recorded tensors, checkpoint folders, and the tolerance of comparisons.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use mae_seg::weights::{Folder, SourceError, WeightSource, read_folder};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

pub(crate) fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A folder on disk, and the file of weights in it if one is named.
struct Directory(PathBuf, Option<String>);

impl WeightSource for Directory {
    async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
        let place = self.0.display().to_string();
        fs::read(self.0.join(file)).ok().ok_or(SourceError::NotFound { file: file.to_owned(), place })
    }

    async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
        let missing =
            |_| SourceError::NotFound { file: file.to_owned(), place: self.0.display().to_string() };
        let mut file = File::open(self.0.join(file)).map_err(missing)?;
        file.seek(SeekFrom::Start(range.start)).unwrap();
        let mut bytes = Vec::new();
        file.take(range.end - range.start).read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    fn size(&self, file: &str) -> Option<u64> {
        Some(fs::metadata(self.0.join(file)).ok()?.len())
    }

    fn weights_file(&self) -> Option<&str> {
        self.1.as_deref()
    }
}

/// Returns the checkpoint folder of fixture `name`.
pub(crate) fn checkpoint(name: &str) -> Folder {
    checkpoint_in(fixtures().join(name), None)
}

/// Returns the checkpoint in one file of fixture `name`.
pub(crate) fn checkpoint_file(name: &str, file: &str) -> Folder {
    checkpoint_in(fixtures().join(name), Some(file))
}

pub(crate) fn checkpoint_in(folder: PathBuf, file: Option<&str>) -> Folder {
    pollster::block_on(read_folder(&Directory(folder, file.map(str::to_owned)))).unwrap()
}

/// The recorded inputs and outputs of a fixture.
pub(crate) struct Recording {
    bytes: Vec<u8>,
}

impl Recording {
    pub(crate) fn of(name: &str) -> Self {
        Self::at(&fixtures().join(name))
    }

    /// Opens the recording beside the checkpoint folder at `place`.
    pub(crate) fn at(place: &Path) -> Self {
        Self { bytes: fs::read(format!("{}_io.safetensors", place.display())).unwrap() }
    }

    /// Returns what is recorded as JSON beside the tensors of fixture `name`.
    pub(crate) fn notes(name: &str) -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_slice(&fs::read(fixtures().join(format!("{name}_io.json"))).unwrap()).unwrap()
    }

    fn file(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    /// Returns every recorded name that starts with `prefix`, without the prefix.
    pub(crate) fn names_after(&self, prefix: &str) -> Vec<String> {
        self.file()
            .names()
            .into_iter()
            .filter_map(|name| name.strip_prefix(prefix))
            .map(str::to_owned)
            .collect()
    }

    pub(crate) fn shape(&self, name: &str) -> Vec<usize> {
        self.file().tensor(name).unwrap().shape().to_vec()
    }

    pub(crate) fn floats(&self, name: &str) -> Vec<f32> {
        self.numbers(name).into_iter().map(|value| value as f32).collect()
    }

    /// Returns a recorded tensor; every stored type fits an f64.
    pub(crate) fn numbers(&self, name: &str) -> Vec<f64> {
        let file = self.file();
        let view = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let data = view.data();
        match view.dtype() {
            Dtype::F64 => data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::F32 => {
                data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect()
            }
            Dtype::I32 => {
                data.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap()).into()).collect()
            }
            Dtype::U8 => data.iter().map(|&byte| byte.into()).collect(),
            other => panic!("{name} is stored as {other:?}"),
        }
    }

    pub(crate) fn indices(&self, name: &str) -> Vec<usize> {
        self.numbers(name).into_iter().map(|value| value as usize).collect()
    }

    pub(crate) fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        Tensor::from_data(TensorData::new(self.floats(name), self.shape(name)), device)
    }
}

pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

pub(crate) fn scalar(tensor: &Tensor<1>) -> f64 {
    tensor.clone().into_scalar::<f32>().into()
}

pub(crate) fn largest(values: &[f32]) -> f64 {
    values.iter().fold(0.0, |largest, value| f64::from(value.abs()).max(largest))
}

/// Asserts that no value differs from the recorded one by more than `tolerance`.
pub(crate) fn assert_near(actual: &[f32], expected: &[f32], tolerance: f64, what: &str) {
    assert_eq!(actual.len(), expected.len(), "{what}: count");
    let worst = actual.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs()));
    let worst = worst.fold(0.0, |worst: f64, off| if off.is_nan() { f64::INFINITY } else { worst.max(off) });
    assert!(worst <= tolerance, "{what}: off by {worst:.2e}, allowed {tolerance:.2e}");
}

pub(crate) fn assert_relative(actual: f64, expected: f64, tolerance: f64, what: &str) {
    let off = (actual - expected).abs() / expected.abs();
    assert!(off <= tolerance, "{what}: {actual} instead of {expected}, off by {off:.2e}");
}
