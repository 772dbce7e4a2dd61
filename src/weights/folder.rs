//! Reads a whole weight folder from any [`WeightSource`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{
    HostTensor, Layout, Manifest, ModelConfig, SourceError, WeightSource, WeightsError, read_safetensors,
};
use crate::pixels::Preprocess;

/// A weight folder on the host.
#[derive(Debug)]
pub struct Folder {
    /// Architecture and labels.
    pub config: ModelConfig,
    /// How photos become pixels.
    pub preprocess: Preprocess,
    /// How the tensors are named.
    pub layout: Layout,
    /// Every tensor, by its name in the file.
    pub tensors: BTreeMap<String, HostTensor>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl ModelConfig {
    /// Side of the square the model was made for, in pixels.
    #[must_use]
    pub fn image_size(&self) -> usize {
        self.encoder().image_size
    }
}

/// Reads config, preprocessing and all shards, one after the other; digests are checked where a manifest has them.
///
/// # Errors
/// [`WeightsError`] naming the file at fault.
pub async fn read_folder(source: &impl WeightSource) -> Result<Folder, WeightsError> {
    let manifest: Manifest = match optional(source, "manifest.json").await? {
        Some(bytes) => parse("manifest.json", &bytes)?,
        None => Manifest::default(),
    };
    let config = match verified(source, &manifest, "config.json").await {
        Ok(bytes) => Some(bytes),
        Err(WeightsError::Source(SourceError::NotFound { .. })) => None,
        Err(error) => return Err(error),
    };
    let mut tensors = BTreeMap::new();
    for shard in shards(source).await? {
        tensors.append(&mut read_safetensors(&shard, &verified(source, &manifest, &shard).await?)?);
    }
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    let (config, layout) = ModelConfig::of(config.as_deref(), &shapes)?;
    let preprocess = match optional(source, "preprocessor_config.json").await? {
        Some(bytes) => parse("preprocessor_config.json", &bytes)?,
        None => Preprocess::square(config.image_size()),
    };
    Ok(Folder { config, preprocess, layout, tensors })
}

async fn shards(source: &impl WeightSource) -> Result<BTreeSet<String>, WeightsError> {
    let name = "model.safetensors.index.json";
    Ok(match optional(source, name).await? {
        Some(bytes) => parse::<Index>(name, &bytes)?.weight_map.into_values().collect(),
        None => BTreeSet::from(["model.safetensors".to_owned()]),
    })
}

async fn optional(source: &impl WeightSource, file: &str) -> Result<Option<Vec<u8>>, WeightsError> {
    match source.read(file).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(SourceError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn verified(
    source: &impl WeightSource,
    manifest: &Manifest,
    file: &str,
) -> Result<Vec<u8>, WeightsError> {
    if file.contains(['/', '\\']) {
        let reason = "a shard name must not contain a directory".to_owned();
        return Err(WeightsError::Format { file: file.to_owned(), reason });
    }
    let bytes = source.read(file).await?;
    if let Some(promise) = manifest.file(file) {
        promise.verify(&bytes)?;
    }
    Ok(bytes)
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, bytes: &[u8]) -> Result<T, WeightsError> {
    serde_json::from_slice(bytes)
        .map_err(|error| WeightsError::Format { file: file.to_owned(), reason: error.to_string() })
}
