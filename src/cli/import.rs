//! `mae-seg import`

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::bundled::Source;
use super::device::DeviceArg;
use super::output::write_folder;
use crate::weights::{Promises, StoredAs, convert, export, read_folder};

/// Rewrite published weights as a weight folder of ours, under Hugging Face's names.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg import eomt-small/ --out weights/eomt-small
  mae-seg import vit_base_patch16_224_mae.safetensors --out weights/mae-base --dtype f32")]
pub(super) struct Arguments {
    /// Weight folder, or a .safetensors file
    source: PathBuf,
    /// Folder to write; its files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How numbers are stored
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeArg,
    /// Licence of the weights, as their publisher states it
    #[arg(long, default_value = "not stated")]
    licence: String,
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
    let folder = pollster::block_on(read_folder(&Source::open(Some(&arguments.source))?))?;
    let folder = convert(folder, &DeviceArg::Cpu.pick()?.device)?;
    let name = arguments.out.file_name().and_then(|name| name.to_str()).unwrap_or("imported");
    let promises =
        Promises { name: name.to_owned(), licence: arguments.licence.clone(), data: "not stated".to_owned() };
    let stored_as = match arguments.dtype {
        DtypeArg::F16 => StoredAs::F16,
        DtypeArg::F32 => StoredAs::F32,
    };
    write_folder(&arguments.out, &export(&folder, promises, stored_as)?)
}
