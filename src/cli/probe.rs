//! `mae-seg probe`: measures what an encoder has learned.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use clap::Args;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::args::targets::TargetsArg;
use super::source::Source;
use super::terminal::output::{percent, print_line};
use super::terminal::progress;
use super::wrong_usage;
use crate::args;
use crate::data::{Damaged, DataError, PhotoFolder};
use crate::engine::{DeviceChoice, pick};
use crate::eval::probe::{Labelled, LabelledPhotos, Scores, features, linear_probe, nearest_neighbours};
use crate::eval::reconstruction;
use crate::image::Likeness;
use crate::model::{MaskedAutoencoder, PatchMask, VisionTransformer};
use crate::pixels::{Preprocess, central_crop};
use crate::text::counted;
use crate::weights::{Architecture, Checkpoint};

const EXAMPLES: &str = "\
The encoder is frozen. Its class token is evaluated by a k-nearest-neighbour classifier (k = 20, cosine \
similarity, weighted as in DINO) and by logistic regression; a masked autoencoder also by how well it \
reconstructs masked patches of the test photos. Photos are center-cropped. With norm_pix_loss, \
reconstructed patches are given the mean and standard deviation of the original.

Examples:
  mae-seg probe --weights runs/mae --train photos/train --test photos/val
  mae-seg probe --weights runs/mae --train train.json --test val.json --images photos/";

/// Number of photos per forward pass.
const BATCH: usize = 16;

