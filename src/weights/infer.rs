//! Infers the architecture of a checkpoint from the names and shapes of its tensors, and from `config.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::place::{Place, prefix_rows};
use super::timm::{self, TimmConfig};
use super::{Architecture, Header, Layout, ModelConfig, WeightsError};
use crate::model::{DecoderConfig, MaeConfig, SegmenterConfig, VitConfig};

/// Shapes by tensor name, as in the headers of a checkpoint.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Names of the tensor in `EoMT`'s files that holds
/// [`SegmenterConfig::attn_mask_probs`](crate::model::SegmenterConfig::attn_mask_probs).
pub(super) const MASK_PROBABILITIES: [&str; 2] = ["attn_mask_probs", "network.attn_mask_probs"];
/// Prefix of the names of MAE's own files, whose position embeddings are resampled as its authors do.
const OF_MAE: &str = "mae_";
/// Prefix of the names of those MAE files that predict pixels without normalisation, for visualisation.
const RAW_PIXELS: &str = "mae_visualize_";

impl ModelConfig {
    /// Returns architecture and layout of a checkpoint.
    ///
    /// `json` is the content of `config.json`; without it, or with timm's, which has no sizes, they are
    /// inferred from the shapes and the file name of the first `header`. Config and shapes are compared
    /// before anything is built.
    ///
    /// # Errors
    /// [`WeightsError::Config`] for names of an unknown layout and for a config that contradicts the tensors.
    pub fn of(
        json: Option<&[u8]>,
        shapes: &Shapes,
        header: Option<&Header>,
    ) -> Result<(Self, Layout), WeightsError> {
        let timm = match json {
            Some(bytes) => TimmConfig::read(bytes)?,
            None => None,
        };
        let mut config = match json.filter(|_| timm.is_none()) {
            Some(bytes) => Some(Self::from_json(bytes)?),
            None => None,
        };
        let layout = Layout::detect(shapes.keys().map(String::as_str)).ok_or_else(|| {
            let some = shapes.keys().take(3).cloned().collect::<Vec<_>>().join(", ");
            WeightsError::Config(format!("tensors named like {some} follow no layout this program knows"))
        })?;
        let mut survey = Survey { layout, shapes, header, timm: timm.as_ref() };
        if survey.shape("decoder_embed.weight").is_some() {
            survey.layout = layout.normed();
        } else {
            config = config.map(Self::without_decoder);
        }
        let config = match config {
            Some(config) => survey.with_labels(config, json),
            None => survey.infer()?,
        };
        config.validate()?;
        survey.agrees_with(&config)?;
        Ok((config, survey.layout))
    }
}

struct Survey<'s> {
    layout: Layout,
    shapes: &'s Shapes,
    header: Option<&'s Header>,
    timm: Option<&'s TimmConfig>,
}

