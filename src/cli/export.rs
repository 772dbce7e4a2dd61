//! `mae-seg export`

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::bundled::Source;
use super::device::DeviceArg;
use super::output::write_folder;
use crate::weights::{Promises, StoredAs, convert, export, read_folder};

/// Write a run as a weight folder that pages and programs load: f16 shards, config, manifest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg export runs/seg --out weights/my-model
  mae-seg export runs/seg --out weights/my-model --name my-model --licence CC-BY-4.0")]
pub(super) struct Arguments {
    /// Training run or weight folder
    run: PathBuf,
    /// Folder to write; its files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name shown to people; the folder's by default
    #[arg(long)]
    name: Option<String>,
    /// Licence of the weights
    #[arg(long, default_value = "not stated")]
    licence: String,
    /// What the weights were trained on
    #[arg(long, default_value = "not stated")]
    data: String,
    /// Score from which its objects are worth showing, 0 to 1: where the page's slider starts, predict's default
    #[arg(long, value_name = "SCORE", value_parser = super::predict::score)]
    score_thresh: Option<f32>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let of_a_run = |file: &&str| arguments.out.join(file).exists();
    if ["run.json", "progress.json"].iter().any(of_a_run) {
        bail!("{} belongs to a training run; choose another folder for --out", arguments.out.display());
    }
    let folder = pollster::block_on(read_folder(&Source::open(Some(&arguments.run))?))?;
    let folder = convert(folder, &DeviceArg::Cpu.pick()?.device)?;
    let stem = arguments.out.file_name().and_then(|name| name.to_str()).unwrap_or("mae-seg");
    let promises = Promises {
        name: arguments.name.clone().unwrap_or_else(|| stem.to_owned()),
        licence: arguments.licence.clone(),
        data: arguments.data.clone(),
        threshold: arguments.score_thresh,
    };
    write_folder(&arguments.out, &export(&folder, promises, StoredAs::F16)?)
}
