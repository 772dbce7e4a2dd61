//! `mae-seg pretrain`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::args::run::{RunArguments, check_parts};
use super::source::Source;
use super::training::{AtOnce, PhotoArguments, Stack};
use super::wrong_usage;
use crate::data::TeacherFeatures;
use crate::model::{HiddenPatches, MaeConfig, VitConfig};
use crate::train::{PretrainOptions, pretrain};
use crate::weights::{Folder, read_folder};

/// Pretrain a masked autoencoder on unlabelled photos.
///
/// Repeat the command to resume an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg pretrain --data photos/ --out runs/mae
  mae-seg pretrain --data shard-0000.tar shard-0001.tar --epochs 400 --batch-size 64 --out runs/mae
  mae-seg pretrain --data photos/ --encoder hf:facebook/vit-mae-base --out runs/mae
  mae-seg pretrain --data photos/ --hidden-patches mask-token --loss-on all --out runs/bert-like")]
pub(super) struct Arguments {
    #[command(flatten)]
    photos: PhotoArguments,
    /// Weights of an encoder to continue training, at --image-size: training run, weight folder, .safetensors
    /// or PyTorch file, `hf:owner/name[@revision]`, or URL.
    #[arg(long, value_name = "WEIGHTS", conflicts_with_all = ["model", "patch_size"], help_heading = "Model")]
    encoder: Option<PathBuf>,
    /// Teacher features to reconstruct in addition to pixels, as written by `recipes/teacher_features.py`.
    #[arg(long = "distill-features", alias = "teacher-features", value_name = "FILE")]
    #[arg(help_heading = "Distillation")]
    teacher_features: Option<PathBuf>,
    #[command(flatten)]
    options: PretrainOptions,
    #[command(flatten)]
    run: RunArguments,
}

impl Arguments {
    /// Returns the options for a teacher of width `teacher_dim`, with the encoder architecture of `start`, if
    /// given.
    fn options(&self, teacher_dim: usize, start: Option<&Folder>) -> Result<PretrainOptions> {
        let mut options = self.options.clone();
        let model = &mut options.model;
        model.teacher_dim = teacher_dim;
        if let Some(folder) = start {
            // Masked autoencoders have no layer scale.
            let (image_size, layer_scale) = (model.encoder.image_size, false);
            model.encoder = VitConfig { image_size, layer_scale, ..folder.config.encoder().clone() };
        }
        model
            .validate()
            .map_err(|error| wrong_usage(format!("these sizes do not make a valid model: {error}")))?;
        Ok(options)
    }

    fn at_once(&self, model: &MaeConfig) -> AtOnce {
        let (encoder, decoder) = (&model.encoder, &model.decoder);
        let seen = if model.hidden_patches == HiddenPatches::Drop {
            model.num_visible()
        } else {
            encoder.num_patches()
        };
        let decoding = Stack {
            tokens: encoder.num_patches(),
            depth: decoder.depth,
            width: decoder.embed_dim,
            inner: decoder.mlp_dim,
        };
        AtOnce {
            photos: self.options.passes.steps.at_once(),
            stacks: vec![Stack::of(encoder, seen, encoder.depth), decoding],
        }
    }
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    check_parts(&arguments.options.passes.steps)?;
    let teacher = arguments.teacher_features.as_deref().map(TeacherFeatures::open).transpose()?;
    let start = match &arguments.encoder {
        Some(path) => Some(pollster::block_on(read_folder(&Source::open(Some(path))?))?),
        None => None,
    };
    let options = arguments.options(teacher.as_ref().map_or(0, TeacherFeatures::channels), start.as_ref())?;
    let step = arguments.at_once(&options.model);
    let told = (&options, &arguments.run, arguments.encoder.as_deref());
    arguments.photos.train(told, &step, teacher.as_ref(), |photos, device, run, show| {
        pretrain(photos, teacher.as_ref(), &options, start, device, run, show)
    })
}
