//! The grid of training runs of the study.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use burn::tensor::Device;
use cpu_time::ProcessTime;

use super::Arguments;
use super::cells::{Cell, Cells, ENCODERS, TUNINGS};
use crate::cli::args::run::manifest;
use crate::cli::source::Source;
use crate::cli::terminal::progress::TrainProgress;
use crate::cli::terminal::stop::stop_by_signal;
use crate::data::{AugmentOptions, CocoDataset, PhotoFolder, PhotoSet, SegmentationSet};
use crate::engine::Engine;
use crate::eval::{Vocabulary, evaluate, predict_dataset};
use crate::model::{DecoderConfig, HiddenPatches, MaeConfig, VitConfig};
use crate::train::loss::SetLossConfig;
use crate::train::{
    Alone, ContrastOptions, FinetuneOptions, PassOptions, PretrainOptions, RunFolder, StepOptions,
    TrainEvent, Tune, contrast, finetune, pretrain,
};
use crate::weights::read_folder;

/// Fraction of the steps during which the learning rate rises.
const WARMUP: f64 = 0.1;
pub(super) const PATCH: usize = 16;
/// The file of a run that stores its CPU seconds of training.
const COST: &str = "seconds";

/// The inputs shared by all runs of the study.
pub(super) struct Study<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) unlabelled: PhotoSet,
    pub(super) labelled: SegmentationSet,
    pub(super) judged: CocoDataset,
    pub(super) images: PhotoFolder,
    pub(super) device: Device,
    /// Fingerprints of the unlabelled and labelled photos.
    pub(super) photos: [String; 2],
}

