//! `mae-seg contrast`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;

use super::device::DeviceArg;
use super::pretrain::ModelSize;
use super::progress::TrainProgress;
use super::shards;
use super::steps::PassesArg;
use crate::data::PhotoSet;
use crate::train::{ContrastOptions, RunFolder, contrast};

/// Pretrain an encoder to tell photos apart, to compare masked autoencoding with
///
/// As `SimCLR` does: two views of each photo, cropped, mirrored and recoloured, should be alike, and unlike all others of the batch. The same
/// command continues an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg contrast --data photos/ --out runs/contrast
  mae-seg finetune --train train.json --images photos/ --encoder runs/contrast --out runs/seg")]
pub(super) struct Arguments {
    /// Folders of images (searched through) or WebDataset tars, on disk or at addresses of the web
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|TAR|URL")]
    data: Vec<PathBuf>,
    /// Folder of the run: checkpoint, metrics.jsonl, panels
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: DeviceArg,
    /// Size of the encoder
    #[arg(long, value_enum, default_value_t = ModelSize::Tiny)]
    model: ModelSize,
    /// Side of the views, in pixels
    #[arg(long, default_value_t = 224)]
    image_size: usize,
    /// Side of a patch, in pixels
    #[arg(long, default_value_t = 16)]
    patch_size: usize,
    /// What cosines are divided by: the smaller, the more the nearest other photos count
    #[arg(long, default_value_t = 0.2)]
    temperature: f64,
    /// How far brightness, contrast and saturation stray, 0 to 1
    #[arg(long, default_value_t = 0.4)]
    colour: f32,
    #[command(flatten)]
    passes: PassesArg,
}

/// Runs the verb.
pub(super) fn run(args: &Arguments) -> Result<()> {
    let options = ContrastOptions {
        encoder: args.model.encoder(args.image_size, args.patch_size),
        temperature: args.temperature,
        colour: args.colour,
        passes: args.passes.options(),
    };
    options.encoder.validate().context("these sizes make no model")?;
    let photos = PhotoSet::open(&shards::local(&args.data)?)?;
    let picked = args.device.pick()?;
    let mut progress = TrainProgress::new(&format!("{} photos, {}", photos.len(), picked.description));
    let mut run = RunFolder::open(&args.out, &options)?;
    contrast(&photos, &options, &picked.device, &mut run, |event| progress.show(event))?;
    progress.finish(&format!("pretrained; fine-tune with --encoder {}", args.out.display()));
    Ok(())
}
