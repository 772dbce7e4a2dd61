//! `mae-seg import`

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::bundled::Source;
use super::device::DeviceArg;
use super::output::write_folder;
use crate::weights::{Checkpoint, Promises, StoredAs, convert, export};

/// Rewrite published weights as a weight folder of ours, under Hugging Face's names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg import eomt-small/ --out weights/eomt-small
  mae-seg import mae_pretrain_vit_base.pth --out weights/mae-base --dtype f32
  mae-seg import tue-mps/coco_panoptic_eomt_small_640_2x --out weights/eomt-small")]
pub(super) struct Arguments {
    /// Training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`, or address
    source: PathBuf,
    /// Folder to write; its files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How numbers are stored
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeArg,
    /// Licence of the weights, as their publisher states it [default: what their manifest or model card says]
    #[arg(long)]
    licence: Option<String>,
}

/// How numbers are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum DtypeArg {
    /// Half precision
    #[default]
    F16,
    /// Single precision
    F32,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let source = Source::open(Some(&arguments.source))?;
    let checkpoint = pollster::block_on(Checkpoint::open(&source))?;
    let licence = match &arguments.licence {
        Some(licence) => Some(licence.clone()),
        None => pollster::block_on(checkpoint.licence(&source))?,
    };
    let folder = convert(pollster::block_on(checkpoint.read(&source))?, &DeviceArg::Cpu.pick()?.device)?;
    let name = arguments.out.file_name().and_then(|name| name.to_str()).unwrap_or("imported");
    let promises = Promises {
        name: name.to_owned(),
        licence: licence.unwrap_or_else(|| "not stated".to_owned()),
        data: "not stated".to_owned(),
        threshold: None,
    };
    let stored_as = match arguments.dtype {
        DtypeArg::F16 => StoredAs::F16,
        DtypeArg::F32 => StoredAs::F32,
    };
    write_folder(&arguments.out, &export(&folder, promises, stored_as)?)
}
