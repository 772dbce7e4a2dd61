//! `mae-seg finetune`

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::asked::Asked;
use super::at_once::{AtOnce, Stack};
use super::bundled::Source;
use super::device::DeviceArg;
use super::encoder::{DamagedArg, ModelSize};
use super::peers::together;
use super::progress::TrainProgress;
use super::steps::StepsArg;
use super::wrong_usage;
use crate::data::{AugmentOptions, CocoDataset, LabelSpace, PhotoFolder, SegmentationSet, TeacherFeatures};
use crate::engine::Picked;
use crate::model::VitConfig;
use crate::pixels::Preprocess;
use crate::text::counted;
use crate::train::loss::SetLossConfig;
use crate::train::schedule::POLY_POWER;
use crate::train::{FinetuneOptions, Peers, RunFolder, TrainEvent, Tune, ValidationSet, finetune};
use crate::weights::{Folder, read_folder};

/// Teach a pretrained encoder to find objects.
///
/// Photos marked `"exhaustive": false` in the annotations ignore what is not labelled there. The same command continues
/// an interrupted run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  mae-seg finetune --train train.json --images photos/ --encoder runs/mae --out runs/seg
  mae-seg finetune --train train.json --images photos/ --encoder runs/mae --tune top:4 --labels object --out runs/seg
  mae-seg finetune --train train.json --images photos/ --encoder tue-mps/coco_panoptic_eomt_small_640_2x --whole \\
    --labels category --image-size 640 --out runs/mine
  mae-seg finetune --train train.json --images photos/ --cutouts cutouts/ --out runs/from-scratch")]
