//! The keys of `config.json`, grouped by what they describe.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, PixelError, SegmenterConfig, VitConfig};

/// Sizes that every file states.
pub(super) const SIZES: [&str; 5] =
    ["hidden_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size"];

/// Returns the default values of Hugging Face's class for each model type, except for [`SIZES`].
pub(super) fn defaults(model_type: &str) -> Option<Map<String, Value>> {
    let plain = json!({
        "intermediate_size": 3072, "layer_norm_eps": 1e-12, "qkv_bias": true,
    });
    let more = match model_type {
        "vit" => json!({}),
        // The distillation token takes the place of a register.
        "deit" => json!({ "num_register_tokens": 1 }),
        "vit_mae" => json!({
            "decoder_hidden_size": 512, "decoder_num_hidden_layers": 8, "decoder_num_attention_heads": 16,
            "decoder_intermediate_size": 2048, "mask_ratio": 0.75, "norm_pix_loss": false,
        }),
        "dinov2" | "dinov2_with_registers" => {
            let registers = model_type == "dinov2_with_registers";
            json!({
                "intermediate_size": null, "mlp_ratio": 4, "layer_norm_eps": 1e-6, "layer_scale": true,
                "num_register_tokens": if registers { 4 } else { 0 }, "antialias_positions": registers,
            })
        }
        "dinov3_vit" => json!({
            "intermediate_size": 1536, "layer_norm_eps": 1e-5, "layer_scale": true, "num_register_tokens": 0, "rope_theta": 100.0,
        }),
        "eomt_dinov3" => json!({
            "intermediate_size": 4096, "layer_norm_eps": 1e-6, "layer_scale": true, "num_register_tokens": 4, "rope_theta": 100.0,
            "num_queries": 200, "num_blocks": 4, "num_upscale_blocks": 2,
            "id2label": { "0": "LABEL_0", "1": "LABEL_1" },
        }),
        "eomt" | "mae_seg" => json!({
            "intermediate_size": null, "mlp_ratio": 4, "layer_norm_eps": 1e-6, "layer_scale": true,
            "num_register_tokens": if model_type == "eomt" { 4 } else { 0 },
            "num_queries": 200, "num_blocks": 4, "num_upscale_blocks": 2,
            "id2label": { "0": "LABEL_0", "1": "LABEL_1" },
        }),
        _ => return None,
    };
    let (Value::Object(mut keys), Value::Object(more)) = (plain, more) else { return None };
    keys.extend(more);
    keys.retain(|_, value| !value.is_null());
    Some(keys)
}

/// The keys of an encoder; those from `layer_scale` on are this crate's additions where Hugging Face's class
/// lacks them.
#[derive(Serialize, Deserialize)]
pub(super) struct EncoderKeys {
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    image_size: usize,
    patch_size: usize,
    layer_norm_eps: f64,
    #[serde(default = "yes")]
    qkv_bias: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    intermediate_size: Option<usize>,
    #[serde(serialize_with = "whole_if_possible", skip_serializing_if = "Option::is_none")]
    mlp_ratio: Option<f64>,
    #[serde(default)]
    use_swiglu_ffn: bool,
    #[serde(default)]
    num_register_tokens: usize,
    #[serde(default)]
    layer_scale: bool,
    /// The MLP width, unless `mlp_ratio` gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mlp_dim: Option<usize>,
    #[serde(default)]
    antialias_positions: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::ref_option, reason = "serde passes a reference")]
fn whole_if_possible<S: Serializer>(ratio: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    let ratio = ratio.unwrap_or_default();
    if ratio.fract() == 0.0 {
        serializer.serialize_u64(ratio as u64)
    } else {
        serializer.serialize_f64(ratio)
    }
}

/// Returns the MLP width; a gated MLP keeps two thirds of it, rounded up to a multiple of 8.
fn mlp_dim(width: usize, ratio: f64, gated: bool) -> usize {
    let inner = (width as f64 * ratio) as usize;
    if gated { (inner / 3 * 2 + inner % 3 * 2 / 3).next_multiple_of(8) } else { inner }
}

impl From<EncoderKeys> for VitConfig {
    fn from(keys: EncoderKeys) -> Self {
        let by_ratio =
            || mlp_dim(keys.hidden_size, keys.mlp_ratio.unwrap_or(4.0).clamp(0.0, 1e6), keys.use_swiglu_ffn);
        Self {
            image_size: keys.image_size,
            patch_size: keys.patch_size,
            embed_dim: keys.hidden_size,
            depth: keys.num_hidden_layers,
            num_heads: keys.num_attention_heads,
            mlp_dim: keys.mlp_dim.or(keys.intermediate_size).unwrap_or_else(by_ratio),
            num_registers: keys.num_register_tokens,
            layer_scale: keys.layer_scale,
            gated_mlp: keys.use_swiglu_ffn,
            qkv_bias: keys.qkv_bias,
            layer_norm_eps: keys.layer_norm_eps,
            antialias_positions: keys.antialias_positions,
            rotary_base: keys.rope_theta,
        }
    }
}

impl EncoderKeys {
    /// Returns the keys for classes that use `intermediate_size`.
    pub(super) fn by_size(encoder: &VitConfig) -> Self {
        Self {
            hidden_size: encoder.embed_dim,
            num_hidden_layers: encoder.depth,
            num_attention_heads: encoder.num_heads,
            image_size: encoder.image_size,
            patch_size: encoder.patch_size,
            layer_norm_eps: encoder.layer_norm_eps,
            qkv_bias: encoder.qkv_bias,
            intermediate_size: Some(encoder.mlp_dim),
            mlp_ratio: None,
            use_swiglu_ffn: encoder.gated_mlp,
            num_register_tokens: encoder.num_registers,
            layer_scale: encoder.layer_scale,
            mlp_dim: None,
            antialias_positions: encoder.antialias_positions,
            rope_theta: encoder.rotary_base,
        }
    }