impl Survey<'_> {
    /// Returns the shape of the first file tensor that makes up the parameter `path`.
    fn shape(&self, path: &str) -> Option<&[usize]> {
        Some(self.shapes.get(Place::of(self.layout, path)?.files.first()?)?.as_slice())
    }

    fn axis(&self, path: &str, axis: usize) -> Result<usize, WeightsError> {
        self.shape(path).and_then(|shape| shape.get(axis)).copied().ok_or_else(|| {
            WeightsError::Config(format!("there is none, and no tensor gives the size of `{path}`"))
        })
    }

    fn is_named(&self, beginning: &str) -> bool {
        self.header.is_some_and(|header| header.file.starts_with(beginning))
    }

    fn count(&self, path: &str) -> usize {
        (0..).take_while(|index| self.shape(&path.replace("{}", &index.to_string())).is_some()).count()
    }

    /// Adds labels for the classes of the file, if `json` names none.
    fn with_labels(&self, mut config: ModelConfig, json: Option<&[u8]>) -> ModelConfig {
        let value = json.and_then(|json| serde_json::from_slice::<Value>(json).ok()).unwrap_or_default();
        let named = ["id2label", "num_labels"].iter().any(|key| !value[*key].is_null());
        if let (Architecture::Segmenter(segmenter), false) = (&mut config.architecture, named)
            && let Ok(rows) = self.axis("head.class_predictor.weight", 0)
        {
            segmenter.num_classes = rows.saturating_sub(1);
            config.labels = unnamed(segmenter.num_classes);
        }
        config
    }

    fn infer(&self) -> Result<ModelConfig, WeightsError> {
        let encoder = self.encoder()?;
        let classes = self.axis("head.class_predictor.weight", 0).unwrap_or(1).saturating_sub(1);
        let architecture = if self.shape("queries").is_some() {
            let blocks = MASK_PROBABILITIES.iter().find_map(|name| self.shapes.get(*name)?.first().copied());
            Architecture::Segmenter(SegmenterConfig {
                num_upscale_blocks: self.count("head.upscale.{}.norm.gamma"),
                ..SegmenterConfig::new(
                    encoder,
                    self.axis("queries", 0)?,
                    classes,
                    blocks.ok_or_else(|| needed("num_blocks"))?,
                )
            })
        } else if self.shape("decoder_embed.weight").is_some() {
            let width = self.axis("decoder_embed.weight", 0)?;
            let decoder = DecoderConfig {
                embed_dim: width,
                depth: self.count("decoder_blocks.{}.norm1.gamma"),
                // Of the published models, only MAE's have decoders, all with the same number of heads.
                num_heads: if width == 512 { 16 } else { known_heads(width)? },
                mlp_dim: self.axis("decoder_blocks.0.mlp.fc1.weight", 0)?,
            };
            let told = self.header.and_then(|header| header.norm_pix_loss);
            let norm_pix_loss = told.unwrap_or(!self.is_named(RAW_PIXELS));
            Architecture::Mae(MaeConfig { norm_pix_loss, ..MaeConfig::new(encoder, decoder) })
        } else {
            Architecture::Encoder(encoder)
        };
        Ok(ModelConfig { architecture, labels: unnamed(classes) })
    }

    fn encoder(&self) -> Result<VitConfig, WeightsError> {
        self.is_plain()?;
        let (width, patch_size) =
            (self.axis("encoder.patch_embed.weight", 0)?, self.axis("encoder.patch_embed.weight", 2)?);
        let table = self.shape("encoder.pos_embed").unwrap_or_default();
        let rows = table.len().checked_sub(2).map_or(0, |axis| table[axis]);
        let (outer, inner) = (
            self.axis("encoder.blocks.0.mlp.fc1.weight", 0)?,
            self.axis("encoder.blocks.0.mlp.fc2.weight", 1)?,
        );
        let hugging_face =
            matches!(self.layout, Layout::VitMae | Layout::VitMaeFirst | Layout::Vit | Layout::Deit);
        let of_mae = self.shape("decoder_embed.weight").is_some() || self.is_named(OF_MAE);
        let num_heads = match self.timm.and_then(|timm| timm.heads(width)) {
            Some(heads) => heads,
            None => known_heads(width)?,
        };
        let num_registers = self.axis("encoder.register_tokens", 1).unwrap_or(0);
        let antialias_positions = match self.layout {
            Layout::EomtNative => true,
            Layout::Dinov2 | Layout::Dinov2Gated => num_registers > 0,
            layout => layout.is_timm() && !of_mae,
        };
        Ok(VitConfig {
            image_size: rows.isqrt().saturating_mul(patch_size),
            patch_size,
            embed_dim: width,
            depth: self.count("encoder.blocks.{}.norm1.gamma"),
            num_heads,
            mlp_dim: inner,
            num_registers,
            layer_scale: self.shape("encoder.blocks.0.scale1.gamma").is_some(),
            gated_mlp: outer == 2 * inner || self.layout == Layout::EomtGated,
            rotary_base: None,
            antialias_positions,
            qkv_bias: self.shape("encoder.blocks.0.attn.qkv.bias").is_some(),
            layer_norm_eps: if hugging_face { 1e-12 } else { 1e-6 },
        })
    }

    /// Checks for what every encoder here has, with messages that are more helpful than names of missing
    /// tensors.
    fn is_plain(&self) -> Result<(), WeightsError> {
        let lacks =
            |path: &str| self.shape(path).is_none() && self.shape("encoder.blocks.0.norm1.gamma").is_some();
        if lacks("encoder.pos_embed") {
            let reason = "these weights have no position table; of models with rotary positions, DINOv3 is read in Hugging \
                          Face's form, beside its `config.json`";
            return Err(WeightsError::Config(reason.to_owned()));
        }
        if lacks("encoder.cls_token") {
            let reason = "these weights have no class token, which every encoder here has: use one with it, not `gap` or SigLIP";
            return Err(WeightsError::Config(reason.to_owned()));
        }
        Ok(())
    }

    /// Checks that the position embeddings have rows for all tokens in front of the patches, for the class
    /// token only, or for none of them.
    fn positions_agree(&self, encoder: &VitConfig) -> Result<(), WeightsError> {
        let Some([.., rows, _]) = self.shape("encoder.pos_embed") else { return Ok(()) };
        let prefix = prefix_rows(*rows);
        if [0, 1, encoder.num_prefix()].contains(&prefix) {
            return Ok(());
        }
        Err(WeightsError::Config(format!(
            "the position table has {rows} rows, which is not a square of patches after {} leading tokens",
            encoder.num_prefix()
        )))
    }

    /// Compares the sizes by which memory is reserved with those in the file.
    fn agrees_with(&self, config: &ModelConfig) -> Result<(), WeightsError> {
        let encoder = config.encoder();
        let mut stacks = vec![("encoder.blocks.{}.norm1.gamma", encoder.depth)];
        match &config.architecture {
            Architecture::Encoder(_) => {}
            Architecture::Mae(mae) => stacks.push(("decoder_blocks.{}.norm1.gamma", mae.decoder.depth)),
            Architecture::Segmenter(segmenter) => {
                stacks.push(("head.upscale.{}.norm.gamma", segmenter.num_upscale_blocks));
                if !segmenter.lateral_layers.is_empty() {
                    stacks.push(("lateral.blocks.{}.norm1.gamma", segmenter.num_blocks));
                }
            }
        }
        for (path, asked) in stacks {
            let found = self.count(path);
            if found != asked {
                let what = path.replace(".{}", "");
                return Err(WeightsError::Config(format!(
                    "it sets `{what}` to {asked}, but the weights have {found}"
                )));
            }
        }
        self.positions_agree(encoder)?;
        let (asked, found) = (encoder.embed_dim, self.axis("encoder.patch_embed.weight", 0)?);
        if asked == found {
            return Ok(());
        }
        Err(WeightsError::Config(format!("it asks for tokens {asked} wide, but the weights have {found}")))
    }
}

