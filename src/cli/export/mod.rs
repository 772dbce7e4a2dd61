//! `mae-seg export`

mod weight_folder;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use self::weight_folder::Target;
use super::args::targets::TargetsArg;
use super::source::Source;
use super::terminal::progress;
use crate::engine::{DeviceChoice, pick};
use crate::weights::{Checkpoint, Manifest, Promises, StoredAs, convert, export};

/// The text for weights whose authors did not state their licence or data.
const NOT_STATED: &str = "not stated";

/// Export a run as a weight folder for the page and the command line.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg export runs/seg --out weights/my-model
  mae-seg export runs/seg --out weights/my-model --dtype i8
  mae-seg export runs/seg --out weights/my-model --name my-model --licence CC-BY-4.0")]
pub(super) struct Arguments {
    /// Training run or weight folder to export
    run: PathBuf,
    /// Output folder; an earlier export in it is replaced, other weights are not
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Data type of the stored weights
    #[arg(long, value_enum, default_value_t = StoredAs::F16)]
    dtype: StoredAs,
    /// Display name of the model [default: the name of the folder]
    #[arg(long)]
    name: Option<String>,
    /// Licence of the weights [default: that in the manifest or model card]
    #[arg(long)]
    licence: Option<String>,
    /// Training data of the weights [default: that in the manifest]
    #[arg(long)]
    data: Option<String>,
    /// Default minimum score of shown objects, 0 to 1, for predict and the page's slider [default: that in
    /// the manifest]
    #[arg(long, value_name = "SCORE", value_parser = super::predict::score)]
    score_thresh: Option<f32>,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let asked = Promises {
        name: arguments.name.clone().unwrap_or_default(),
        licence: arguments.licence.clone().unwrap_or_default(),
        data: arguments.data.clone().unwrap_or_default(),
        threshold: arguments.score_thresh,
    };
    let source = Source::open(Some(&arguments.run))?;
    rewrite(&source, &arguments.out, (asked, &TargetsArg::default()), arguments.dtype)
}

/// Writes the weights of `source` to the folder `out`. Properties that `asked` leaves open are taken from the
/// source.
pub(super) fn rewrite(
    source: &Source,
    out: &Path,
    (asked, targets): (Promises, &TargetsArg),
    stored_as: StoredAs,
) -> Result<()> {
    let target = Target::open(out, source)?;
    let checkpoint = targets.of(pollster::block_on(Checkpoint::open(source))?);
    checkpoint.notes().iter().for_each(|note| progress::note(note));
    let licence = match asked.licence.is_empty() {
        true => pollster::block_on(checkpoint.licence(source))?,
        false => Some(asked.licence),
    };
    let Manifest { data, threshold, .. } = checkpoint.manifest.clone();
    let folder = convert(
        pollster::block_on(checkpoint.read(source))?,
        &pollster::block_on(pick(DeviceChoice::Cpu))?.device,
    )?;
    let first = |candidates: [Option<String>; 3]| {
        candidates.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or_default()
    };
    let folders = out.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let promises = Promises {
        name: first([Some(asked.name), folders, Some("mae-seg".to_owned())]),
        licence: first([licence, Some(NOT_STATED.to_owned()), None]),
        data: first([Some(asked.data), Some(data), Some(NOT_STATED.to_owned())]),
        threshold: asked.threshold.or(threshold),
    };
    target.write(&export(&folder, promises, stored_as)?)
}