/// Evaluate an encoder by nearest neighbours, a linear probe and reconstruction
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Model weights: training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`,
    /// or URL
    #[arg(long, value_name = "WEIGHTS")]
    weights: PathBuf,
    /// Photos to train on: a folder with a subfolder per class, or COCO annotations
    #[arg(long, value_name = "PATH")]
    train: PathBuf,
    /// Photos to evaluate on, in the same form as --train
    #[arg(long, value_name = "PATH")]
    test: PathBuf,
    /// Folder or zip file with the photos of COCO annotations
    #[arg(long, value_name = "DIR|ZIP")]
    images: Option<PathBuf>,
    /// How to handle photos that are missing or invalid, and malformed annotations
    #[arg(long, value_enum, default_value_t = Damaged::Stop)]
    damaged: Damaged,
    #[command(flatten)]
    targets: TargetsArg,
    /// Seed of the random patch mask
    #[arg(long, default_value_t = 0, value_parser = args::whole::<u64>)]
    seed: u64,
    /// Print the metrics as JSON
    #[arg(long)]
    json: bool,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

#[derive(Debug, Serialize)]
struct Report {
    classes: usize,
    train_photos: usize,
    test_photos: usize,
    skipped_photos: usize,
    nearest_neighbours: Scores,
    linear: Scores,
    /// The baseline that predicts the class frequencies of the training photos for every photo.
    guess: Scores,
    reconstruction: Option<Likeness>,
}

/// An encoder, with its decoder if the weights are those of a masked autoencoder.
struct Probed {
    encoder: VisionTransformer,
    autoencoder: Option<MaskedAutoencoder>,
    image_size: usize,
    preprocess: Preprocess,
    device: Device,
}

impl Probed {
    fn load(weights: &Path, targets: &TargetsArg, device: Device) -> Result<Self> {
        let source = Source::open(Some(weights))?;
        let checkpoint = targets.of(pollster::block_on(Checkpoint::open(&source))?);
        checkpoint.notes().iter().for_each(|note| progress::note(note));
        let (encoder, autoencoder) = match &checkpoint.config.architecture {
            Architecture::Mae(config) => {
                let fresh = MaskedAutoencoder::new(config, &device);
                let model = pollster::block_on(checkpoint.load(&source, fresh))?;
                (model.encoder.clone(), Some(model))
            }
            Architecture::Encoder(_) | Architecture::Segmenter(_) => {
                (pollster::block_on(checkpoint.encoder(&source, &device))?, None)
            }
        };
        let image_size = checkpoint.config.image_size();
        Ok(Self { encoder, autoencoder, image_size, preprocess: checkpoint.preprocess, device })
    }

    fn crops(
        &self,
        folder: &PhotoFolder,
        photos: &[(String, Vec<usize>)],
    ) -> Vec<Result<Vec<f32>, DataError>> {
        let crop = |(name, _): &(String, Vec<usize>)| {
            Ok(central_crop(&folder.decode(name)?, self.image_size, &self.preprocess))
        };
        photos.par_iter().map(crop).collect()
    }

    /// Computes the features of the photos. Photos that cannot be read are removed and reported, or the first
    /// one is the error if `damaged` says to stop.
    fn look(&self, photos: &mut LabelledPhotos, damaged: Damaged) -> Result<Labelled> {
        let bar = progress::bar(photos.photos.len(), "computing features");
        let (mut kept, mut found, mut unusable) = (Vec::new(), Vec::new(), photos.cut.clone());
        for batch in photos.photos.chunks(BATCH) {
            let mut readable = Vec::new();
            for (photo, crop) in batch.iter().zip(self.crops(&photos.folder, batch)) {
                match crop {
                    Ok(crop) => {
                        kept.push(photo.clone());
                        readable.push(crop);
                    }
                    Err(error) if damaged == Damaged::Skip => unusable.push(error.to_string()),
                    Err(error) => return Err(error.into()),
                }
            }
            if !readable.is_empty() {
                found.extend(features(&self.encoder, &readable, &self.device)?);
            }
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        progress::skipped(&unusable);
        ensure!(!kept.is_empty(), "none of the photos could be read");
        photos.photos = kept;
        Ok(Labelled { features: found, present: photos.present(), exclusive: photos.exclusive })
    }

    /// Returns the mean similarity between photos and their reconstructions.
    fn draw(&self, model: &MaskedAutoencoder, photos: &LabelledPhotos, seed: u64) -> Result<Likeness> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let bar = progress::bar(photos.photos.len(), "reconstructing masked patches");
        let mut all = Vec::new();
        for batch in photos.photos.chunks(BATCH) {
            let patches = model.config().encoder.num_patches();
            let mut noise = || (0..patches).map(|_| random.random::<f32>()).collect();
            let noise: Vec<Vec<f32>> = batch.iter().map(|_| noise()).collect();
            let mask = PatchMask::from_noise(&noise, model.config().num_visible());
            all.extend(reconstruction(
                model,
                &self.crops(&photos.folder, batch).into_iter().collect::<Result<Vec<_>, _>>()?,
                &mask,
                &self.preprocess,
                &self.device,
            )?);
            bar.inc(batch.len() as u64);
        }
        bar.finish_and_clear();
        let mean = |value: fn(&Likeness) -> f64| all.iter().map(value).sum::<f64>() / all.len().max(1) as f64;
        Ok(Likeness { psnr: mean(|one| one.psnr), ssim: mean(|one| one.ssim) })
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let images = arguments.images.as_deref();
    let damaged = arguments.damaged;
    let [mut train, mut test] =
        [open(&arguments.train, images, damaged)?, open(&arguments.test, images, damaged)?];
    if let Some(difference) = difference(&train, &test) {
        bail!(
            "training and test photos have different classes ({difference}): use the same folders or categories for both"
        );
    }
    let mut left_out = train.left_out.clone();
    left_out.extend(&test.left_out);
    let taken = counted(train.photos.len(), "photo");
    progress::say(&format!(
        "using {taken} for training and {} for testing; left out {}",
        test.photos.len(),
        left_out.told()
    ));
    let probed = Probed::load(
        &arguments.weights,
        &arguments.targets,
        pollster::block_on(pick(arguments.device))?.device,
    )?;
    let all: usize = [&train, &test].map(|photos| photos.photos.len() + photos.cut.len()).iter().sum();
    let (known, asked) = (probed.look(&mut train, damaged)?, probed.look(&mut test, damaged)?);
    let scores = |predicted: &[Vec<f64>]| Scores::of(predicted, &asked.present, asked.exclusive);
    let share = |class: usize| {
        known.present.iter().filter(|present| present[class]).count() as f64 / known.present.len() as f64
    };
    let shares: Vec<f64> = (0..train.classes.len()).map(share).collect();
    let report = Report {
        classes: train.classes.len(),
        train_photos: train.photos.len(),
        test_photos: test.photos.len(),
        skipped_photos: all - train.photos.len() - test.photos.len(),
        nearest_neighbours: scores(&nearest_neighbours(&known, &asked.features)),
        linear: scores(&linear_probe(&known, &asked.features)?),
        guess: scores(&vec![shares; test.photos.len()]),
        reconstruction: match &probed.autoencoder {
            Some(model) => Some(probed.draw(model, &test, arguments.seed)?),
            None => None,
        },
    };
    let text = if arguments.json { serde_json::to_string_pretty(&report) } else { Ok(table(&report)) };
    print_line(&text.context("the report cannot be written")?)
}

/// Describes the classes that only one of the two sets has.
fn difference(train: &LabelledPhotos, test: &LabelledPhotos) -> Option<String> {
    let lacks = |one: &LabelledPhotos, other: &LabelledPhotos, side: &str| {
        let names: Vec<&str> = one
            .classes
            .iter()
            .filter(|class| !other.classes.contains(class))
            .map(String::as_str)
            .take(5)
            .collect();
        (!names.is_empty()).then(|| format!("only in {side}: {}", names.join(", ")))
    };
    let only = [lacks(train, test, "--train"), lacks(test, train, "--test")];
    let only = only.into_iter().flatten().collect::<Vec<_>>().join("; ");
    match only.as_str() {
        "" if train.classes == test.classes && train.exclusive == test.exclusive => None,
        "" => {
            Some("one has a folder per class, the other COCO annotations, or their orders differ".to_owned())
        }
        _ => Some(only),
    }
}

fn open(path: &Path, images: Option<&Path>, damaged: Damaged) -> Result<LabelledPhotos> {
    match images {
        _ if path.is_dir() => Ok(LabelledPhotos::from_folders(path)?),
        Some(images) => Ok(LabelledPhotos::from_coco(path, images, damaged)?),
        None => Err(wrong_usage(format!(
            "{} is not a folder: for COCO annotations, give the folder of the photos with --images",
            path.display()
        ))),
    }
}

fn table(report: &Report) -> String {
    let row = |name: &str, scores: &Scores| {
        let Scores { accuracy, mean_average_precision } = scores;
        format!(
            "{name:<20}accuracy {:>5}   mean AP {:>5}",
            percent(*accuracy),
            percent(*mean_average_precision)
        )
    };
    let Report { classes, train_photos, test_photos, skipped_photos, .. } = report;
    let skipped = if *skipped_photos > 0 { format!(" ({skipped_photos} skipped)") } else { String::new() };
    let train_photos = counted(*train_photos, "photo");
    let mut lines = vec![
        format!("{classes} classes, {train_photos} for training, {test_photos} for testing{skipped}"),
        row("nearest neighbours", &report.nearest_neighbours),
        row("linear probe", &report.linear),
        row("class frequencies", &report.guess),
    ];
    lines.extend(report.reconstruction.map(|Likeness { psnr, ssim }| {
        format!("{:<20}PSNR {psnr:.2} dB   SSIM {ssim:.4}", "reconstruction")
    }));
    lines.join("\n")
}
