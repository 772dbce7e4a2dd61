//! `mae-seg import`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::bundled::Source;
use super::export::rewrite;
use super::targets::TargetsArg;
use crate::weights::{Promises, StoredAs};

/// Rewrite published weights as a weight folder of ours, under Hugging Face's names.
///
/// What the source says of its licence, its data and the score to show objects from is kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg import eomt-small/ --out weights/eomt-small
  mae-seg import mae_pretrain_vit_base.pth --out weights/mae-base --dtype f32
  mae-seg import tue-mps/coco_panoptic_eomt_small_640_2x --out weights/eomt-small")]
pub(super) struct Arguments {
    /// Weights: training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`, or
    /// address
    source: PathBuf,
    /// Folder to write; an earlier export there is replaced, other weights are not
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Data type that weights are stored in
    #[arg(long, value_enum, default_value_t = StoredAs::F16)]
    dtype: StoredAs,
    #[command(flatten)]
    targets: TargetsArg,
    /// Licence of the weights, as their publisher states it [default: what their manifest or model card says]
    #[arg(long)]
    licence: Option<String>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let asked = Promises { licence: arguments.licence.clone().unwrap_or_default(), ..Promises::default() };
    let source = Source::open(Some(&arguments.source))?;
    rewrite(&source, &arguments.out, (asked, &arguments.targets), arguments.dtype)
}
