//! The options and the loop shared by the verbs that train an encoder on photos without labels.

use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{AtOnce, together};
use crate::cli::args::run::{RunArguments, manifest};
use crate::cli::source::shards;
use crate::cli::terminal::progress::TrainProgress;
use crate::cli::terminal::stop::stop_by_signal;
use crate::data::{Damaged, PhotoSet, TeacherFeatures};
use crate::engine::pick;
use crate::text::counted;
use crate::train::{RunFolder, TrainError, TrainEvent, in_turn};

#[derive(Debug, Args)]
pub(in crate::cli) struct PhotoArguments {
    /// Photos to train on: folders (searched recursively), WebDataset tars (.tar, .tar.gz), zip files, or
    /// URLs of tars.
    ///
    /// A pattern such as 'photos-{0000..0146}.tar' names many tars. Tars at URLs are downloaded once to the
    /// user's cache.
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|TAR|ZIP|URL", help_heading = "Data")]
    data: Vec<PathBuf>,
    /// Keys of the images to train on in tars with several images per sample, such as input.jpg for
    /// 0001.input.jpg.
    #[arg(long, num_args = 1.., value_name = "KEY", help_heading = "Data")]
    key: Vec<String>,
    /// How to handle files that are not valid images, and truncated tars.
    #[arg(long, value_enum, default_value_t, help_heading = "Data")]
    damaged: Damaged,
}

impl PhotoArguments {
    /// Runs `training` with `options` in the run's folder and shows its progress; `start` names the initial
    /// weights, if any, and `step` says what a step holds in memory.
    pub(in crate::cli) fn train<O: Clone + Serialize + DeserializeOwned>(
        &self,
        (options, at, start): (&O, &RunArguments, Option<&Path>),
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
            let search = shards::search(self.damaged, &self.key);
            let photos = PhotoSet::open(&in_turn(&*peers, || shards::local(&self.data))?, search)?;
            let picked = pollster::block_on(pick(at.device))?;
            step.ask_for_memory(&picked, peers.size())?;
            let taken = counted(photos.len(), "photo");
            let mut progress =
                TrainProgress::new(&format!("{taken}, {}", picked.description), &*peers, at.plain);
            progress.say(&format!("using {taken}; left out {}", photos.left_out().told()));
            photos.cut().iter().for_each(|cut| progress.show(TrainEvent::Skipped(cut.clone())));
            let taught = teacher.map(|features| features.fingerprint().to_owned());
            let manifest = manifest(options.clone(), photos.fingerprint())
                .with("teacher features", taught)
                .with("encoder", start.map(|path| path.display().to_string()));
            let mut run = RunFolder::shared(&at.out, &manifest, &peers)?;
            stop_by_signal(&mut run)?;
            training(&photos, &picked.device, &mut run, &mut |event| progress.show(event))?;
            progress.finish(&format!("pretrained; fine-tune with --encoder {}", at.out.display()));
            Ok(())
        })
    }
}
