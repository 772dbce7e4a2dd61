//! `mae-seg import`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::targets::TargetsArg;
use super::export::rewrite;
use super::source::Source;
use crate::weights::{Promises, StoredAs};

/// Convert published weights to a weight folder.
///
/// Tensors are named as in Hugging Face transformers; the licence, training data and score threshold that the
/// source states are kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg import eomt-small/ --out weights/eomt-small
  mae-seg import mae_pretrain_vit_base.pth --out weights/mae-base --dtype f32
  mae-seg import tue-mps/coco_panoptic_eomt_small_640_2x --out weights/eomt-small")]
pub(super) struct Arguments {
    /// Model weights: training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`,
    /// or URL
    source: PathBuf,
    /// Output folder; an earlier export in it is replaced, other weights are not
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Data type of the stored weights
    #[arg(long, value_enum, default_value_t = StoredAs::F16)]
    dtype: StoredAs,
    #[command(flatten)]
    targets: TargetsArg,
    /// Licence of the weights, as stated by their publisher [default: that in the manifest or model card]
    #[arg(long)]
    licence: Option<String>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let asked = Promises { licence: arguments.licence.clone().unwrap_or_default(), ..Promises::default() };
    let source = Source::open(Some(&arguments.source))?;
    rewrite(&source, &arguments.out, (asked, &arguments.targets), arguments.dtype)
}
