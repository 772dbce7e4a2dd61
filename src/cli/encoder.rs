//! What the verbs that train an encoder on photos without labels share.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::asked::Asked;
use super::at_once::AtOnce;
use super::device::DeviceArg;
use super::peers::together;
use super::progress::TrainProgress;
use super::{shards, wrong_usage};
use crate::data::{Damaged, PhotoSet, TeacherFeatures};
use crate::model::VitConfig;
use crate::text::counted;
use crate::train::{RunFolder, TrainError, TrainEvent, in_turn};

#[derive(Debug, Args)]
pub(super) struct EncoderArg {
    /// Folders of images (searched through), WebDataset tars (.tar, .tar.gz), zip files, or addresses of tars on the web, fetched
    /// once into the user's cache; '{0000..0146}' stands for many
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|TAR|ZIP|URL")]
    data: Vec<PathBuf>,
    /// Of tars with several images a sample: the keys to learn from, such as input.jpg of 0001.input.jpg and 0001.target.png
    #[arg(long, num_args = 1.., value_name = "KEY")]
    key: Vec<String>,
    /// What to do about photos that are no images and shards that were cut short
    #[arg(long, value_enum, default_value_t)]
    damaged: DamagedArg,
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
    #[arg(long, default_value_t = 224, value_parser = super::image_size)]
    image_size: usize,
    /// Side of a patch, in pixels
    #[arg(long, default_value_t = 16, value_parser = super::at_least_one)]
    patch_size: usize,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum DamagedArg {
    /// Name them, count them and go on
    #[default]
    Skip,
    /// Stop at the first
    Stop,
}

impl From<DamagedArg> for Damaged {
    fn from(damaged: DamagedArg) -> Self {
        match damaged {
            DamagedArg::Skip => Self::Skip,
            DamagedArg::Stop => Self::Stop,
        }
    }
}

/// Widths and depths with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
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

impl EncoderArg {
    pub(super) fn config(&self) -> Result<VitConfig> {
        let config = self.model.encoder(self.image_size, self.patch_size);
        config.validate().map_err(|error| wrong_usage(format!("these sizes make no model: {error}")))?;
        Ok(config)
    }

    /// The architecture of an encoder that is there, for crops of this size and without layer scale, which masked autoencoders
    /// have none of.
    pub(super) fn resized(&self, encoder: &VitConfig) -> VitConfig {
        VitConfig { image_size: self.image_size, layer_scale: false, ..encoder.clone() }
    }

    /// Does `training` with `options`, from the weights `start` if there are any, where the run stands, and shows how far it is;
    /// `step` is what it holds in memory.
    pub(super) fn train(
        &self,
        (options, plain, start): (&impl Serialize, bool, Option<&Path>),
        step: &AtOnce,
        teacher: Option<&TeacherFeatures>,
        training: impl FnOnce(
            &PhotoSet,
            &Device,
            &mut RunFolder,
            &mut dyn FnMut(TrainEvent),
        ) -> Result<(), TrainError>,
    ) -> Result<()> {
        together(|peers| {
            let search = shards::search(self.damaged.into(), &self.key);
            let photos = PhotoSet::open(&in_turn(&*peers, || shards::local(&self.data))?, search)?;
            let picked = self.device.pick()?;
            step.ask_for_memory(&picked, peers.size())?;
            let taken = counted(photos.len(), "photo");
            let mut progress =
                TrainProgress::new(&format!("{taken}, {}", picked.description), &*peers, plain);
            progress.say(&format!("took {taken}; left out {}", photos.left_out().told()));
            photos.cut().iter().for_each(|cut| progress.show(TrainEvent::Skipped(cut.clone())));
            let taught = teacher.map(|features| features.fingerprint().to_owned());
            let asked = Asked::new(options, photos.fingerprint())
                .with("teacher features", taught)
                .with("encoder", start.map(|path| path.display().to_string()));
            let mut run = RunFolder::shared(&self.out, &asked, &peers)?;
            training(&photos, &picked.device, &mut run, &mut |event| progress.show(event))?;
            progress.finish(&format!("pretrained; fine-tune with --encoder {}", self.out.display()));
            Ok(())
        })
    }
}