fn unnamed(classes: usize) -> Vec<String> {
    (0..classes).map(|class| format!("LABEL_{class}")).collect()
}

fn known_heads(width: usize) -> Result<usize, WeightsError> {
    timm::heads(width).ok_or_else(|| needed("num_attention_heads"))
}

fn needed(key: &str) -> WeightsError {
    WeightsError::Config(format!(
        "there is none, and shapes alone do not determine `{key}`; put a `config.json` with Hugging Face's keys beside the weights"
    ))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::model::MaskedAutoencoder;
    use crate::weights::collect;

    /// Returns the shapes of a masked autoencoder under MAE's own names.
    fn of_mae(decoder_width: usize) -> Shapes {
        let config =
            MaeConfig::new(VitConfig::plain(32, 16, 192, 1, 3), DecoderConfig::new(decoder_width, 1, 1));
        let model = MaskedAutoencoder::new(&config, &Device::flex());
        let tensors = collect(&model, Layout::Timm).unwrap();
        tensors.into_iter().map(|(name, tensor)| (name, tensor.shape)).collect()
    }

    fn header(file: &str, norm_pix_loss: Option<bool>) -> Header {
        Header { file: file.to_owned(), tensors: Vec::new(), norm_pix_loss, bytes: Vec::new() }
    }

    #[test]
    fn what_an_autoencoder_draws_its_settings_or_its_name_tell() {
        let shapes = of_mae(512);
        for (file, told, expected) in [
            ("mae_pretrain_vit_large.pth", None, true),
            ("mae_visualize_vit_large.pth", None, false),
            ("mae_visualize_vit_large_ganloss.pth", None, false),
            ("checkpoint-799.pth", Some(false), false),
            ("mae_visualize_vit_base.pth", Some(true), true),
        ] {
            let (config, _) = ModelConfig::of(None, &shapes, Some(&header(file, told))).unwrap();
            let Architecture::Mae(mae) = config.architecture else { panic!("{file}") };
            assert_eq!(mae.norm_pix_loss, expected, "{file}");
            assert_eq!(mae.decoder.num_heads, 16, "{file}");
            assert!(!mae.encoder.antialias_positions, "{file}: MAE's authors do not");
        }
    }

    /// Returns the shapes of an encoder of timm's, `width` wide.
    fn of_timm(width: usize) -> Shapes {
        let shapes: Vec<(&str, Vec<usize>)> = vec![
            ("cls_token", vec![1, 1, width]),
            ("pos_embed", vec![1, 4, width]),
            ("patch_embed.proj.weight", vec![width, 3, 8, 8]),
            ("patch_embed.proj.bias", vec![width]),
            ("blocks.0.norm1.weight", vec![width]),
            ("blocks.0.attn.qkv.weight", vec![3 * width, width]),
            ("blocks.0.mlp.fc1.weight", vec![4 * width, width]),
            ("blocks.0.mlp.fc2.weight", vec![width, 4 * width]),
            ("norm.weight", vec![width]),
            ("head.weight", vec![10, width]),
        ];
        shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
    }

    #[test]
    fn heads_are_those_of_the_architecture_that_timm_names() {
        let heads = |json: &str, width: usize| {
            let (config, _) = ModelConfig::of(Some(json.as_bytes()), &of_timm(width), None)?;
            assert!(config.encoder().antialias_positions && config.encoder().image_size == 16);
            Ok::<_, WeightsError>(config.encoder().num_heads)
        };
        let named = r#"{"architecture": "deit3_medium_patch16_224"}"#;
        assert_eq!(heads(named, 512).unwrap(), 8);
        assert_eq!(heads(named, 1152).unwrap(), 16);
        assert_eq!(
            heads(r#"{"architecture": "test_vit", "pretrained_cfg": {"std": [1, 1, 1]}}"#, 64).unwrap(),
            2
        );
        let told =
            r#"{"architecture": "vit_tiny_patch16_224", "model_args": {"num_heads": 6}, "mean": [0, 0, 0]}"#;
        assert_eq!(heads(told, 48).unwrap(), 6);
        for (json, word) in [
            (named, "num_attention_heads"),
            (r#"{"architecture": "vit_small_patch16_dinov3"}"#, "DINOv3"),
            (r#"{"architecture": "vit_base_patch16_clip_quickgelu_224"}"#, "GELU"),
            (r#"{"architecture": "x", "model_args": {"act_layer": "relu"}}"#, "act_layer"),
            (r#"{"architecture": "x", "model_args": {"num_heads": "many"}}"#, "num_heads"),
            (r#"{"architecture": "x", "pretrained_cfg": {"std": [0, 1, 1]}}"#, "std"),
        ] {
            let error = heads(json, 48).unwrap_err().to_string();
            assert!(error.contains(word), "{json}: {error}");
        }
    }

    #[test]
    fn encoders_without_what_all_here_have_are_refused_in_words() {
        for (without, word) in [("pos_embed", "rotary"), ("cls_token", "class token")] {
            let mut shapes = of_timm(192);
            shapes.remove(without);
            let error = ModelConfig::of(None, &shapes, None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let mut shapes = of_timm(192);
        shapes.insert("pos_embed".to_owned(), vec![1, 6, 192]);
        assert!(ModelConfig::of(None, &shapes, None).unwrap_err().to_string().contains("6 rows"));
    }
}
