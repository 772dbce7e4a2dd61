//! Reads a checkpoint from any [`WeightSource`].

use std::collections::{BTreeMap, BTreeSet};

use burn::module::Module;
use safetensors::tensor::Dtype;
use serde::Deserialize;

use super::infer::MASK_PROBABILITIES;
use super::names::unwrap;
use super::quantized::{Scaling, scale_name};
use super::stored::exactly;
use super::stream::no_weights;
use super::tensors::Widening;
use super::timm::TimmConfig;
use super::{
    Architecture, Header, HostTensor, Layout, Loader, Manifest, ModelConfig, Shapes, SourceError,
    StoredTensor, WeightSource, WeightsError,
};
use crate::memory::ask_for;
use crate::pixels::{Preprocess, Statistics};

/// A weight folder in memory.
#[derive(Debug)]
pub struct Folder {
    /// Architecture and labels.
    pub config: ModelConfig,
    /// The conversion of photos to model input.
    pub preprocess: Preprocess,
    /// The naming scheme of the tensors.
    pub layout: Layout,
    /// All tensors by their names in the file.
    pub tensors: BTreeMap<String, HostTensor>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl ModelConfig {
    /// Returns the side of the square input for which the model was made, in pixels.
    #[must_use]
    pub fn image_size(&self) -> usize {
        self.encoder().image_size
    }
}

/// A checkpoint without its values, which are not read yet.
#[derive(Debug)]
pub struct Checkpoint {
    /// Architecture and labels.
    pub config: ModelConfig,
    /// The conversion of photos to model input.
    pub preprocess: Preprocess,
    /// The file that gave mean and standard deviation of the pixels; `None` if no file did, so that
    /// ImageNet's are used.
    pub normalised_by: Option<&'static str>,
    /// The naming scheme of the tensors.
    pub layout: Layout,
    /// The headers of all shards.
    pub headers: Vec<Header>,
    /// The folder's `manifest.json`; empty if there is none.
    pub manifest: Manifest,
}

impl Checkpoint {
    /// Reads config, preprocessing and the headers of all shards, but no weight yet.
    ///
    /// # Errors
    /// [`WeightsError`] naming the file at fault.
    pub async fn open(source: &impl WeightSource) -> Result<Self, WeightsError> {
        let manifest: Manifest = match optional(source, "manifest.json").await? {
            Some(bytes) => parse("manifest.json", &bytes)?,
            None => Manifest::default(),
        };
        let json = match promised(source, &manifest, CONFIG).await? {
            Some(bytes) => Some(whole(CONFIG, bytes)?),
            None => None,
        };
        let mut headers = headers(source, &manifest).await?;
        unwrap(&mut headers);
        let (mut config, layout) = ModelConfig::of(json.as_deref(), &shapes(&headers)?, headers.first())?;
        if let Architecture::Segmenter(segmenter) = &mut config.architecture {
            segmenter.attn_mask_probs = mask_probabilities(source, &headers).await?;
        }
        config.validate()?;
        let asked = promised(source, &manifest, PREPROCESSOR).await?;
        let (preprocess, normalised_by) = preprocess(asked, json.as_deref(), &config)?;
        Ok(Self { config, preprocess, normalised_by, layout, headers, manifest })
    }

    /// Loads the tensors into `module` one by one; at any time, only one window and one parameter are on the
    /// host.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] and [`WeightsError::Type`] before any weight is read,
    /// [`WeightsError::Damaged`] after.
    pub async fn load<M: Module>(&self, source: &impl WeightSource, module: M) -> Result<M, WeightsError> {
        let loader = Loader::new(&module, self.layout);
        self.fill(source, loader, module).await
    }

    /// Loads the tensors that `loader` wants into `module`, for which it was made.
    pub(super) async fn fill<M: Module>(
        &self,
        source: &impl WeightSource,
        mut loader: Loader,
        module: M,
    ) -> Result<M, WeightsError> {
        loader.compare(self.shapes()).into_result()?;
        let wanted: BTreeSet<String> =
            self.tensors().map(|tensor| tensor.name.clone()).filter(|name| loader.wants(name)).collect();
        self.ask_for_memory(|name| wanted.contains(name))?;
        self.stream(source, |name| wanted.contains(name), |name, tensor| loader.put(name, tensor)).await?;
        loader.finish(module)
    }

    /// Reads all tensors into memory.
    ///
    /// # Errors
    /// [`WeightsError::Type`] before any weight is read, [`WeightsError::Damaged`] after.
    pub async fn read(self, source: &impl WeightSource) -> Result<Folder, WeightsError> {
        self.ask_for_memory(|_| true)?;
        let mut tensors = BTreeMap::new();
        let put = |name: &str, tensor| {
            tensors.insert(name.to_owned(), tensor);
            Ok(())
        };
        self.stream(source, |_| true, put).await?;
        let Self { config, preprocess, layout, .. } = self;
        Ok(Folder { config, preprocess, layout, tensors })
    }

