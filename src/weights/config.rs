//! `config.json` in Hugging Face's keys to our architectures and back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Layout, WeightsError};
use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, PixelError, SegmenterConfig, VitConfig};

/// What a weight folder holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Architecture {
    /// An encoder alone, to fine-tune from.
    Encoder(VitConfig),
    /// A masked autoencoder.
    Mae(MaeConfig),
    /// A mask segmenter.
    Segmenter(SegmenterConfig),
}

/// Architecture and label names.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The architecture.
    pub architecture: Architecture,
    /// Class names in the order of the class logits; empty for a masked autoencoder.
    pub labels: Vec<String>,
}

/// Keys of `ViTMAEConfig`.
#[derive(Serialize, Deserialize)]
struct VitMaeKeys {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    image_size: usize,
    patch_size: usize,
    #[serde(default = "of_vit_mae")]
    layer_norm_eps: f64,
    decoder_hidden_size: usize,
    decoder_num_hidden_layers: usize,
    decoder_num_attention_heads: usize,
    decoder_intermediate_size: usize,
    mask_ratio: f64,
    norm_pix_loss: bool,
    #[serde(default = "yes")]
    qkv_bias: bool,
    #[serde(default)]
    loss_on: LossOn,
    #[serde(default)]
    pixel_error: PixelError,
    #[serde(default)]
    hidden_patches: HiddenPatches,
    #[serde(default, skip_serializing_if = "is_zero")]
    teacher_dim: usize,
}

/// Keys of `EomtConfig`, and `lateral_layers` and `teacher_dim` of ours.
#[derive(Serialize, Deserialize)]
struct EomtKeys {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    #[serde(default = "four")]
    mlp_ratio: usize,
    image_size: usize,
    patch_size: usize,
    #[serde(default = "of_eomt")]
    layer_norm_eps: f64,
    num_queries: usize,
    num_blocks: usize,
    #[serde(default = "two")]
    num_upscale_blocks: usize,
    #[serde(default)]
    num_register_tokens: usize,
    #[serde(default = "yes")]
    layer_scale: bool,
    #[serde(default)]
    use_swiglu_ffn: bool,
    /// Where `mlp_ratio` does not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mlp_dim: Option<usize>,
    #[serde(default = "yes")]
    qkv_bias: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lateral_layers: Vec<usize>,
    #[serde(default, skip_serializing_if = "is_zero")]
    teacher_dim: usize,
    #[serde(default = "two_unnamed_labels")]
    id2label: BTreeMap<usize, String>,
}

/// What `ViTMAEConfig` has where the file says nothing.
fn of_vit_mae() -> f64 {
    1e-12
}

/// What `EomtConfig` has where the file says nothing.
fn of_eomt() -> f64 {
    1e-6
}

