//! Writes the files of a weight folder from tensors on the host.

use std::collections::BTreeMap;

use serde_json::json;

use super::quantized::quantization_config;
use super::tensors::{Packed, write_packed};
use super::{Architecture, Folder, HostTensor, Manifest, ManifestFile, ModelConfig, StoredAs, WeightsError};

/// Maximum bytes of a shard, so that a broken download costs little.
const MAX_SHARD_BYTES: usize = 16 << 20;

/// The contents of the manifest besides sizes and digests.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    /// The name shown to people.
    pub name: String,
    /// The licence of the weights.
    pub licence: String,
    /// The training data.
    pub data: String,
    /// The score from which objects are worth showing, 0 to 1, if known.
    pub threshold: Option<f32>,
}

/// Returns the files of a weight folder with their names, the manifest last; tensors keep their names.
///
/// # Errors
/// [`WeightsError`] if a file cannot be written in its format.
pub fn export(
    folder: &Folder,
    promises: Promises,
    stored_as: StoredAs,
) -> Result<Vec<(String, Vec<u8>)>, WeightsError> {
    let json = |value| {
        serde_json::to_vec_pretty(&value)
            .map_err(|error| WeightsError::Format { file: "json".to_owned(), reason: error.to_string() })
    };
    let preprocess = serde_json::to_value(&folder.preprocess).map_err(|error| WeightsError::Format {
        file: "preprocessor_config.json".to_owned(),
        reason: error.to_string(),
    })?;
    let (config, tensors) = for_use(folder);
    let mut config: serde_json::Value = serde_json::from_slice(&config.to_json()?)
        .map_err(|error| WeightsError::Config(error.to_string()))?;
    if stored_as == StoredAs::I8 {
        config["quantization_config"] = quantization_config();
    }
    let mut files = vec![
        ("config.json".to_owned(), json(config)?),
        ("preprocessor_config.json".to_owned(), json(preprocess)?),
    ];
    let shards = split(tensors.iter().map(|(name, tensor)| stored_as.pack(name, tensor)));
    let mut weight_map = BTreeMap::new();
    let mut total_size = 0;
    for (index, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", index + 1, shards.len());
        total_size += shard.iter().map(|tensor| tensor.bytes.len()).sum::<usize>();
        weight_map.extend(shard.iter().map(|tensor| (tensor.name.clone(), file.clone())));
        files.push((file.clone(), write_packed(shard, &file)?));
    }
    let index = json(json!({ "metadata": { "total_size": total_size }, "weight_map": weight_map }))?;
    files.push(("model.safetensors.index.json".to_owned(), index));
    let manifest = Manifest {
        name: promises.name,
        files: files.iter().map(|(name, content)| ManifestFile::of(name, content)).collect(),
        licence: promises.licence,
        data: promises.data,
        threshold: promises.threshold,
    };
    files.push(("manifest.json".to_owned(), json(json!(manifest))?));
    Ok(files)
}

/// Returns config and tensors without the teacher's parts. Python's `EoMT` masks attention in inference too,
/// unless the weights say that training has annealed it away; they are made to say so.
fn for_use(folder: &Folder) -> (ModelConfig, BTreeMap<String, HostTensor>) {
    let (mut config, mut tensors) = (folder.config.clone(), folder.tensors.clone());
    if let Architecture::Segmenter(segmenter) = &mut config.architecture {
        segmenter.teacher_dim = 0;
        tensors.retain(|name, _| !name.contains("teacher_pred."));
        if segmenter.num_queries > 0 {
            let blocks = segmenter.num_blocks;
            let mut shares = segmenter.attn_mask_probs.clone();
            shares.resize(blocks, 0.0);
            let shares = HostTensor { shape: vec![blocks], values: shares };
            tensors.insert("attn_mask_probs".to_owned(), shares);
        }
    }
    (config, tensors)
}