    /// Refuses tensors for which the memory does not suffice, before any of them is read.
    fn ask_for_memory(&self, wants: impl Fn(&str) -> bool) -> Result<(), WeightsError> {
        let wanted = self.tensors().filter(|tensor| wants(&tensor.name));
        let bytes = |tensor: &StoredTensor| {
            tensor.shape.iter().fold(F32, |bytes, &length| bytes.saturating_mul(length as u64))
        };
        Ok(ask_for(wanted.map(bytes).fold(0, u64::saturating_add))?)
    }

    /// Returns every tensor's header entry, in the order of the files.
    pub fn tensors(&self) -> impl Iterator<Item = &StoredTensor> {
        self.headers.iter().flat_map(|header| &header.tensors)
    }

    /// Returns whether no tensor has more precision than `f16`.
    #[must_use]
    pub fn is_in_halves(&self) -> bool {
        self.tensors().all(|tensor| matches!(tensor.dtype, Dtype::F16 | Dtype::BF16 | Dtype::I8))
    }

    /// Returns shapes by name, without the scales of matrices that are stored in 8 bits.
    pub(super) fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let scales = scales(&self.headers);
        let weights = self.tensors().filter(move |tensor| !scales.contains(&tensor.name));
        weights.map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice()))
    }

    async fn stream(
        &self,
        source: &impl WeightSource,
        wants: impl Fn(&str) -> bool,
        mut put: impl FnMut(&str, HostTensor) -> Result<(), WeightsError>,
    ) -> Result<(), WeightsError> {
        let tensors: Vec<&StoredTensor> = self.tensors().collect();
        let mut scaling = Scaling::of(&tensors)?;
        let wanted: BTreeSet<String> = tensors
            .into_iter()
            .filter(|tensor| wants(scaling.owner(&tensor.name)))
            .map(|tensor| tensor.check_type().map(|()| tensor.name.clone()))
            .collect::<Result<_, _>>()?;
        let mut scaled = |name: &str, tensor| {
            scaling.take(name, tensor).map_or(Ok(()), |(name, tensor)| put(&name, tensor))
        };
        for header in &self.headers {
            let promise = self.manifest.file(&header.file);
            header.stream(source, promise, |name| wanted.contains(name), &mut scaled).await?;
        }
        Ok(())
    }
}

/// Bytes of a value in memory.
const F32: u64 = 4;
const CONFIG: &str = "config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";

/// Returns the conversion of photos to model input, from the content of the two files that may define it, and
/// the name of the one that did.
fn preprocess(
    asked: Option<Vec<u8>>,
    json: Option<&[u8]>,
    config: &ModelConfig,
) -> Result<(Preprocess, Option<&'static str>), WeightsError> {
    let side = config.image_size();
    if let Some(bytes) = asked {
        let finds_objects = matches!(config.architecture, Architecture::Segmenter(_));
        let bytes = whole(PREPROCESSOR, bytes)?;
        let preprocess = match parse(PREPROCESSOR, &bytes) {
            // Other operations of a classifier's processor, such as crops, do not matter for an encoder.
            Err(_) if !finds_objects => parse::<Statistics>(PREPROCESSOR, &bytes)?.at(side),
            outcome => outcome?,
        };
        return Ok((preprocess, Some(PREPROCESSOR)));
    }
    let timm = json.map(TimmConfig::read).transpose()?.flatten();
    let told = timm.and_then(|timm| timm.preprocess(side));
    Ok(told.map_or_else(|| (Preprocess::square(side), None), |told| (told, Some(CONFIG))))
}

/// Returns the share of queries with masked attention in each block; empty if the files do not state it or it
/// is 0 everywhere.
async fn mask_probabilities(
    source: &impl WeightSource,
    headers: &[Header],
) -> Result<Vec<f32>, WeightsError> {
    let mut shares = Vec::new();
    for header in headers {
        let told = header.tensors.iter().filter(|tensor| MASK_PROBABILITIES.contains(&tensor.name.as_str()));
        for tensor in told {
            tensor.check_type()?;
            // Only these bytes are read: no weight is fetched before all shapes are compared.
            let mut widening = Widening::new(tensor);
            widening.push(&exactly(source, &header.file, tensor.start..tensor.end).await?);
            shares = widening.finish().values;
        }
    }
    shares.truncate(if shares.iter().any(|share| *share > 0.0) { shares.len() } else { 0 });
    Ok(shares)
}

/// Returns the content of a small file, unless it is recognisably something else.
fn whole(file: &str, bytes: Vec<u8>) -> Result<Vec<u8>, WeightsError> {
    match no_weights(&bytes) {
        Some(reason) => Err(WeightsError::Format { file: file.to_owned(), reason: reason.to_owned() }),
        None => Ok(bytes),
    }
}

