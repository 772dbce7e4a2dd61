//! `mae-seg contrast`

use anyhow::Result;
use clap::Args;

use super::args::run::RunArguments;
use super::training::{AtOnce, PhotoArguments, Stack};
use super::wrong_usage;
use crate::train::{ContrastOptions, contrast};

/// Pretrain an encoder with SimCLR, a contrastive baseline for masked autoencoding
///
/// Two views of each photo (cropped, flipped and color-jittered) are trained to have similar features, unlike
/// those of the other photos in the batch. Repeat the command to resume an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg contrast --data photos/ --out runs/contrast
  mae-seg finetune --train train.json --images photos/ --encoder runs/contrast --out runs/seg")]
pub(super) struct Arguments {
    #[command(flatten)]
    photos: PhotoArguments,
    #[command(flatten)]
    options: ContrastOptions,
    #[command(flatten)]
    run: RunArguments,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let (encoder, steps) = (&options.encoder, &options.passes.steps);
    if steps.batch_size < 2 {
        return Err(wrong_usage("contrast needs --batch-size 2 or more: it compares the photos of a batch"));
    }
    if steps.accumulate > 1 {
        return Err(wrong_usage("contrast needs --grad-accumulation 1: it compares all photos of a batch"));
    }
    encoder
        .validate()
        .map_err(|error| wrong_usage(format!("these sizes do not make a valid model: {error}")))?;
    let stacks = vec![Stack::of(encoder, encoder.num_patches(), encoder.depth)];
    // Each photo appears in two views.
    let step = AtOnce { photos: 2 * steps.at_once(), stacks };
    arguments.photos.train((options, &arguments.run, None), &step, None, |photos, device, run, show| {
        contrast(photos, options, device, run, show)
    })
}