/// Distributes tensors to shards; a matrix and its scales stay in the same one.
fn split(tensors: impl Iterator<Item = Vec<Packed>>) -> Vec<Vec<Packed>> {
    let mut shards: Vec<Vec<Packed>> = vec![Vec::new()];
    let mut filled = 0;
    for together in tensors {
        let bytes: usize = together.iter().map(|tensor| tensor.bytes.len()).sum();
        if filled > 0 && filled + bytes > MAX_SHARD_BYTES {
            shards.push(Vec::new());
            filled = 0;
        }
        filled += bytes;
        if let Some(shard) = shards.last_mut() {
            shard.extend(together);
        }
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MaskSegmenter, SegmenterConfig, VitConfig};
    use crate::pixels::Preprocess;
    use crate::weights::{Checkpoint, Layout, SourceError, WeightSource, apply, collect, read_folder};
    use burn::tensor::Device;

    use std::ops::Range;

    struct Files(BTreeMap<String, Vec<u8>>);

    impl WeightSource for Files {
        async fn read(&self, file: &str) -> Result<Vec<u8>, SourceError> {
            let missing = || SourceError::NotFound { file: file.to_owned(), place: "memory".to_owned() };
            self.0.get(file).cloned().ok_or_else(missing)
        }

        async fn read_range(&self, file: &str, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
            Ok(self.read(file).await?[range.start as usize..range.end as usize].to_vec())
        }

        fn size(&self, file: &str) -> Option<u64> {
            Some(self.0.get(file)?.len() as u64)
        }
    }

    #[test]
    fn shards_are_filled_to_the_last_byte() {
        let tensor = |bytes: usize| HostTensor { shape: vec![bytes / 4], values: vec![0.0; bytes / 4] };
        let half = tensor(MAX_SHARD_BYTES / 2);
        let tensors = [&half, &half, &tensor(4), &tensor(MAX_SHARD_BYTES), &half];
        let shards = split(tensors.into_iter().map(|tensor| StoredAs::F32.pack("tensor", tensor)));
        assert_eq!(shards.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
    }

    #[test]
    fn an_exported_folder_reads_back_within_half_precision() {
        let device = Device::flex();
        let mut config = SegmenterConfig::new(VitConfig::plain(16, 4, 8, 3, 2), 5, 2, 2);
        config.encoder.layer_scale = true;
        config.teacher_dim = 3;
        let model = MaskSegmenter::new(&config, &device);
        let tensors: BTreeMap<_, _> = collect(&model, Layout::Eomt).unwrap().into_iter().collect();
        let labels = vec!["cat".to_owned(), "dog".to_owned()];
        let config_file = ModelConfig { architecture: Architecture::Segmenter(config.clone()), labels };
        let folder =
            Folder { config: config_file, preprocess: Preprocess::square(64), layout: Layout::Eomt, tensors };

        let files = Files(export(&folder, Promises::default(), StoredAs::F16).unwrap().into_iter().collect());
        let read = pollster::block_on(read_folder(&files)).unwrap();
        config.teacher_dim = 0;
        assert_eq!(read.config.architecture, Architecture::Segmenter(config), "without a teacher");
        let model = model.with_teacher(0, &device);
        assert_eq!(read.tensors["attn_mask_probs"].values, [0.0, 0.0]);
        for (name, tensor) in folder.tensors.iter().filter(|(name, _)| !name.contains("teacher")) {
            let off = tensor
                .values
                .iter()
                .zip(&read.tensors[name].values)
                .map(|(a, b)| (a - b).abs() / a.abs().max(1e-2));
            assert!(off.fold(0.0, f32::max) < 1e-3, "{name}");
        }
        assert!(apply(model, Layout::Eomt, read.tensors).is_ok());
    }

    fn wide() -> Folder {
        let encoder = VitConfig::plain(16, 4, 64, 1, 2);
        let config = SegmenterConfig { num_queries: 0, ..SegmenterConfig::new(encoder, 5, 2, 1) };
        let model = MaskSegmenter::new(&config, &Device::flex());
        let tensors = collect(&model, Layout::Eomt).unwrap().into_iter().collect();
        let labels = vec!["cat".to_owned(), "dog".to_owned()];
        let config = ModelConfig { architecture: Architecture::Segmenter(config), labels };
        Folder { config, preprocess: Preprocess::square(16), layout: Layout::Eomt, tensors }
    }

    #[test]
    fn large_matrices_come_back_from_8_bits_within_half_a_step() {
        let folder = wide();
        let size = |stored_as| {
            let files = export(&folder, Promises::default(), stored_as).unwrap();
            files.iter().map(|(_, content)| content.len()).sum::<usize>()
        };
        assert!(size(StoredAs::I8) < size(StoredAs::F16) * 3 / 4);
        let files = Files(export(&folder, Promises::default(), StoredAs::I8).unwrap().into_iter().collect());
        let checkpoint = pollster::block_on(Checkpoint::open(&files)).unwrap();
        assert!(checkpoint.is_in_halves() && checkpoint.differences(&Device::flex()).into_result().is_ok());
        let read = pollster::block_on(checkpoint.read(&files)).unwrap();
        assert!(read.tensors.keys().eq(folder.tensors.keys()), "no scales among them");
        for (name, tensor) in &folder.tensors {
            let rows = tensor.shape[0];
            let each = (tensor.values.len() / rows).max(1);
            for (row, found) in tensor.values.chunks(each).zip(read.tensors[name].values.chunks(each)) {
                let largest = row.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                let off = row.iter().zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off <= largest * 0.501 / 127.0 + 1e-7, "{name}: {off} of {largest}");
            }
        }
    }

    #[test]
    fn whole_numbers_without_their_scales_are_refused() {
        let mut files: BTreeMap<_, _> =
            export(&wide(), Promises::default(), StoredAs::I8).unwrap().into_iter().collect();
        files.remove("manifest.json");
        let shard = files.get_mut("model-00001-of-00001.safetensors").unwrap();
        let name = b"layers.0.mlp.fc1.weight_scale";
        let at = shard.windows(name.len()).position(|bytes| bytes == name).unwrap();
        shard[at..at + name.len()].copy_from_slice(b"layers.0.mlp.fc1.weight_scalp");
        let error = pollster::block_on(read_folder(&Files(files))).unwrap_err().to_string();
        assert!(error.contains("layers.0.mlp.fc1.weight") && error.contains("without scales"), "{error}");
    }
}
