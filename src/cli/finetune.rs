//! `mae-seg finetune`

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::args::run::{RunArguments, check_parts, manifest};
use super::source::Source;
use super::terminal::progress::TrainProgress;
use super::terminal::stop::stop_by_signal;
use super::training::{AtOnce, Stack, together};
use super::wrong_usage;
use crate::args;
use crate::data::{CocoDataset, Damaged, LabelSpace, PhotoFolder, SegmentationSet, TeacherFeatures, Zoom};
use crate::engine::{Picked, pick};
use crate::model::VitConfig;
use crate::pixels::Preprocess;
use crate::text::counted;
use crate::train::{FinetuneOptions, ModelSize, Peers, RunFolder, TrainEvent, Tune, ValidationSet, finetune};
use crate::weights::{Folder, read_folder};

/// Fine-tune an encoder for instance segmentation.
///
/// In photos marked `"exhaustive": false` in the annotations, unlabelled areas are ignored instead of counted
/// as background. Repeat the command to resume an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg finetune --train train.json --images photos/ --encoder runs/mae --out runs/seg
  mae-seg finetune --train train.json --images photos/ --encoder runs/mae --out runs/seg \\
    --tune top:4 --labels object
  mae-seg finetune --train train.json --images photos/ --out runs/mine --labels category --whole \\
    --encoder tue-mps/coco_panoptic_eomt_small_640_2x --image-size 640
  mae-seg finetune --train train.json --images photos/ --cutouts cutouts/ --out runs/from-scratch")]
#[command(mut_arg("whole", |arg| arg.requires("encoder")))]
#[command(mut_arg("teacher_coefficient", |arg| arg.requires("teacher_features")))]
pub(super) struct Arguments {
    /// COCO annotations to train on, optionally inside a zip file: `annotations.zip/annotations/train.json`.
    #[arg(long, value_name = "COCO.json", help_heading = "Data")]
    train: PathBuf,
    /// Folder or zip file with the annotated photos.
    #[arg(long, value_name = "DIR|ZIP", help_heading = "Data")]
    images: PathBuf,
    /// COCO annotations to validate on; the best weights are kept in the run's best/ folder.
    #[arg(long, value_name = "COCO.json", help_heading = "Data")]
    val: Option<PathBuf>,
    /// Folder or zip file with the photos of --val [default: that of --images].
    #[arg(long, value_name = "DIR|ZIP", requires = "val", help_heading = "Data")]
    val_images: Option<PathBuf>,
    /// Steps between validations.
    #[arg(long, default_value_t = 1000, value_name = "STEPS", value_parser = args::at_least_one)]
    #[arg(help_heading = "Data")]
    validate_every: usize,
    /// Classes to learn.
    #[arg(long, value_enum, default_value_t, help_heading = "Data")]
    labels: LabelSpace,
    /// Leave out photos without annotated objects.
    #[arg(long, help_heading = "Data")]
    filter_empty: bool,
    /// Folder with cutouts.json and the cut-outs to paste into photos.
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    cutouts: Option<PathBuf>,
    /// How to handle photos that are missing, invalid or inconsistent with their annotations, malformed
    /// annotations, and damaged cut-outs.
    #[arg(long, value_enum, default_value_t, help_heading = "Data")]
    damaged: Damaged,
    /// Weights of the encoder to start from, instead of training from scratch: training run, weight folder,
    /// .safetensors or PyTorch file, `hf:owner/name[@revision]`, or URL.
    #[arg(long, value_name = "WEIGHTS", help_heading = "Model")]
    encoder: Option<PathBuf>,
    /// Size of the encoder, if it is trained from scratch.
    #[arg(long, value_enum, default_value_t, help_heading = "Model")]
    model: ModelSize,
    /// Teacher features that patches also learn to predict, as written by `recipes/teacher_features.py`.
    #[arg(long = "distill-features", alias = "teacher-features", value_name = "FILE")]
    #[arg(help_heading = "Distillation")]
    teacher_features: Option<PathBuf>,
    #[command(flatten)]
    options: FinetuneOptions,
    #[command(flatten)]
    run: RunArguments,
}

impl Arguments {
    /// Describes the initial weights.
    fn start(&self) -> String {
        match &self.encoder {
            Some(path) => path.display().to_string(),
            None => format!("{:?} from scratch", self.model).to_lowercase(),
        }
    }

    /// Returns the device, after checking that it has the memory that one of `processes` processes needs to
    /// train the tuned part of `encoder`.
    fn pick(&self, encoder: &VitConfig, processes: usize) -> Result<Picked> {
        let picked = pollster::block_on(pick(self.run.device))?;
        let depth = match self.options.tune {
            Tune::Frozen => 0,
            Tune::Top(blocks) => blocks.min(encoder.depth),
            Tune::Full => encoder.depth,
        };
        let FinetuneOptions { patch_size, ref augment, ref steps, .. } = self.options;
        let patches = (augment.image_size / patch_size.unwrap_or(encoder.patch_size)).pow(2);
        let stacks = vec![Stack::of(encoder, patches, depth)];
        let step = AtOnce { photos: steps.at_once(), stacks };
        step.ask_for_memory(&picked, processes)?;
        Ok(picked)
    }

