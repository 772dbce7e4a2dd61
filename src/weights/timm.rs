//! timm's `config.json`, which has no sizes, but a name and the normalisation of photos.

use serde::Deserialize;
use serde_json::Value;

use super::WeightsError;
use crate::pixels::{Filter, Preprocess};

/// Parts of architecture names whose models compute something else, although their tensors do not show it.
const OTHERS: [(&str, &str); 3] = [
    ("dinov3", "DINOv3 is read in Hugging Face's form only (`dinov3_vit`)"),
    ("_rope", "rotary positions are not supported yet; use a model without them"),
    ("quickgelu", "only the exact GELU is supported; use a model without `quickgelu` in its name"),
];

/// Number of heads by token width, in the encoders that timm publishes.
const HEADS: [(usize, usize); 15] = [
    (192, 3),
    (256, 4),
    (320, 5),
    (384, 6),
    (512, 8),
    (640, 10),
    (768, 12),
    (832, 13),
    (896, 14),
    (1024, 16),
    (1152, 16),
    (1280, 16),
    (1408, 16),
    (1536, 24),
    (1664, 16),
];

/// Returns the number of heads of a published encoder by its token width, since shapes do not tell.
pub(super) fn heads(width: usize) -> Option<usize> {
    HEADS.iter().find(|(known, _)| *known == width).map(|(_, heads)| *heads)
}

/// The contents of timm's config.
#[derive(Debug, Default, Deserialize)]
pub(super) struct TimmConfig {
    architecture: String,
    #[serde(default)]
    model_args: Option<ModelArgs>,
    #[serde(default)]
    pretrained_cfg: Option<Pretrained>,
    /// The contents of `pretrained_cfg` in old files, which lack that key.
    #[serde(flatten)]
    flat: Pretrained,
}

#[derive(Debug, Default, Deserialize)]
struct ModelArgs {
    num_heads: Option<usize>,
    act_layer: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Pretrained {
    #[serde(default)]
    mean: Option<[f32; 3]>,
    #[serde(default)]
    std: Option<[f32; 3]>,
    #[serde(default)]
    interpolation: Option<String>,
}

impl TimmConfig {
    /// Reads `config.json` if it is timm's.
    ///
    /// # Errors
    /// [`WeightsError::Config`] for a model that computes something that is not implemented here.
    pub(super) fn read(json: &[u8]) -> Result<Option<Self>, WeightsError> {
        let Ok(value) = serde_json::from_slice::<Value>(json) else { return Ok(None) };
        let wrapped = value.get("model_type").is_none_or(|kind| kind == "timm_wrapper");
        if !wrapped || value.get("architecture").is_none() {
            return Ok(None);
        }
        let config: Self = serde_path_to_error::deserialize(value)
            .map_err(|error| WeightsError::Config(format!("`{}`: {}", error.path(), error.inner())))?;
        let refused = |reason: String| Err(WeightsError::Config(reason));
        if let Some((_, reason)) = OTHERS.iter().find(|(part, _)| config.architecture.contains(part)) {
            return refused(format!("`architecture` is `{}`; {reason}", config.architecture));
        }
        let told = config.pretrained_cfg.as_ref().unwrap_or(&config.flat);
        if told.std.is_some_and(|std| !std.iter().all(|std| std.is_normal() && *std > 0.0)) {
            return refused("`std` must be above zero".to_owned());
        }
        match config.model_args.as_ref().and_then(|args| args.act_layer.as_ref()) {
            Some(other) if *other != "gelu" && !other.is_null() => {
                refused(format!("`act_layer` is {other}; only the exact GELU is supported"))
            }
            _ => Ok(Some(config)),
        }
    }

    /// Returns the number of attention heads, if known; `width` is that of a token.
    pub(super) fn heads(&self, width: usize) -> Option<usize> {
        let told = self.model_args.as_ref().and_then(|args| args.num_heads);
        // Heads of its small test models have 32 channels, all others' have 64 and more.
        told.or_else(|| self.architecture.starts_with("test_vit").then_some(width / 32))
    }

    /// Returns the conversion of photos to model input; `None` if the config does not define it.
    pub(super) fn preprocess(&self, side: usize) -> Option<Preprocess> {
        let told = self.pretrained_cfg.as_ref().unwrap_or(&self.flat);
        let filter = match told.interpolation.as_deref() {
            Some("bicubic") => Filter::Bicubic,
            Some("lanczos") => Filter::Lanczos,
            Some("nearest") => Filter::Nearest,
            _ => Filter::Bilinear,
        };
        Some(Preprocess { mean: told.mean?, std: told.std?, filter, ..Preprocess::square(side) })
    }
}
