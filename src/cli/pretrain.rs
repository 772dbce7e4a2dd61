//! `mae-seg pretrain`

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::at_once::{AtOnce, Stack};
use super::bundled::Source;
use super::encoder::EncoderArg;
use super::steps::PassesArg;
use super::wrong_usage;
use crate::data::TeacherFeatures;
use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, MaskSampling, PixelError};
use crate::train::{PretrainOptions, pretrain};
use crate::weights::{Folder, read_folder};

/// Pretrain a masked autoencoder on photos without labels.
///
/// The same command continues an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg pretrain --data photos/ --out runs/mae
  mae-seg pretrain --data shard-0000.tar shard-0001.tar --epochs 400 --batch-size 64 --out runs/mae
  mae-seg pretrain --data photos/ --encoder hf:facebook/vit-mae-base --out runs/mae
  mae-seg pretrain --data photos/ --hidden-patches mask-token --loss-on all --out runs/bert-like")]
pub(super) struct Arguments {
    #[command(flatten)]
    encoder: EncoderArg,
    /// Begin with the encoder of these weights, at --image-size, instead of at random: training run, weight folder, .safetensors
    /// or PyTorch file, `hf:owner/name[@revision]`, or address
    #[arg(long = "encoder", value_name = "WEIGHTS", conflicts_with_all = ["model", "patch_size"])]
    start: Option<PathBuf>,
    /// Width of the decoder
    #[arg(long, default_value_t = 512, value_parser = super::at_least_one)]
    decoder_dim: usize,
    /// Blocks of the decoder; 0: linear layers alone
    #[arg(long, default_value_t = 8, value_parser = super::whole::<usize>)]
    decoder_depth: usize,
    /// Share of hidden patches, above 0 and below 1
    #[arg(long, default_value_t = 0.75, value_parser = super::between_zero_and_one)]
    mask_ratio: f64,
    /// How hidden patches are chosen
    #[arg(long, value_enum, default_value_t)]
    mask_sampling: SamplingArg,
    /// Patches the loss is taken on
    #[arg(long, value_enum, default_value_t = LossOnArg::Hidden)]
    loss_on: LossOnArg,
    /// What the encoder sees in place of hidden patches
    #[arg(long, value_enum, default_value_t = HiddenArg::Drop)]
    hidden_patches: HiddenArg,
    /// Reconstruct a teacher's features beside the pixels (a file of `recipes/teacher_features.py`)
    #[arg(long, value_name = "FILE")]
    teacher_features: Option<PathBuf>,
    /// Reconstruct the teacher's features alone
    #[arg(long, requires = "teacher_features")]
    features_only: bool,
    /// How far brightness, contrast and saturation of crops stray, 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = super::number(0.0_f32, 1.0))]
    colour: f32,
    /// Reconstruct raw pixels instead of pixels normalised per patch
    #[arg(long)]
    raw_pixels: bool,
    /// How the loss measures pixels
    #[arg(long, value_enum, default_value_t = PixelErrorArg::Squared)]
    pixel_error: PixelErrorArg,
    #[command(flatten)]
    passes: PassesArg,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum SamplingArg {
    /// Each patch alike
    #[default]
    Random,
    /// Rectangles of many patches
    Block,
    /// All but one of every 2×2
    Grid,
    /// Squares of 2×2 patches
    Squares,
}

impl From<SamplingArg> for MaskSampling {
    fn from(sampling: SamplingArg) -> Self {
        match sampling {
            SamplingArg::Random => Self::Random,
            SamplingArg::Block => Self::Block,
            SamplingArg::Grid => Self::Grid,
            SamplingArg::Squares => Self::Squares,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LossOnArg {
    Hidden,
    Visible,
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum HiddenArg {
    Drop,
    MaskToken,
    Zero,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PixelErrorArg {
    Squared,
    Absolute,
}

impl Arguments {
    fn options(&self, teacher_dim: usize, start: Option<&Folder>) -> Result<PretrainOptions> {
        let decoder =
            DecoderConfig::new(self.decoder_dim, self.decoder_depth, (self.decoder_dim / 32).max(1));
        let encoder = match start {
            Some(folder) => self.encoder.resized(folder.config.encoder()),
            None => self.encoder.config()?,
        };
        let mut model = MaeConfig::new(encoder, decoder);
        model.teacher_dim = teacher_dim;
        model.mask_ratio = self.mask_ratio;
        model.norm_pix_loss = !self.raw_pixels;
        model.loss_on = match self.loss_on {
            LossOnArg::Hidden => LossOn::Hidden,
            LossOnArg::Visible => LossOn::Visible,
            LossOnArg::All => LossOn::All,
        };
        model.pixel_error = match self.pixel_error {
            PixelErrorArg::Squared => PixelError::Squared,
            PixelErrorArg::Absolute => PixelError::Absolute,
        };
        model.hidden_patches = match self.hidden_patches {
            HiddenArg::Drop => HiddenPatches::Drop,
            HiddenArg::MaskToken => HiddenPatches::MaskToken,
            HiddenArg::Zero => HiddenPatches::Zero,
        };
        model.validate().map_err(|error| wrong_usage(format!("these sizes make no model: {error}")))?;
        Ok(PretrainOptions {
            model,
            mask_sampling: self.mask_sampling.into(),
            colour: self.colour,
            features_only: self.features_only,
            passes: self.passes.options(),
        })
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
            photos: self.passes.at_once(),
            stacks: vec![Stack::of(encoder, seen, encoder.depth), decoding],
        }
    }
}

/// Runs the verb.
pub(super) fn run(args: &Arguments) -> Result<()> {
    args.passes.check()?;
    let teacher = args.teacher_features.as_deref().map(TeacherFeatures::open).transpose()?;
    let start = match &args.start {
        Some(path) => Some(pollster::block_on(read_folder(&Source::open(Some(path))?))?),
        None => None,
    };
    let options = args.options(teacher.as_ref().map_or(0, TeacherFeatures::channels), start.as_ref())?;
    let step = args.at_once(&options.model);
    let told = (&options, args.passes.plain(), args.start.as_deref());
    args.encoder.train(told, &step, teacher.as_ref(), |photos, device, run, show| {
        pretrain(photos, teacher.as_ref(), &options, start, device, run, show)
    })
}