    /// Returns the validation set, if any, and the photos of it that cannot be used.
    fn validation(&self) -> Result<(Option<ValidationSet>, Vec<String>)> {
        let Some(path) = &self.val else { return Ok((None, Vec::new())) };
        let mut dataset = CocoDataset::load(path)?;
        let images = PhotoFolder::of(self.val_images.as_ref().unwrap_or(&self.images), &mut dataset)?;
        let set = ValidationSet { dataset, images, every: self.validate_every };
        let (set, unusable) = set.sound(path, self.damaged)?;
        Ok((Some(set), unusable))
    }
}

/// Describes the labels that the model will learn, the first hundred by name.
fn labels_told(photos: &SegmentationSet) -> String {
    const SHOWN: usize = 100;
    let (labels, categories) = (photos.labels(), photos.num_categories());
    let merged = match labels.len() < categories {
        true => format!(" instead of {categories} categories (which --labels category would keep apart)"),
        false => String::new(),
    };
    let more = if labels.len() > SHOWN { ", …" } else { "" };
    format!(
        "learns {}{merged}: {}{more}",
        counted(labels.len(), "label"),
        labels[..labels.len().min(SHOWN)].join(", ")
    )
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    together(|peers| train(arguments, &peers))
}

/// Describes the normalisation of pixels, if it differs from ImageNet's.
fn normalised(photos: &SegmentationSet) -> Option<String> {
    let (own, usual) = (photos.preprocess(1), Preprocess::square(1));
    (own != usual).then(|| format!("× {}, mean {:?}, deviation {:?}", own.rescale, own.mean, own.std))
}

/// Rejects contradictory options before any file is opened.
fn check(options: &FinetuneOptions) -> Result<()> {
    if let Zoom(Some((least, greatest))) = options.augment.zoom
        && least > greatest
    {
        let reason =
            format!("--min-scale {least} is above --max-scale {greatest}; set both when you change one");
        return Err(wrong_usage(reason));
    }
    check_parts(&options.steps)?;
    let (windows, blocks) = (options.annealing.len(), options.num_blocks);
    if windows > 0 && windows != blocks && !options.whole {
        return Err(wrong_usage(format!(
            "--anneal-masks has intervals for {}, but --blocks is {blocks}",
            counted(windows, "block")
        )));
    }
    Ok(())
}

fn train(arguments: &Arguments, peers: &Arc<dyn Peers>) -> Result<()> {
    let mut options = arguments.options.clone();
    check(&options)?;
    options.encoder_warmup_steps = Some(options.encoder_warmup());
    let (image_size, patch_size, space) = (options.augment.image_size, options.patch_size, arguments.labels);
    let (cutouts, damaged) = (arguments.cutouts.as_deref(), arguments.damaged);
    let mut photos = SegmentationSet::open(&arguments.train, &arguments.images, space, cutouts, damaged)?;
    if arguments.filter_empty {
        photos = photos.with_objects();
    }
    let (validation, unusable) = arguments.validation()?;
    let encoder = match &arguments.encoder {
        Some(path) => Some(pollster::block_on(read_folder(&Source::open(Some(path))?))?),
        None => None,
    };
    let fresh = arguments.model.encoder(image_size, patch_size.unwrap_or(16));
    if let Some(features) = &arguments.teacher_features {
        let own = encoder.as_ref().map_or(&fresh, |folder| folder.config.encoder()).patch_size;
        photos = photos.taught_by(TeacherFeatures::open(features)?, patch_size.unwrap_or(own))?;
    }
    if let Some(folder) = &encoder {
        photos = photos.normalised_as(&folder.preprocess);
    }
    let picked =
        arguments.pick(encoder.as_ref().map_or(&fresh, |folder| folder.config.encoder()), peers.size())?;
    let taken = counted(photos.len(), "photo");
    let title = format!("{taken}, {}", picked.description);
    let mut progress = TrainProgress::new(&title, &**peers, arguments.run.plain);
    let objects = counted(photos.num_objects(), "object");
    progress.say(&format!("using {taken} with {objects}; left out {}", photos.left_out().told()));
    progress.say(&labels_told(&photos));
    photos.cut().iter().chain(&unusable).for_each(|photo| progress.show(TrainEvent::Skipped(photo.clone())));
    encoder.iter().flat_map(Folder::notes).for_each(|note| progress.say(&format!("note: {note}")));
    let manifest = manifest(options.clone(), photos.fingerprint())
        .with("teacher features", photos.teacher_fingerprint())
        .with("encoder", Some(arguments.start()))
        .with("pixels", normalised(&photos))
        .with("labels", Some(photos.labels().join(", ")))
        .with("cut-outs", photos.cutouts_fingerprint())
        .with("validation", validation.as_ref().map(ValidationSet::told));
    let mut run = RunFolder::shared(&arguments.run.out, &manifest, peers)?;
    stop_by_signal(&mut run)?;
    let data = (&photos, validation.as_ref());
    finetune(data, &options, (encoder, fresh), &picked.device, &mut run, |event| progress.show(event))?;
    progress.finish(&format!("fine-tuned; evaluate with --weights {}", run.checkpoint().display()));
    Ok(())
}