fn four() -> usize {
    4
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

fn two() -> usize {
    2
}

/// Hugging Face leaves its default of two classes out of the file.
fn two_unnamed_labels() -> BTreeMap<usize, String> {
    (0..2).map(|class| (class, format!("LABEL_{class}"))).collect()
}

fn yes() -> bool {
    true
}

impl ModelConfig {
    /// Reads `config.json`; `model_type` decides: `vit_mae`, `eomt`, or `mae_seg` (ours where `eomt` does not reach).
    ///
    /// # Errors
    /// [`WeightsError::Config`] saying which key is wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WeightsError> {
        let wrong = |error: serde_json::Error| WeightsError::Config(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(wrong)?;
        refuse_variants(&value)?;
        let encoder_alone = value["architectures"][0] == "ViTMAEModel";
        let config: Self = match value.get("model_type").and_then(Value::as_str) {
            Some("vit_mae") => {
                let config: Self = serde_json::from_value::<VitMaeKeys>(value).map_err(wrong)?.into();
                if encoder_alone { config.without_decoder() } else { config }
            }
            Some("eomt") if value["num_queries"] == 0 => {
                return Err(WeightsError::Config(
                    "`num_queries` is 0, but EoMT finds objects by queries".to_owned(),
                ));
            }
            Some("eomt" | "mae_seg") => segmenter(serde_json::from_value(value).map_err(wrong)?)?,
            Some(other) => {
                return Err(WeightsError::Config(format!(
                    "`model_type` is `{other}`; known: vit_mae, eomt, mae_seg"
                )));
            }
            None => return Err(WeightsError::Config("`model_type` is missing".to_owned())),
        };
        config.validate()?;
        Ok(config)
    }

    /// Whether the architecture can be built.
    pub(super) fn validate(&self) -> Result<(), WeightsError> {
        let valid = match &self.architecture {
            Architecture::Encoder(encoder) => encoder.validate(),
            Architecture::Mae(mae) => mae.validate(),
            Architecture::Segmenter(segmenter) => segmenter.validate(),
        };
        valid.map_err(|error| WeightsError::Config(error.to_string()))
    }

    /// The encoder of whatever this is.
    #[must_use]
    pub fn encoder(&self) -> &VitConfig {
        match &self.architecture {
            Architecture::Encoder(encoder) => encoder,
            Architecture::Mae(mae) => &mae.encoder,
            Architecture::Segmenter(segmenter) => &segmenter.encoder,
        }
    }

    /// Its encoder alone, where it is a masked autoencoder.
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
    /// [`WeightsError::Config`] when a number cannot be written.
    pub fn to_json(&self) -> Result<Vec<u8>, WeightsError> {
        let wrong = |error: serde_json::Error| WeightsError::Config(error.to_string());
        let (model_type, architecture, mut value) = match &self.architecture {
            Architecture::Encoder(encoder) => {
                let decoder = DecoderConfig::new(512, 8, 16);
                let keys = VitMaeKeys::from(&MaeConfig::new(encoder.clone(), decoder));
                ("vit_mae", "ViTMAEModel", serde_json::to_value(keys).map_err(wrong)?)
            }
            Architecture::Mae(config) => (
                "vit_mae",
                "ViTMAEForPreTraining",
                serde_json::to_value(VitMaeKeys::from(config)).map_err(wrong)?,
            ),
            Architecture::Segmenter(config) => {
                let keys = eomt_keys(config, &self.labels);
                let published = keys.num_queries > 0
                    && keys.lateral_layers.is_empty()
                    && keys.teacher_dim == 0
                    && keys.layer_scale
                    && keys.qkv_bias
                    && keys.mlp_dim.is_none();
                let (kind, class) = if published {
                    ("eomt", "EomtForUniversalSegmentation")
                } else {
                    ("mae_seg", "MaskSegmenter")
                };
                (kind, class, serde_json::to_value(keys).map_err(wrong)?)
            }
        };
        value["model_type"] = model_type.into();
        value["architectures"] = vec![architecture].into();
        value["hidden_act"] = "gelu".into();
        serde_json::to_vec_pretty(&value).map_err(wrong)
    }

    /// The layout we store its tensors in.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match &self.architecture {
            Architecture::Encoder(encoder) if encoder.layer_scale => Layout::TimmScaled,
            Architecture::Encoder(encoder) if encoder.num_registers > 0 || encoder.gated_mlp => Layout::Timm,
            Architecture::Encoder(_) => Layout::Vit,
            Architecture::Mae(_) => Layout::VitMae,
            Architecture::Segmenter(config) if config.encoder.gated_mlp => Layout::EomtGated,
            Architecture::Segmenter(_) => Layout::Eomt,
        }
    }
}

impl From<VitMaeKeys> for ModelConfig {
    fn from(keys: VitMaeKeys) -> Self {
        let encoder = VitConfig {
            image_size: keys.image_size,
            patch_size: keys.patch_size,
            embed_dim: keys.hidden_size,
            depth: keys.num_hidden_layers,
            num_heads: keys.num_attention_heads,
            mlp_dim: keys.intermediate_size,
            num_registers: 0,
            layer_scale: false,
            gated_mlp: false,
            qkv_bias: keys.qkv_bias,
            layer_norm_eps: keys.layer_norm_eps,
        };
        let decoder = DecoderConfig {
            embed_dim: keys.decoder_hidden_size,
            depth: keys.decoder_num_hidden_layers,
            num_heads: keys.decoder_num_attention_heads,
            mlp_dim: keys.decoder_intermediate_size,
        };
        Self {
            architecture: Architecture::Mae(MaeConfig {
                encoder,
                decoder,
                mask_ratio: keys.mask_ratio,
                norm_pix_loss: keys.norm_pix_loss,
                loss_on: keys.loss_on,
                pixel_error: keys.pixel_error,
                hidden_patches: keys.hidden_patches,
                teacher_dim: keys.teacher_dim,
            }),
            labels: Vec::new(),
        }
    }
}