pub(super) struct Arguments {
    /// COCO instances file, also inside of a zip file: `annotations.zip/annotations/train.json`
    #[arg(long, value_name = "COCO.json")]
    train: PathBuf,
    /// Folder or zip file with the photos it names
    #[arg(long, value_name = "DIR|ZIP")]
    images: PathBuf,
    /// Leave out photos in which no object is annotated
    #[arg(long)]
    filter_empty: bool,
    /// What to do about photos that are missing, no images or not what their annotations say, about annotations that cannot be
    /// read, and about damaged cut-outs
    #[arg(long, value_enum, default_value_t)]
    damaged: DamagedArg,
    /// COCO instances file of photos to judge the run by; the best weights are kept in best/ of the run
    #[arg(long, value_name = "COCO.json")]
    val: Option<PathBuf>,
    /// Folder or zip file with the photos of --val [default: that of --images]
    #[arg(long, value_name = "DIR|ZIP", requires = "val")]
    val_images: Option<PathBuf>,
    /// Steps between validations
    #[arg(long, default_value_t = 1000, value_parser = super::at_least_one, value_name = "STEPS")]
    validate_every: usize,
    /// Training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`, or address;
    /// without it the encoder starts from scratch
    #[arg(long, value_name = "WEIGHTS")]
    encoder: Option<PathBuf>,
    /// Go on from all of --encoder, a segmenter: with its own queries and blocks, whatever --queries and --blocks say, its
    /// head, and the labels it shares
    #[arg(long, requires = "encoder")]
    whole: bool,
    /// Folder of the run: checkpoint, metrics.jsonl, panels
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// How much of the encoder changes: frozen, top:K (its last K blocks) or full
    #[arg(long, default_value = "full", value_parser = parse_tune, value_name = "frozen|top:K|full")]
    tune: Tune,
    /// What the model names
    #[arg(long, value_enum, default_value_t)]
    labels: LabelsArg,
    /// Folder with cutouts.json and cut-outs to paste into photos
    #[arg(long, value_name = "DIR")]
    cutouts: Option<PathBuf>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: DeviceArg,
    /// Size of the encoder when it starts from scratch
    #[arg(long, value_enum, default_value_t = ModelSize::Tiny)]
    model: ModelSize,
    /// Side of the input, in pixels
    #[arg(long, default_value_t = 224, value_parser = super::image_size)]
    image_size: usize,
    /// Side of a patch, in pixels; the embedding of an encoder with other patches is resampled [default: that of the encoder,
    /// from scratch 16]
    #[arg(long, value_parser = super::at_least_one, value_name = "PIXELS")]
    patch_size: Option<usize>,
    /// Learned queries: no photo yields more instances; 0: each patch may claim the object around it, learned faster
    #[arg(long, default_value_t = 50, value_parser = super::whole::<usize>)]
    queries: usize,
    /// Blocks the queries take part in
    #[arg(long, default_value_t = 3, value_parser = super::at_least_one)]
    blocks: usize,
    /// Let queries attend everywhere from the start: cheaper steps, slower learning
    #[arg(long)]
    no_masked_attention: bool,
    /// When each of the --blocks loses its masks, as shares of the training, such as 0.1-0.3,0.3-0.5,0.5-0.8 [default: a
    /// sixth each, from 1/6 to 5/6]
    #[arg(long, value_parser = window, num_args = 1.., value_delimiter = ',', value_name = "START-END")]
    anneal_masks: Vec<(f64, f64)>,
    /// How often the deepest block's branches are dropped for a photo (stochastic depth); less further up
    #[arg(long, default_value_t = 0.0, value_name = "RATE", value_parser = super::below_one)]
    drop_path: f64,
    /// Optimiser steps
    #[arg(long = "steps", default_value_t = 20_000, value_parser = super::at_least_one)]
    total_steps: usize,
    /// Photos per step
    #[arg(long, default_value_t = 16, value_parser = super::at_least_one)]
    batch_size: usize,
    /// Peak learning rate
    #[arg(long, default_value_t = 1e-4, value_parser = super::number(0.0, 1e3))]
    lr: f64,
    /// Each encoder block below the last learns this much slower
    #[arg(long, default_value_t = 0.8, value_parser = super::number(0.0, 1.0))]
    layer_decay: f64,
    /// Last blocks that learn as fast as the last one
    #[arg(long, default_value_t = 0, value_name = "BLOCKS", value_parser = super::whole::<usize>)]
    full_rate_blocks: usize,
    /// Steps over which new parameters warm up, while the encoder waits
    #[arg(long, default_value_t = 500, value_parser = super::whole::<usize>)]
    warmup_steps: usize,
    /// Steps over which the encoder warms up after that [default: twice as many]
    #[arg(long, value_name = "STEPS", value_parser = super::whole::<usize>)]
    encoder_warmup_steps: Option<usize>,
    /// Power of the polynomial decays, of the learning rate after the warm-ups and of masks
    #[arg(long, default_value_t = POLY_POWER, value_parser = super::number(0.0, 1e3))]
    poly_power: f64,
    /// How much of the moving average of the weights stays at each step; the average is what is kept (0: none)
    #[arg(long, default_value_t = 0.999, value_name = "DECAY", value_parser = super::below_one)]
    average: f64,
    /// Let patches predict a teacher's features besides (a file of `recipes/teacher_features.py`)
    #[arg(long, value_name = "FILE")]
    teacher_features: Option<PathBuf>,
    /// Weight of the teacher's features in the loss
    #[arg(long, default_value_t = 5.0, value_name = "WEIGHT", requires = "teacher_features",
        value_parser = super::number(0.0_f32, 1e6))]
    teacher_coefficient: f32,
    /// Points per mask in the loss
    #[arg(long, default_value_t = 2048, value_parser = super::at_least_one)]
    points: usize,
    /// Views each photo is seen in, over and over (0: a new one each time); with --tune frozen, what the encoder makes
    /// of each is computed once and kept in the run's features/
    #[arg(long, default_value_t = 0, value_parser = super::whole::<usize>)]
    views: usize,
    /// Least size a photo is shown at, as a multiple of the input's
    #[arg(long, default_value_t = 0.75, value_parser = super::number(0.05, 20.0))]
    min_zoom: f64,
    /// Greatest size; above 1, parts of the photo are cut off
    #[arg(long, default_value_t = 1.75, value_parser = super::number(0.05, 20.0))]
    max_zoom: f64,
    /// Draw the size itself evenly, rather than how often it doubles
    #[arg(long)]
    even_zoom: bool,
    /// Pixels of the input that an object covers at least: smaller ones are ignored
    #[arg(long, default_value_t = 16, value_name = "PIXELS", value_parser = super::whole::<usize>)]
    least_area: usize,
    /// How far brightness, contrast and saturation stray, 0 to 1
    #[arg(long, default_value_t = 0.3, value_name = "SHARE", value_parser = super::number(0.0_f32, 1.0))]
    colour: f32,
    /// Most objects of other photos pasted into a photo
    #[arg(long, default_value_t = 2, value_parser = super::whole::<usize>)]
    transplants: usize,
    /// Most cut-outs pasted into a photo
    #[arg(long, default_value_t = 4, value_parser = super::whole::<usize>)]
    paste: usize,
    #[command(flatten)]
    steps: StepsArg,
}

