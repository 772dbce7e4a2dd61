//! Conversion between `config.json` with Hugging Face's keys and this crate's architectures.

mod keys;
mod tidy;

use serde_json::{Map, Value};

use self::keys::{EncoderKeys, MaeKeys, SIZES, SegmenterKeys, defaults};
use self::tidy::{read, tidy};
use super::{Layout, WeightsError};
use crate::model::{DecoderConfig, MaeConfig, SegmenterConfig, VitConfig};

/// Supported values of `model_type`.
const MODEL_TYPES: [&str; 9] = [
    "vit_mae",
    "vit",
    "deit",
    "dinov2",
    "dinov2_with_registers",
    "dinov3_vit",
    "eomt",
    "eomt_dinov3",
    "mae_seg",
];

/// The architecture of the model in a weight folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// An encoder alone, from which to fine-tune.
    Encoder(VitConfig),
    /// A masked autoencoder.
    Mae(MaeConfig),
    /// A mask segmenter.
    Segmenter(SegmenterConfig),
}

/// An architecture and its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The architecture.
    pub architecture: Architecture,
    /// Class names in the order of the class logits; empty unless the model is a segmenter.
    pub labels: Vec<String>,
}

impl ModelConfig {
    /// Reads `config.json`; `model_type` is one of Hugging Face's, or `mae_seg` for segmenters that `eomt`
    /// cannot describe.
    ///
    /// # Errors
    /// [`WeightsError::Config`] saying which key is wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WeightsError> {
        let wrong = |reason: String| Err(WeightsError::Config(reason));
        let file = match serde_json::from_slice(bytes) {
            Ok(Value::Object(file)) => tidy(file)?,
            Ok(_) => return wrong("it is not a JSON object".to_owned()),
            Err(error) => return wrong(error.to_string()),
        };
        let Some(model_type) = file.get("model_type").and_then(Value::as_str) else {
            return wrong("`model_type` is missing".to_owned());
        };
        let Some(mut keys) = defaults(model_type) else {
            return wrong(format!("`model_type` is `{model_type}`; known: {}", MODEL_TYPES.join(", ")));
        };
        let other = if keys.contains_key("mlp_ratio") { "intermediate_size" } else { "mlp_ratio" };
        for (key, value) in &file {
            let number = SIZES.contains(&key.as_str()) || keys.get(key).is_some_and(Value::is_number);
            if !value.is_null() || number {
                keys.insert(key.clone(), value.clone());
            }
        }
        keys.remove(other);
        refuse_variants(&keys, model_type)?;
        let encoder: VitConfig = read::<EncoderKeys>(&keys)?.into();
        let mut labels = Vec::new();
        let architecture = match model_type {
            "eomt" | "eomt_dinov3" if keys["num_queries"] == 0 => {
                return wrong("`num_queries` is 0, but EoMT needs queries".to_owned());
            }
            "eomt" | "eomt_dinov3" | "mae_seg" => {
                let around = read::<SegmenterKeys>(&keys)?.around(encoder);
                let Some((segmenter, named)) = around else {
                    return wrong("`id2label` must number the labels from 0 without gaps".to_owned());
                };
                labels = named;
                Architecture::Segmenter(segmenter)
            }
            "vit_mae" if !file.get("architectures").is_some_and(|names| names[0] == "ViTMAEModel") => {
                Architecture::Mae(read::<MaeKeys>(&keys)?.around(encoder))
            }
            _ => Architecture::Encoder(encoder),
        };
        let config = Self { architecture, labels };
        config.validate()?;
        Ok(config)
    }

    /// Checks that the architecture can be built.
    pub(super) fn validate(&self) -> Result<(), WeightsError> {
        let valid = match &self.architecture {
            Architecture::Encoder(encoder) => encoder.validate(),
            Architecture::Mae(mae) => mae.validate(),
            Architecture::Segmenter(segmenter) => segmenter.validate(),
        };
        valid.map_err(|error| WeightsError::Config(error.to_string()))
    }

    /// Returns the encoder of any architecture.
    #[must_use]
    pub fn encoder(&self) -> &VitConfig {
        match &self.architecture {
            Architecture::Encoder(encoder) => encoder,
            Architecture::Mae(mae) => &mae.encoder,
            Architecture::Segmenter(segmenter) => &segmenter.encoder,
        }
    }

    /// Replaces a masked autoencoder by its encoder.
    pub(super) fn without_decoder(self) -> Self {
        let architecture = match self.architecture {
            Architecture::Mae(mae) => Architecture::Encoder(mae.encoder),
            other => other,
        };
        Self { architecture, ..self }
    }

    /// Writes `config.json`.
    ///
    /// # Errors
    /// [`WeightsError::Config`] if a number cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, WeightsError> {
        let wrong = |error: serde_json::Error| WeightsError::Config(error.to_string());
        let mut keys = Map::new();
        let mut add = |value: serde_json::Result<Value>| -> Result<(), WeightsError> {
            if let Value::Object(more) = value.map_err(wrong)? {
                keys.extend(more);
            }
            Ok(())
        };
        let (model_type, class) = match &self.architecture {
            Architecture::Encoder(encoder) if is_plain(encoder) => {
                add(serde_json::to_value(EncoderKeys::by_size(encoder)))?;
                let decoder = DecoderConfig::new(512, 8, 16);
                add(serde_json::to_value(MaeKeys::from(&MaeConfig::new(encoder.clone(), decoder))))?;
                ("vit_mae", "ViTMAEModel")
            }
            Architecture::Encoder(encoder) if encoder.rotary_base.is_some() => {
                add(serde_json::to_value(EncoderKeys::by_size(encoder)))?;
                add(Ok(serde_json::json!({ "use_gated_mlp": encoder.gated_mlp })))?;
                ("dinov3_vit", "DINOv3ViTModel")
            }
            Architecture::Encoder(encoder) => {
                add(serde_json::to_value(EncoderKeys::by_ratio(encoder)))?;
                // By default, Hugging Face's encoders have a mask token; nothing here uses it.
                add(Ok(serde_json::json!({ "use_mask_token": false })))?;
                match encoder.num_registers {
                    0 => ("dinov2", "Dinov2Model"),
                    _ => ("dinov2_with_registers", "Dinov2WithRegistersModel"),
                }
            }
            Architecture::Mae(mae) => {
                add(serde_json::to_value(EncoderKeys::by_size(&mae.encoder)))?;
                add(serde_json::to_value(MaeKeys::from(mae)))?;
                ("vit_mae", "ViTMAEForPreTraining")
            }
            Architecture::Segmenter(config) => {
                let encoder = EncoderKeys::by_ratio(&config.encoder);
                let segmenter = SegmenterKeys::new(config, &self.labels);
                let published = encoder.is_eomt() && segmenter.is_eomt();
                add(serde_json::to_value(encoder))?;
                add(serde_json::to_value(segmenter))?;
                if published {
                    ("eomt", "EomtForUniversalSegmentation")
                } else {
                    ("mae_seg", "MaskSegmenter")
                }
            }
        };
        keys.insert("model_type".to_owned(), model_type.into());
        keys.insert("architectures".to_owned(), vec![class].into());
        let gated = model_type == "dinov3_vit" && self.encoder().gated_mlp;
        keys.insert("hidden_act".to_owned(), if gated { "silu" } else { "gelu" }.into());
        serde_json::to_vec_pretty(&keys).map_err(wrong)
    }

    /// Returns the layout in which this crate stores the tensors.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match &self.architecture {
            Architecture::Encoder(encoder) if is_plain(encoder) => Layout::Vit,
            Architecture::Encoder(encoder) if encoder.rotary_base.is_some() => match encoder.gated_mlp {
                true => Layout::Dinov3Gated,
                false => Layout::Dinov3,
            },
            Architecture::Encoder(encoder) if encoder.gated_mlp => Layout::Dinov2Gated,
            Architecture::Encoder(_) => Layout::Dinov2,
            Architecture::Mae(_) => Layout::VitMae,
            Architecture::Segmenter(config) if config.encoder.gated_mlp => Layout::EomtGated,
            Architecture::Segmenter(_) => Layout::Eomt,
        }
    }
}

/// Returns whether Hugging Face's plain ViT can express this encoder.
fn is_plain(encoder: &VitConfig) -> bool {
    !(encoder.layer_scale || encoder.gated_mlp || encoder.num_registers > 0 || encoder.rotary_base.is_some())
}

/// Refuses variants that published configs can ask for but no model here implements; loading them would
/// silently give wrong results.
fn refuse_variants(config: &Map<String, Value>, model_type: &str) -> Result<(), WeightsError> {
    // Apart from DINOv3, gated MLPs use SiLU whatever the key says.
    let gated = model_type.contains("dinov3") && config.get("use_gated_mlp") == Some(&Value::Bool(true));
    let activation = if gated { "silu" } else { "gelu" };
    if gated && !config.contains_key("hidden_act") {
        let reason = "`hidden_act` is missing; with a gate only \"silu\" is supported";
        return Err(WeightsError::Config(reason.to_owned()));
    }
    for (key, supported) in [("hidden_act", Value::from(activation)), ("num_channels", Value::from(3))] {
        if let Some(found) = config.get(key).filter(|found| **found != supported) {
            return Err(WeightsError::Config(format!("`{key}` is {found}; only {supported} is supported")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
