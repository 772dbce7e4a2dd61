//! `mae-seg contrast`

use anyhow::Result;
use clap::Args;

use super::at_once::{AtOnce, Stack};
use super::encoder::EncoderArg;
use super::steps::PassesArg;
use crate::train::{ContrastOptions, contrast};

/// Pretrain an encoder to tell photos apart, to compare masked autoencoding with
///
/// As `SimCLR` does: two views of each photo, cropped, mirrored and recoloured, should be alike, and unlike all others of the batch. The same
/// command continues an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg contrast --data photos/ --out runs/contrast
  mae-seg finetune --train train.json --images photos/ --encoder runs/contrast --out runs/seg")]
pub(super) struct Arguments {
    #[command(flatten)]
    encoder: EncoderArg,
    /// What cosines are divided by: the smaller, the more the nearest other photos count
    #[arg(long, default_value_t = 0.2, value_parser = super::number(1e-3, 1e3))]
    temperature: f64,
    /// How far brightness, contrast and saturation stray, 0 to 1
    #[arg(long, default_value_t = 0.4, value_parser = super::number(0.0_f32, 1.0))]
    colour: f32,
    #[command(flatten)]
    passes: PassesArg,
}

/// Runs the verb.
pub(super) fn run(args: &Arguments) -> Result<()> {
    args.passes.check_together()?;
    let options = ContrastOptions {
        encoder: args.encoder.config()?,
        temperature: args.temperature,
        colour: args.colour,
        passes: args.passes.options(),
    };
    let encoder = &options.encoder;
    let stacks = vec![Stack::of(encoder, encoder.num_patches(), encoder.depth)];
    // Each photo in two views.
    let step = AtOnce { photos: 2 * args.passes.at_once(), stacks };
    args.encoder.train((&options, args.passes.plain(), None), &step, None, |photos, device, run, show| {
        contrast(photos, &options, device, run, show)
    })
}