/// Reads a whole checkpoint into memory; digests are checked if a manifest has them.
///
/// # Errors
/// [`WeightsError`] naming the file at fault.
pub async fn read_folder(source: &impl WeightSource) -> Result<Folder, WeightsError> {
    Checkpoint::open(source).await?.read(source).await
}

/// Reads the headers of the file that was named, or of those for which Hugging Face's libraries look, in the
/// same order: a single file precedes an index of shards, which may be left from earlier weights. A manifest
/// that names only the index decides for it.
async fn headers(source: &impl WeightSource, manifest: &Manifest) -> Result<Vec<Header>, WeightsError> {
    if let Some(file) = source.weights_file() {
        return Ok(vec![header(source, manifest, file).await?]);
    }
    let mut missing = None;
    for file in ["model.safetensors", "pytorch_model.bin"] {
        let index = format!("{file}.index.json");
        let in_parts = manifest.file(file).is_none() && manifest.file(&index).is_some();
        if !in_parts {
            match header(source, manifest, file).await {
                Err(error @ WeightsError::Source(SourceError::NotFound { .. })) => {
                    missing = missing.or(Some(error));
                }
                outcome => return Ok(vec![outcome?]),
            }
        }
        if let Some(bytes) = promised(source, manifest, &index).await? {
            let shards: BTreeSet<String> = parse::<Index>(&index, &bytes)?.weight_map.into_values().collect();
            if shards.is_empty() {
                let reason = "it names no shard; download it again".to_owned();
                return Err(WeightsError::Format { file: index, reason });
            }
            let mut headers = Vec::new();
            for shard in shards {
                headers.push(header(source, manifest, plain(&shard)?).await?);
            }
            return Ok(headers);
        }
    }
    missing.map_or(Ok(Vec::new()), Err)
}

/// Reads the header of a file.
///
/// # Errors
/// The errors of [`Header::read`]; an error for a file that the manifest does not name, or names with another
/// length.
async fn header(source: &impl WeightSource, manifest: &Manifest, file: &str) -> Result<Header, WeightsError> {
    let header = Header::read(source, file).await?;
    match (manifest.file(file), source.size(file)) {
        (Some(promise), Some(size)) => promise.verify_length(size)?,
        (None, _) if !manifest.files.is_empty() && source.weights_file().is_none() => {
            let reason =
                "manifest.json does not name it; remove manifest.json if these are the weights you want";
            return Err(WeightsError::Format { file: file.to_owned(), reason: reason.to_owned() });
        }
        _ => {}
    }
    Ok(header)
}

/// Returns the name if it stays within the folder.
fn plain(file: &str) -> Result<&str, WeightsError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if file.starts_with(|c: char| c.is_ascii_alphanumeric()) && file.chars().all(allowed) {
        return Ok(file);
    }
    let reason =
        "the name of a shard may have letters, digits, `-`, `_` and `.`, but no directory".to_owned();
    Err(WeightsError::Format { file: file.to_owned(), reason })
}

/// Returns the names of the scales of matrices that are stored in 8 bits.
fn scales(headers: &[Header]) -> BTreeSet<String> {
    let tensors = headers.iter().flat_map(|header| &header.tensors);
    tensors.filter(|tensor| tensor.dtype == Dtype::I8).map(|tensor| scale_name(&tensor.name)).collect()
}

/// Returns shapes by name, without those of scales.
fn shapes(headers: &[Header]) -> Result<Shapes, WeightsError> {
    let mut shapes = Shapes::new();
    for header in headers {
        for tensor in &header.tensors {
            if shapes.insert(tensor.name.clone(), tensor.shape.clone()).is_some() {
                let reason = format!("tensor `{}` comes twice", tensor.name);
                return Err(WeightsError::Format { file: header.file.clone(), reason });
            }
        }
    }
    for scale in scales(headers) {
        shapes.remove(&scale);
    }
    Ok(shapes)
}

pub(super) async fn optional(
    source: &impl WeightSource,
    file: &str,
) -> Result<Option<Vec<u8>>, WeightsError> {
    match source.read(file).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(SourceError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads a file that may be missing unless the manifest names it, and verifies it against the manifest.
async fn promised(
    source: &impl WeightSource,
    manifest: &Manifest,
    file: &str,
) -> Result<Option<Vec<u8>>, WeightsError> {
    let Some(promise) = manifest.file(file) else { return optional(source, file).await };
    let bytes = source.read(file).await?;
    promise.verify(&bytes)?;
    Ok(Some(bytes))
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, bytes: &[u8]) -> Result<T, WeightsError> {
    let refused = |reason: String| WeightsError::Format { file: file.to_owned(), reason };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        refused(if path == "." { inner.to_string() } else { format!("`{path}`: {inner}") })
    })?;
    json.end().map_err(|error| refused(error.to_string()))?;
    Ok(read)
}