    /// Returns the keys for classes that use `mlp_ratio`.
    pub(super) fn by_ratio(encoder: &VitConfig) -> Self {
        let fits =
            |ratio: &u32| mlp_dim(encoder.embed_dim, f64::from(*ratio), encoder.gated_mlp) == encoder.mlp_dim;
        let ratio = (1..=16).find(fits);
        Self {
            intermediate_size: None,
            mlp_ratio: Some(ratio.map_or(4.0, f64::from)),
            mlp_dim: if ratio.is_some() { None } else { Some(encoder.mlp_dim) },
            ..Self::by_size(encoder)
        }
    }

    /// Returns whether Hugging Face's `EoMT` can express these keys.
    pub(super) fn is_eomt(&self) -> bool {
        self.layer_scale && self.qkv_bias && self.mlp_dim.is_none() && self.rope_theta.is_none()
    }
}

/// The keys that `ViTMAEConfig` has besides an encoder's, and this crate's additions.
#[derive(Serialize, Deserialize)]
pub(super) struct MaeKeys {
    decoder_hidden_size: usize,
    decoder_num_hidden_layers: usize,
    decoder_num_attention_heads: usize,
    decoder_intermediate_size: usize,
    mask_ratio: f64,
    norm_pix_loss: bool,
    #[serde(default)]
    loss_on: LossOn,
    #[serde(default)]
    pixel_error: PixelError,
    #[serde(default)]
    hidden_patches: HiddenPatches,
    #[serde(default, skip_serializing_if = "is_zero")]
    teacher_dim: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

impl MaeKeys {
    pub(super) fn around(self, encoder: VitConfig) -> MaeConfig {
        MaeConfig {
            encoder,
            decoder: DecoderConfig {
                embed_dim: self.decoder_hidden_size,
                depth: self.decoder_num_hidden_layers,
                num_heads: self.decoder_num_attention_heads,
                mlp_dim: self.decoder_intermediate_size,
            },
            mask_ratio: self.mask_ratio,
            norm_pix_loss: self.norm_pix_loss,
            loss_on: self.loss_on,
            pixel_error: self.pixel_error,
            hidden_patches: self.hidden_patches,
            teacher_dim: self.teacher_dim,
        }
    }
}

impl From<&MaeConfig> for MaeKeys {
    fn from(config: &MaeConfig) -> Self {
        let decoder = &config.decoder;
        Self {
            decoder_hidden_size: decoder.embed_dim,
            decoder_num_hidden_layers: decoder.depth,
            decoder_num_attention_heads: decoder.num_heads,
            decoder_intermediate_size: decoder.mlp_dim,
            mask_ratio: config.mask_ratio,
            norm_pix_loss: config.norm_pix_loss,
            loss_on: config.loss_on,
            pixel_error: config.pixel_error,
            hidden_patches: config.hidden_patches,
            teacher_dim: config.teacher_dim,
        }
    }
}

/// The keys that `EomtConfig` has besides an encoder's; `lateral_layers` and `teacher_dim` are this crate's
/// additions.
#[derive(Serialize, Deserialize)]
pub(super) struct SegmenterKeys {
    num_queries: usize,
    num_blocks: usize,
    num_upscale_blocks: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lateral_layers: Vec<usize>,
    #[serde(default, skip_serializing_if = "is_zero")]
    teacher_dim: usize,
    id2label: BTreeMap<usize, String>,
}

impl SegmenterKeys {
    pub(super) fn new(config: &SegmenterConfig, labels: &[String]) -> Self {
        Self {
            num_queries: config.num_queries,
            num_blocks: config.num_blocks,
            num_upscale_blocks: config.num_upscale_blocks,
            lateral_layers: config.lateral_layers.clone(),
            teacher_dim: config.teacher_dim,
            id2label: labels.iter().cloned().enumerate().collect(),
        }
    }

    /// Returns whether Hugging Face's `EoMT` can express these keys.
    pub(super) fn is_eomt(&self) -> bool {
        self.num_queries > 0 && self.lateral_layers.is_empty() && self.teacher_dim == 0
    }

    /// Returns the segmenter around `encoder`, and its labels; `None` unless these are numbered from 0
    /// without gaps.
    pub(super) fn around(self, encoder: VitConfig) -> Option<(SegmenterConfig, Vec<String>)> {
        let count = self.id2label.len();
        let config = SegmenterConfig {
            num_upscale_blocks: self.num_upscale_blocks,
            lateral_layers: self.lateral_layers,
            teacher_dim: self.teacher_dim,
            ..SegmenterConfig::new(encoder, self.num_queries, count, self.num_blocks)
        };
        let numbered = self.id2label.keys().copied().eq(0..count);
        numbered.then(|| (config, self.id2label.into_values().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_eomt_has_is_called_eomt() {
        let known = VitConfig { layer_scale: true, ..VitConfig::plain(64, 8, 48, 2, 3) };
        let is_eomt = |config: &VitConfig| EncoderKeys::by_ratio(config).is_eomt();
        assert!(is_eomt(&known));
        for unknown in [
            VitConfig { layer_scale: false, ..known.clone() },
            VitConfig { qkv_bias: false, ..known.clone() },
            VitConfig { mlp_dim: 100, ..known.clone() },
            VitConfig { rotary_base: Some(100.0), ..known.clone() },
        ] {
            assert!(!is_eomt(&unknown), "{unknown:?}");
        }
    }
}
