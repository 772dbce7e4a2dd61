//! `mae-seg inspect`

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::source::Source;
use super::terminal::output::print_line;
use crate::engine::{DeviceChoice, pick};
use crate::pixels::Preprocess;
use crate::text::one_line;
use crate::weights::{Architecture, Checkpoint, ModelConfig};

/// Describe a checkpoint and check whether it would load, without reading its weights.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg inspect runs/seg
  mae-seg inspect mae_pretrain_vit_base.pth
  mae-seg inspect tue-mps/coco_panoptic_eomt_small_640_2x")]
pub(super) struct Arguments {
    /// Training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`, or URL
    source: PathBuf,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let source = Source::open(Some(&arguments.source))?;
    let checkpoint = pollster::block_on(Checkpoint::open(&source))?;
    let licence = pollster::block_on(checkpoint.licence(&source))?;
    let numbers =
        checkpoint.tensors().map(|tensor| tensor.shape.iter().product()).fold(0, usize::saturating_add);
    let types: BTreeSet<String> = checkpoint.tensors().map(|tensor| format!("{:?}", tensor.dtype)).collect();
    let types = types.into_iter().collect::<Vec<_>>().join(", ");
    let Preprocess { mean, std, .. } = &checkpoint.preprocess;
    let mut lines = architecture(&checkpoint.config);
    lines.push(format!("tensors       {}, {numbers} values, {types}", checkpoint.tensors().count()));
    lines.push(format!("layout        {:?}", checkpoint.layout));
    let told = checkpoint.normalised_by.unwrap_or("ImageNet's; not stated in any file");
    lines.push(format!("mean, std     {mean:?}, {std:?} ({told})"));
    if !checkpoint.config.labels.is_empty() {
        lines.push(format!("labels        {}", checkpoint.config.labels.join(", ")));
    }
    lines.push(format!(
        "licence       {}",
        licence.as_deref().unwrap_or("not stated; ask whoever published it")
    ));
    lines.extend(checkpoint.notes().iter().map(|note| format!("note          {note}")));
    let differences = checkpoint.differences(&pollster::block_on(pick(DeviceChoice::Cpu))?.device);
    let fit = differences.to_string();
    lines
        .push(format!("fit           {}", if fit.is_empty() { "all tensors match the model" } else { &fit }));
    lines.iter().try_for_each(|line| print_line(&one_line(line)))?;
    differences.into_result().with_context(|| source.describe())
}

fn architecture(config: &ModelConfig) -> Vec<String> {
    let encoder = config.encoder();
    let mut lines = vec![match &config.architecture {
        Architecture::Encoder(_) => "architecture  encoder, to fine-tune from".to_owned(),
        Architecture::Mae(mae) => {
            let decoder = &mae.decoder;
            format!("architecture  masked autoencoder, decoder {} × {}", decoder.depth, decoder.embed_dim)
        }
        Architecture::Segmenter(segmenter) if segmenter.num_queries == 0 => {
            format!("architecture  segmenter, one query per patch, {} classes", segmenter.num_classes)
        }
        Architecture::Segmenter(segmenter) => format!(
            "architecture  segmenter, {} queries in {} blocks, {} classes",
            segmenter.num_queries, segmenter.num_blocks, segmenter.num_classes
        ),
    }];
    lines.push(format!(
        "encoder       {} blocks × {}, {} heads, patch {}, image {}, {} registers",
        encoder.depth,
        encoder.embed_dim,
        encoder.num_heads,
        encoder.patch_size,
        encoder.image_size,
        encoder.num_registers
    ));
    match &config.architecture {
        Architecture::Mae(mae) if mae.norm_pix_loss => {
            lines.push("predicts      pixels normalised per patch (norm_pix_loss)".to_owned());
        }
        Architecture::Mae(_) => lines.push("predicts      raw pixels (no norm_pix_loss)".to_owned()),
        Architecture::Segmenter(segmenter) if !segmenter.attn_mask_probs.is_empty() => lines.push(format!(
            "attention     masked for these fractions of the queries in each block: {:?}",
            segmenter.attn_mask_probs
        )),
        Architecture::Encoder(_) | Architecture::Segmenter(_) => {}
    }
    lines
}