impl From<&MaeConfig> for VitMaeKeys {
    fn from(config: &MaeConfig) -> Self {
        let (encoder, decoder) = (&config.encoder, &config.decoder);
        Self {
            hidden_size: encoder.embed_dim,
            num_hidden_layers: encoder.depth,
            num_attention_heads: encoder.num_heads,
            intermediate_size: encoder.mlp_dim,
            image_size: encoder.image_size,
            patch_size: encoder.patch_size,
            layer_norm_eps: encoder.layer_norm_eps,
            decoder_hidden_size: decoder.embed_dim,
            decoder_num_hidden_layers: decoder.depth,
            decoder_num_attention_heads: decoder.num_heads,
            decoder_intermediate_size: decoder.mlp_dim,
            mask_ratio: config.mask_ratio,
            norm_pix_loss: config.norm_pix_loss,
            qkv_bias: encoder.qkv_bias,
            loss_on: config.loss_on,
            pixel_error: config.pixel_error,
            hidden_patches: config.hidden_patches,
            teacher_dim: config.teacher_dim,
        }
    }
}

/// Published configs can ask for variants that no model here has; loading them anyway would give wrong numbers in silence.
fn refuse_variants(config: &Value) -> Result<(), WeightsError> {
    let only = [("hidden_act", Value::from("gelu")), ("num_channels", Value::from(3))];
    for (key, supported) in only {
        if let Some(found) = config.get(key).filter(|found| **found != supported) {
            return Err(WeightsError::Config(format!("`{key}` is {found}; only {supported} is supported")));
        }
    }
    Ok(())
}

fn segmenter(keys: EomtKeys) -> Result<ModelConfig, WeightsError> {
    let count = keys.id2label.len();
    if !keys.id2label.keys().copied().eq(0..count) {
        return Err(WeightsError::Config("`id2label` must number the labels from 0 without gaps".to_owned()));
    }
    let encoder = VitConfig {
        image_size: keys.image_size,
        patch_size: keys.patch_size,
        embed_dim: keys.hidden_size,
        depth: keys.num_hidden_layers,
        num_heads: keys.num_attention_heads,
        mlp_dim: keys
            .mlp_dim
            .unwrap_or_else(|| mlp_dim(keys.hidden_size, keys.mlp_ratio, keys.use_swiglu_ffn)),
        num_registers: keys.num_register_tokens,
        layer_scale: keys.layer_scale,
        gated_mlp: keys.use_swiglu_ffn,
        qkv_bias: keys.qkv_bias,
        layer_norm_eps: keys.layer_norm_eps,
    };
    let config = SegmenterConfig {
        encoder,
        num_queries: keys.num_queries,
        num_classes: count,
        num_blocks: keys.num_blocks,
        num_upscale_blocks: keys.num_upscale_blocks,
        lateral_layers: keys.lateral_layers,
        teacher_dim: keys.teacher_dim,
    };
    Ok(ModelConfig {
        architecture: Architecture::Segmenter(config),
        labels: keys.id2label.into_values().collect(),
    })
}

/// A gated MLP keeps two thirds of the width, rounded up to a multiple of 8.
fn mlp_dim(width: usize, ratio: usize, gated: bool) -> usize {
    let inner = width.saturating_mul(ratio);
    if gated { (inner / 3 * 2 + inner % 3 * 2 / 3).next_multiple_of(8) } else { inner }
}

fn eomt_keys(config: &SegmenterConfig, labels: &[String]) -> EomtKeys {
    let encoder = &config.encoder;
    let (width, gated) = (encoder.embed_dim, encoder.gated_mlp);
    let ratio = (1..=16).find(|ratio| mlp_dim(width, *ratio, gated) == encoder.mlp_dim);
    EomtKeys {
        hidden_size: encoder.embed_dim,
        num_hidden_layers: encoder.depth,
        num_attention_heads: encoder.num_heads,
        mlp_ratio: ratio.unwrap_or(4),
        mlp_dim: if ratio.is_some() { None } else { Some(encoder.mlp_dim) },
        use_swiglu_ffn: gated,
        qkv_bias: encoder.qkv_bias,
        image_size: encoder.image_size,
        patch_size: encoder.patch_size,
        layer_norm_eps: encoder.layer_norm_eps,
        num_queries: config.num_queries,
        num_blocks: config.num_blocks,
        num_upscale_blocks: config.num_upscale_blocks,
        num_register_tokens: encoder.num_registers,
        layer_scale: encoder.layer_scale,
        lateral_layers: config.lateral_layers.clone(),
        teacher_dim: config.teacher_dim,
        id2label: labels.iter().cloned().enumerate().collect(),
    }
}

#[cfg(test)]
mod tests;
