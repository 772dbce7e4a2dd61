//! `mae-seg pretrain`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, ValueEnum};

use super::device::DeviceArg;
use super::progress::TrainProgress;
use super::shards;
use super::steps::PassesArg;
use crate::data::{PhotoSet, TeacherFeatures};
use crate::model::{DecoderConfig, HiddenPatches, LossOn, MaeConfig, VitConfig};
use crate::train::{MaskSampling, PretrainOptions, RunFolder, pretrain};

/// Pretrain a masked autoencoder on photos without labels.
///
/// The same command continues an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg pretrain --data photos/ --out runs/mae
  mae-seg pretrain --data shard-0000.tar shard-0001.tar --epochs 400 --batch-size 64 --out runs/mae
  mae-seg pretrain --data photos/ --hidden-patches mask-token --loss-on all --out runs/bert-like")]
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
    /// Side of the training crops, in pixels
    #[arg(long, default_value_t = 224)]
    image_size: usize,
    /// Side of a patch, in pixels
    #[arg(long, default_value_t = 16)]
    patch_size: usize,
    /// Width of the decoder
    #[arg(long, default_value_t = 512)]
    decoder_dim: usize,
    /// Blocks of the decoder
    #[arg(long, default_value_t = 8)]
    decoder_depth: usize,
    /// Share of hidden patches, above 0 and below 1
    #[arg(long, default_value_t = 0.75)]
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
    /// Reconstruct raw pixels instead of pixels normalised per patch
    #[arg(long)]
    raw_pixels: bool,
    #[command(flatten)]
    passes: PassesArg,
}

/// Widths and depths with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ModelSize {
    /// 192 wide, 12 deep, 3 heads
    Tiny,
    /// 384 wide, 12 deep, 6 heads
    Small,
    /// 768 wide, 12 deep, 12 heads
    Base,
    /// 1024 wide, 24 deep, 16 heads
    Large,
    /// 1280 wide, 32 deep, 16 heads
    Huge,
}

impl ModelSize {
    pub(super) fn encoder(self, image_size: usize, patch_size: usize) -> VitConfig {
        let (width, depth, heads) = match self {
            Self::Tiny => (192, 12, 3),
            Self::Small => (384, 12, 6),
            Self::Base => (768, 12, 12),
            Self::Large => (1024, 24, 16),
            Self::Huge => (1280, 32, 16),
        };
        VitConfig::plain(image_size, patch_size, width, depth, heads)
    }
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum SamplingArg {
    /// Each patch alike
    #[default]
    Random,
    /// Rectangles of many patches
    Block,
    /// All but one of every 2×2
    Grid,
}

impl From<SamplingArg> for MaskSampling {
    fn from(sampling: SamplingArg) -> Self {
        match sampling {
            SamplingArg::Random => Self::Random,
            SamplingArg::Block => Self::Block,
            SamplingArg::Grid => Self::Grid,
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

impl Arguments {
    fn options(&self) -> PretrainOptions {
        let encoder = self.model.encoder(self.image_size, self.patch_size);
        let decoder =
            DecoderConfig::new(self.decoder_dim, self.decoder_depth, (self.decoder_dim / 32).max(1));
        let mut model = MaeConfig::new(encoder, decoder);
        model.mask_ratio = self.mask_ratio;
        model.norm_pix_loss = !self.raw_pixels;
        model.loss_on = match self.loss_on {
            LossOnArg::Hidden => LossOn::Hidden,
            LossOnArg::Visible => LossOn::Visible,
            LossOnArg::All => LossOn::All,
        };
        model.hidden_patches = match self.hidden_patches {
            HiddenArg::Drop => HiddenPatches::Drop,
            HiddenArg::MaskToken => HiddenPatches::MaskToken,
            HiddenArg::Zero => HiddenPatches::Zero,
        };
        PretrainOptions { model, mask_sampling: self.mask_sampling.into(), passes: self.passes.options() }
    }
}

/// Runs the verb.
pub(super) fn run(args: &Arguments) -> anyhow::Result<()> {
    let teacher = args.teacher_features.as_deref().map(TeacherFeatures::open).transpose()?;
    let mut options = args.options();
    options.model.teacher_dim = teacher.as_ref().map_or(0, TeacherFeatures::channels);
    options.model.validate().context("these sizes make no model")?;
    let photos = PhotoSet::open(&shards::local(&args.data)?)?;
    let picked = args.device.pick()?;
    let mut progress = TrainProgress::new(&format!("{} photos, {}", photos.len(), picked.description));
    let mut run = RunFolder::open(&args.out, &options)?;
    pretrain(&photos, teacher.as_ref(), &options, &picked.device, &mut run, |event| progress.show(event))?;
    progress.finish(&format!("pretrained; fine-tune with --encoder {}", args.out.display()));
    Ok(())
}