/// What the model names.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum LabelsArg {
    /// Every category of the file
    Category,
    /// Their groups, 12 in COCO
    #[default]
    Supercategory,
    /// One label for everything
    Object,
}

fn parse_tune(text: &str) -> Result<Tune, String> {
    match text.split_once(':') {
        None if text == "frozen" => Ok(Tune::Frozen),
        None if text == "full" => Ok(Tune::Full),
        Some(("top", blocks)) => match usize::from_str(blocks) {
            Ok(blocks) if blocks > 0 => Ok(Tune::Top(blocks)),
            _ => Err("top: wants a number of blocks from 1 on, such as top:4".to_owned()),
        },
        _ => Err("frozen, top:K (such as top:4) or full".to_owned()),
    }
}

fn window(text: &str) -> Result<(f64, f64), String> {
    let shares = text.split_once('-').map(|(start, end)| (start.trim().parse(), end.trim().parse()));
    match shares {
        Some((Ok(start), Ok(end))) if 0.0 <= start && start <= end && end <= 1.0 => Ok((start, end)),
        _ => Err("two shares of the training from 0 to 1, such as 0.1-0.3".to_owned()),
    }
}

impl Arguments {
    fn options(&self) -> FinetuneOptions {
        FinetuneOptions {
            tune: self.tune,
            num_queries: self.queries,
            whole: self.whole,
            num_blocks: self.blocks,
            masked_attention: !self.no_masked_attention,
            annealing: self.anneal_masks.clone(),
            drop_path: self.drop_path,
            total_steps: self.total_steps,
            learning_rate: self.lr,
            layer_decay: self.layer_decay,
            full_rate_blocks: self.full_rate_blocks,
            warmup_steps: self.warmup_steps,
            encoder_warmup_steps: self.encoder_warmup_steps.unwrap_or(2 * self.warmup_steps),
            poly_power: self.poly_power,
            views: self.views,
            augment: AugmentOptions {
                image_size: self.image_size,
                zoom: Some((self.min_zoom, self.max_zoom)),
                even_zoom: self.even_zoom,
                least_area: self.least_area,
                flip: true,
                colour: self.colour,
                cutouts: self.paste,
                transplants: self.transplants,
            },
            patch_size: self.patch_size,
            teacher_coefficient: self.teacher_coefficient,
            loss: SetLossConfig { num_points: self.points, ..SetLossConfig::default() },
            steps: self.steps.options(self.batch_size, self.average),
        }
    }
}

impl Arguments {
    /// What the run begins with, in words.
    fn start(&self) -> String {
        match &self.encoder {
            Some(path) => path.display().to_string(),
            None => format!("{:?} from scratch", self.model).to_lowercase(),
        }
    }

    /// The device, with memory for a step of training what is to change of `encoder`, by one of so many processes.
    fn pick(&self, encoder: &VitConfig, processes: usize) -> Result<Picked> {
        let picked = self.device.pick()?;
        let depth = match self.tune {
            Tune::Frozen => 0,
            Tune::Top(blocks) => blocks.min(encoder.depth),
            Tune::Full => encoder.depth,
        };
        let patches = (self.image_size / self.patch_size.unwrap_or(encoder.patch_size)).pow(2);
        let stacks = vec![Stack::of(encoder, patches, depth)];
        let step = AtOnce { photos: self.steps.at_once(self.batch_size), stacks };
        step.ask_for_memory(&picked, processes)?;
        Ok(picked)
    }

    /// What the run is judged by, and which of its photos cannot be used.
    fn validation(&self) -> Result<(Option<ValidationSet>, Vec<String>)> {
        let Some(path) = &self.val else { return Ok((None, Vec::new())) };
        let mut dataset = CocoDataset::load(path)?;
        let images = PhotoFolder::of(self.val_images.as_ref().unwrap_or(&self.images), &mut dataset)?;
        let set = ValidationSet { dataset, images, every: self.validate_every };
        let (set, unusable) = set.sound(path, self.damaged.into())?;
        Ok((Some(set), unusable))
    }
}

