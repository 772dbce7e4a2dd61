//! A cache of the features that a frozen encoder computes for each view of a photo.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use bytemuck::{cast_slice, pod_collect_to_vec};
use half::f16;
use half::slice::{HalfBitsSliceExt as _, HalfFloatSliceExt as _};
use sha2::{Digest, Sha256};

use crate::model::MaskSegmenter;
use crate::train::TrainError;

/// A view of a photo: the photo's index, and the number of its augmentation.
pub(super) type View = (usize, u64);

/// Extensions of complete and of incomplete files.
const ENDINGS: [&str; 2] = ["f16", "part"];

/// Features on disk, one file per view with f16 values and their digest.
#[derive(Debug)]
pub(super) struct FrozenFeatures {
    folder: PathBuf,
}

impl FrozenFeatures {
    /// Opens the cache in `folder`. At the start of a run, features of earlier runs are deleted; other files
    /// stay.
    ///
    /// # Errors
    /// [`TrainError::File`]
    pub(super) fn open(folder: PathBuf, starts: bool) -> Result<Self, TrainError> {
        let failed = |source| TrainError::File { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        if starts {
            let entries = fs::read_dir(&folder).map_err(failed)?.flatten().map(|entry| entry.path());
            for features in entries.filter(|path| is_ours(path)) {
                fs::remove_file(&features).map_err(failed)?;
            }
        }
        Ok(Self { folder })
    }

    /// Returns the lateral features of `model` for `images`, each `[B, T, D]`. They are rounded to f16
    /// whether they were cached or not, so that an interrupted run continues identically.
    ///
    /// # Errors
    /// [`TrainError::File`]
    pub(super) fn of(
        &self,
        model: &MaskSegmenter,
        images: Tensor<4>,
        views: &[View],
    ) -> Result<Vec<Tensor<3>>, TrainError> {
        let [grid_rows, grid_columns] = model.grid(&images);
        let config = model.config();
        let (depths, width) = (config.lateral_layers.len(), config.encoder.embed_dim);
        let length = config.encoder.num_prefix() + grid_rows * grid_columns;
        let one = depths * length * width;
        let known: Vec<_> = views.iter().map(|view| self.read(*view, one)).collect();
        let device = images.device();
        let all = if known.iter().all(Option::is_some) {
            known.into_iter().flatten().flatten().collect()
        } else {
            self.compute(model, images, views)?
        };
        let all = Tensor::<4>::from_data(TensorData::new(all, [views.len(), depths, length, width]), &device);
        Ok((0..depths).map(|depth| all.clone().narrow(1, depth, 1).squeeze_dim(1)).collect())
    }

    /// Computes and stores the features, `[views, depths, T, D]`.
    fn compute(
        &self,
        model: &MaskSegmenter,
        images: Tensor<4>,
        views: &[View],
    ) -> Result<Vec<f32>, TrainError> {
        let depths: Vec<Tensor<3>> = model.lateral_features(images);
        let numbers = Tensor::stack::<4>(depths, 1).try_into_vec_as::<f32>()?;
        let mut halves = vec![f16::ZERO; numbers.len()];
        halves.convert_from_f32_slice(&numbers);
        for (view, part) in views.iter().zip(halves.chunks(halves.len() / views.len())) {
            let mut bytes = cast_slice(part.reinterpret_cast()).to_vec();
            let digest = Sha256::digest(&bytes);
            bytes.extend(digest);
            write_whole(&self.path(*view), &bytes)?;
        }
        Ok(halves.to_f32_vec())
    }

    /// Reads a view; `None` if it is not cached, or the file is not `count` values as they were written.
    fn read(&self, view: View, count: usize) -> Option<Vec<f32>> {
        let bytes = fs::read(self.path(view)).ok()?;
        let (numbers, digest) = bytes.split_at_checked(2 * count)?;
        let halves = || pod_collect_to_vec::<u8, u16>(numbers).reinterpret_cast::<f16>().to_f32_vec();
        (Sha256::digest(numbers).as_slice() == digest).then(halves)
    }

    fn path(&self, (index, view): View) -> PathBuf {
        self.folder.join(format!("{index}-{view}.f16"))
    }
}

/// Returns whether a file has a name that [`FrozenFeatures`] gives.
fn is_ours(path: &Path) -> bool {
    let named = || {
        let (index, view) = path.file_stem()?.to_str()?.split_once('-')?;
        Some([index, view].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())))
    };
    let ending = path.extension().is_some_and(|ending| ENDINGS.iter().any(|ours| ending == *ours));
    ending && named().unwrap_or(false)
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let failed = |source| TrainError::File { path: path.to_path_buf(), source };
    let temporary = path.with_extension("part");
    fs::write(&temporary, bytes).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}
