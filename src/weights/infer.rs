//! The architecture of a checkpoint from its tensor names and shapes, and what `config.json` says of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::place::Place;
use super::{Architecture, Layout, ModelConfig, WeightsError};
use crate::model::{DecoderConfig, MaeConfig, SegmenterConfig, VitConfig};

/// Shapes by tensor name, as the headers of a checkpoint give them.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Heads by token width in the published models; shapes do not tell.
const HEADS: [(usize, usize); 8] =
    [(192, 3), (384, 6), (512, 16), (768, 12), (1024, 16), (1280, 16), (1408, 16), (1536, 24)];

impl ModelConfig {
    /// Architecture and layout of a checkpoint. `json` is the content of `config.json`; without it, or with timm's, which
    /// has no sizes, the shapes speak. What the two must agree on is compared before anything is built.
    ///
    /// # Errors
    /// [`WeightsError::Config`] for names of no known layout and for a config these tensors contradict.
    pub fn of(json: Option<&[u8]>, shapes: &Shapes) -> Result<(Self, Layout), WeightsError> {
        let layout = Layout::detect(shapes.keys().map(String::as_str)).ok_or_else(|| {
            let some = shapes.keys().take(3).cloned().collect::<Vec<_>>().join(", ");
            WeightsError::Config(format!("tensors named like {some} follow no layout this program knows"))
        })?;
        let survey = Survey { layout, shapes };
        let json = json.filter(|bytes| !is_timm(bytes));
        let mut config = match json {
            Some(bytes) => Self::from_json(bytes)?,
            None => survey.infer()?,
        };
        if survey.shape("decoder_embed.weight").is_none() {
            config = config.without_decoder();
        }
        config.validate()?;
        survey.agrees_with(&config)?;
        Ok((config, layout))
    }
}

fn is_timm(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes)
        .is_ok_and(|config| config.get("model_type").is_none() && config.get("architecture").is_some())
}

struct Survey<'s> {
    layout: Layout,
    shapes: &'s Shapes,
}

impl Survey<'_> {
    /// Shape in the file of the first tensor that makes up our parameter `path`.
    fn shape(&self, path: &str) -> Option<&[usize]> {
        Some(self.shapes.get(Place::of(self.layout, path)?.files.first()?)?.as_slice())
    }

    fn axis(&self, path: &str, axis: usize) -> Result<usize, WeightsError> {
        self.shape(path).and_then(|shape| shape.get(axis)).copied().ok_or_else(|| {
            WeightsError::Config(format!("there is none, and no tensor tells the size of `{path}`"))
        })
    }

    fn count(&self, path: &str) -> usize {
        (0..).take_while(|index| self.shape(&path.replace("{}", &index.to_string())).is_some()).count()
    }

    fn infer(&self) -> Result<ModelConfig, WeightsError> {
        let encoder = self.encoder()?;
        let classes = self.axis("head.class_predictor.weight", 0).unwrap_or(1).saturating_sub(1);
        let architecture = if self.shape("queries").is_some() {
            let probabilities = ["attn_mask_probs", "network.attn_mask_probs"];
            let blocks = probabilities.iter().find_map(|name| self.shapes.get(*name)?.first().copied());
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
                num_heads: heads(width)?,
                mlp_dim: self.axis("decoder_blocks.0.mlp.fc1.weight", 0)?,
            };
            Architecture::Mae(MaeConfig::new(encoder, decoder))
        } else {
            Architecture::Encoder(encoder)
        };
        let labels = (0..classes).map(|class| format!("LABEL_{class}")).collect();
        Ok(ModelConfig { architecture, labels })
    }

    fn encoder(&self) -> Result<VitConfig, WeightsError> {
        let (width, patch_size) =
            (self.axis("encoder.patch_embed.weight", 0)?, self.axis("encoder.patch_embed.weight", 2)?);
        let table = self.shape("encoder.pos_embed").unwrap_or_default();
        let rows = table.len().checked_sub(2).map_or(0, |axis| table[axis]);
        let (outer, inner) = (
            self.axis("encoder.blocks.0.mlp.fc1.weight", 0)?,
            self.axis("encoder.blocks.0.mlp.fc2.weight", 1)?,
        );
        let hugging_face = matches!(self.layout, Layout::VitMae | Layout::VitMaeFirst | Layout::Vit);
        Ok(VitConfig {
            image_size: rows.isqrt().saturating_mul(patch_size),
            patch_size,
            embed_dim: width,
            depth: self.count("encoder.blocks.{}.norm1.gamma"),
            num_heads: heads(width)?,
            mlp_dim: inner,
            num_registers: self.axis("encoder.register_tokens", 1).unwrap_or(0),
            layer_scale: self.shape("encoder.blocks.0.scale1.gamma").is_some(),
            gated_mlp: outer == 2 * inner || self.layout == Layout::EomtGated,
            qkv_bias: self.shape("encoder.blocks.0.attn.qkv.bias").is_some(),
            layer_norm_eps: if hugging_face { 1e-12 } else { 1e-6 },
        })
    }

    /// Sizes that memory is reserved by, against the file.
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
                    "it asks for {asked} of `{what}`, the weights hold {found}"
                )));
            }
        }
        let (asked, found) = (encoder.embed_dim, self.axis("encoder.patch_embed.weight", 0)?);
        if asked == found {
            return Ok(());
        }
        Err(WeightsError::Config(format!("it asks for tokens {asked} wide, the weights hold {found}")))
    }
}

fn heads(width: usize) -> Result<usize, WeightsError> {
    let known = HEADS.iter().find(|(known, _)| *known == width);
    known.map(|(_, heads)| *heads).ok_or_else(|| needed("num_attention_heads"))
}

fn needed(key: &str) -> WeightsError {
    WeightsError::Config(format!(
        "there is none, and shapes alone do not tell `{key}`; put a `config.json` with Hugging Face's keys beside the weights"
    ))
}