/// What the model will name, the first hundred in full.
fn labels_told(photos: &SegmentationSet) -> String {
    const SHOWN: usize = 100;
    let (labels, categories) = (photos.labels(), photos.num_categories());
    let merged = match labels.len() < categories {
        true => format!(" in place of {categories} categories, which --labels category tells apart"),
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

/// How pixels are normalised, where not as ImageNet's.
fn normalised(photos: &SegmentationSet) -> Option<String> {
    let (own, usual) = (photos.preprocess(1), Preprocess::square(1));
    (own != usual).then(|| format!("× {}, mean {:?}, deviation {:?}", own.rescale, own.mean, own.std))
}

/// Options that contradict each other, told before any file is opened.
fn check(arguments: &Arguments) -> Result<()> {
    let (least, greatest) = (arguments.min_zoom, arguments.max_zoom);
    if least > greatest {
        let reason =
            format!("--min-zoom {least} is above --max-zoom {greatest}; give both where you change one");
        return Err(wrong_usage(reason));
    }
    arguments.steps.check(arguments.batch_size)?;
    let (windows, blocks) = (arguments.anneal_masks.len(), arguments.blocks);
    if windows > 0 && windows != blocks && !arguments.whole {
        return Err(wrong_usage(format!(
            "--anneal-masks is of {}, --blocks {blocks}",
            counted(windows, "block")
        )));
    }
    Ok(())
}

fn train(arguments: &Arguments, peers: &Arc<dyn Peers>) -> Result<()> {
    check(arguments)?;
    let options = arguments.options();
    let space = match arguments.labels {
        LabelsArg::Category => LabelSpace::Category,
        LabelsArg::Supercategory => LabelSpace::Supercategory,
        LabelsArg::Object => LabelSpace::Object,
    };
    let (cutouts, damaged) = (arguments.cutouts.as_deref(), arguments.damaged.into());
    let mut photos = SegmentationSet::open(&arguments.train, &arguments.images, space, cutouts, damaged)?;
    if arguments.filter_empty {
        photos = photos.with_objects();
    }
    let (validation, unusable) = arguments.validation()?;
    let encoder = match &arguments.encoder {
        Some(path) => Some(pollster::block_on(read_folder(&Source::open(Some(path))?))?),
        None => None,
    };
    let fresh = arguments.model.encoder(arguments.image_size, arguments.patch_size.unwrap_or(16));
    if let Some(features) = &arguments.teacher_features {
        let own = encoder.as_ref().map_or(&fresh, |folder| folder.config.encoder()).patch_size;
        let patch_size = arguments.patch_size.unwrap_or(own);
        photos = photos.taught_by(TeacherFeatures::open(features)?, patch_size)?;
    }
    if let Some(folder) = &encoder {
        photos = photos.normalised_as(&folder.preprocess);
    }
    let picked =
        arguments.pick(encoder.as_ref().map_or(&fresh, |folder| folder.config.encoder()), peers.size())?;
    let taken = counted(photos.len(), "photo");
    let title = format!("{taken}, {}", picked.description);
    let mut progress = TrainProgress::new(&title, &**peers, arguments.steps.plain());
    let objects = counted(photos.num_objects(), "object");
    progress.say(&format!("took {taken} with {objects}; left out {}", photos.left_out().told()));
    progress.say(&labels_told(&photos));
    photos.cut().iter().chain(&unusable).for_each(|photo| progress.show(TrainEvent::Skipped(photo.clone())));
    encoder.iter().flat_map(Folder::notes).for_each(|note| progress.say(&format!("note: {note}")));
    let asked = Asked::new(&options, photos.fingerprint())
        .with("teacher features", photos.teacher_fingerprint())
        .with("encoder", Some(arguments.start()))
        .with("pixels", normalised(&photos))
        .with("labels", Some(photos.labels().join(", ")))
        .with("cut-outs", photos.cutouts_fingerprint())
        .with("validation", validation.as_ref().map(ValidationSet::told));
    let mut run = RunFolder::shared(&arguments.out, &asked, peers)?;
    let data = (&photos, validation.as_ref());
    finetune(data, &options, (encoder, fresh), &picked.device, &mut run, |event| progress.show(event))?;
    progress.finish(&format!("fine-tuned; evaluate with --weights {}", run.checkpoint().display()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn defaults_are_those_of_the_library() {
        let cli = Cli::try_parse_from(["finetune", "--train", "a", "--images", "b", "--out", "c"]).unwrap();
        assert_eq!(cli.arguments.options(), FinetuneOptions::new(224, 20_000));
    }
}