impl Study<'_> {
    /// Measures the missing cells of a seed.
    pub(super) fn measure(&self, seed: u64, cells: &mut Cells) -> Result<()> {
        for encoder in ENCODERS {
            if TUNINGS.iter().all(|tuning| cells.has(encoder, tuning, seed)) {
                continue;
            }
            let (folder, pretraining_seconds) = self.pretrained(encoder, seed)?;
            for tuning in
                TUNINGS.into_iter().filter(|tuning| !cells.has(encoder, tuning, seed)).collect::<Vec<_>>()
            {
                let (run, finetuning_seconds) = self.tuned(encoder, tuning, seed, folder.as_ref())?;
                let engine = pollster::block_on(Engine::load(&Source::open(Some(&run))?, &self.device))?;
                let vocabulary = Vocabulary::choose(engine.labels(), &self.judged, true)?;
                let predictions =
                    predict_dataset(&engine, &self.judged, &self.images, &vocabulary, 1, || ())?;
                let measured = evaluate(&vocabulary.translate(&self.judged), &predictions)?.masks;
                cells.add(Cell {
                    encoder: encoder.to_owned(),
                    tuning: tuning.to_owned(),
                    seed,
                    ap: measured.ap.unwrap_or(0.0),
                    ap50: measured.ap50.unwrap_or(0.0),
                    ar100: measured.ar100.unwrap_or(0.0),
                    pretraining_seconds,
                    finetuning_seconds,
                })?;
            }
        }
        Ok(())
    }

    fn vit(&self) -> VitConfig {
        self.arguments.model.encoder(self.arguments.image_size, PATCH)
    }

    fn run(&self, parts: &[&str], seed: u64) -> PathBuf {
        self.arguments.out.join(format!("{}-{seed}", parts.join("-").replace(' ', "-")))
    }

    fn steps(&self, batch_size: usize, seed: u64) -> StepOptions {
        StepOptions {
            batch_size,
            clip_norm: Some(1.0),
            optimizer: self.arguments.optimizer,
            seed,
            panel_every: 500,
            ..StepOptions::default()
        }
    }

    /// Returns the pretraining run of an encoder, if it has one, and the CPU seconds it took.
    fn pretrained(&self, encoder: &str, seed: u64) -> Result<(Option<PathBuf>, f64)> {
        if encoder == ENCODERS[0] {
            return Ok((None, 0.0));
        }
        let out = self.run(&[encoder], seed);
        let title = format!("{encoder}, seed {seed}");
        let seconds = costed(&title, &out, |show| self.pretrain(encoder, seed, &out, show))?;
        Ok((Some(out), seconds))
    }

    fn pretrain(&self, encoder: &str, seed: u64, out: &Path, show: &mut dyn FnMut(TrainEvent)) -> Result<()> {
        let batch_size = self.arguments.pretrain_batch_size;
        let passes = PassOptions {
            epochs: self.arguments.epochs,
            warmup_epochs: WARMUP * self.arguments.epochs as f64,
            base_learning_rate: self.arguments.pretrain_lr * 256.0 / batch_size as f64,
            steps: self.steps(batch_size, seed),
            ..PassOptions::default()
        };
        if encoder == "contrast" {
            let options = ContrastOptions { encoder: self.vit(), passes, ..ContrastOptions::default() };
            let mut run = RunFolder::open(out, &manifest(options.clone(), self.photos[0].clone()))?;
            stop_by_signal(&mut run)?;
            contrast(&self.unlabelled, &options, &self.device, &mut run, show)?;
        } else {
            let (width, depth) = (self.arguments.decoder_dim, self.arguments.decoder_depth);
            let decoder = DecoderConfig::new(width, depth, (width / 32).max(1));
            let mut model = MaeConfig::new(self.vit(), decoder);
            if encoder == "mask tokens" {
                model.hidden_patches = HiddenPatches::MaskToken;
            }
            let options = PretrainOptions { model, passes, ..PretrainOptions::default() };
            let mut run = RunFolder::open(out, &manifest(options.clone(), self.photos[0].clone()))?;
            stop_by_signal(&mut run)?;
            pretrain(&self.unlabelled, None, &options, None, &self.device, &mut run, show)?;
        }
        Ok(())
    }

    /// Returns the fine-tuning run of a cell and the CPU seconds it took.
    fn tuned(
        &self,
        encoder: &str,
        tuning: &str,
        seed: u64,
        from: Option<&PathBuf>,
    ) -> Result<(PathBuf, f64)> {
        let warmup = (WARMUP * self.arguments.steps as f64) as usize;
        let options = FinetuneOptions {
            tune: match tuning {
                "frozen" => Tune::Frozen,
                "full" => Tune::Full,
                _ => Tune::Top(self.arguments.top),
            },
            num_queries: self.arguments.queries,
            num_blocks: self.arguments.top,
            masked_attention: false,
            total_steps: self.arguments.steps,
            learning_rate: self.arguments.lr,
            layer_decay: 0.9,
            warmup_steps: warmup / 2,
            encoder_warmup_steps: Some(warmup),
            augment: AugmentOptions {
                image_size: self.arguments.image_size,
                cutouts: 0,
                ..AugmentOptions::default()
            },
            loss: SetLossConfig { num_points: 1024, ..SetLossConfig::default() },
            teacher_coefficient: 0.0,
            steps: StepOptions { average_decay: 0.99, ..self.steps(self.arguments.batch_size, seed) },
            ..FinetuneOptions::default()
        };
        let out = self.run(&[encoder, tuning], seed);
        let found = match from {
            Some(folder) => Some(pollster::block_on(read_folder(&Source::open(Some(folder))?))?),
            None => None,
        };
        let mut run = RunFolder::open(&out, &manifest(options.clone(), self.photos[1].clone()))?;
        stop_by_signal(&mut run)?;
        let seconds = costed(&format!("{encoder}, {tuning}, seed {seed}"), &out, |show| {
            let encoder = (found, self.vit());
            Ok(finetune((&self.labelled, None), &options, encoder, &self.device, &mut run, show)?)
        })?;
        Ok((out, seconds))
    }
}

/// Returns the CPU seconds that `train` takes for the run in `out`; if the run was interrupted, they are
/// extrapolated from the steps since the last start.
fn costed(
    title: &str,
    out: &Path,
    train: impl FnOnce(&mut dyn FnMut(TrainEvent)) -> Result<()>,
) -> Result<f64> {
    let started = ProcessTime::try_now()?;
    let mut done = 0.0;
    let mut progress = TrainProgress::new(title, &Alone, false);
    train(&mut |event| {
        if let TrainEvent::Started { done: before, steps, .. } = event {
            done = before as f64 / steps as f64;
        }
        progress.show(event);
    })?;
    let cost = out.join(COST);
    if done < 1.0 {
        let seconds = started.try_elapsed()?.as_secs_f64() / (1.0 - done);
        fs::write(&cost, seconds.to_string())?;
        return Ok(seconds);
    }
    let seconds = fs::read_to_string(&cost).ok().and_then(|seconds| seconds.parse().ok());
    Ok(seconds.unwrap_or_default())
}
