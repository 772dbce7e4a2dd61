//! `mae-seg role`: measures what masked autoencoding does for instance segmentation.

mod cells;
mod figure;
mod study;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use self::cells::Cells;
use self::study::Study;
use super::args::recipe;
use super::render::Page;
use super::source::shards;
use super::terminal::output::{check_replaceable, print_line, write_file};
use super::terminal::progress;
use super::wrong_usage;
use crate::args;
use crate::data::{CocoDataset, Damaged, LabelSpace, PhotoFolder, PhotoSet, SegmentationSet};
use crate::engine::{DeviceChoice, pick};
use crate::text::counted;
use crate::train::{ModelSize, Optimizer};

const EXAMPLES: &str = "\
The same encoder is trained from scratch, or pretrained in one of three ways: contrastively (SimCLR), with \
mask tokens in place of masked patches (BERT, SimMIM), or as a masked autoencoder. Pretraining has the \
same photos and epochs each time. Every encoder is then fine-tuned frozen, in its last blocks, and in \
full, each for the same number of steps, with all objects as one class.

The results are written to role.md, role.png, role.html and role.json in DIR, beside the runs. Repeat the \
command to resume an interrupted study.

Example:
  mae-seg role --recipe recipes/role.toml --data photos/ --train train.json --val val.json \\
    --images . --out role";

/// Measure the effect of masked-autoencoder pretraining on instance segmentation
#[derive(Debug, Args, Serialize)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// TOML file with options in a table named after this command; explicit flags override it
    #[serde(skip)]
    #[arg(long, value_name = "TOML", value_parser = recipe::existing)]
    recipe: Option<PathBuf>,
    /// Unlabelled photos to pretrain on: folders (searched recursively), WebDataset tars, zip files, or URLs
    /// of tars
    #[arg(long, required = true, num_args = 1.., value_name = "DIR|TAR|ZIP|URL")]
    data: Vec<PathBuf>,
    /// COCO annotations to fine-tune on
    #[arg(long, value_name = "COCO.json")]
    train: PathBuf,
    /// COCO annotations to evaluate on
    #[arg(long, value_name = "COCO.json")]
    val: PathBuf,
    /// Folder or zip file with the annotated photos
    #[arg(long, value_name = "DIR|ZIP")]
    images: PathBuf,
    /// Output folder for the results and runs
    #[serde(skip)]
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Device to compute on
    #[serde(skip)]
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Size of the encoder
    #[arg(long, value_enum, default_value_t)]
    model: ModelSize,
    /// Side length that photos are resized to, in pixels
    #[arg(long, default_value_t = 128, value_parser = args::image_size)]
    image_size: usize,
    /// Embedding dimension of the decoder in pretraining
    #[arg(long, default_value_t = 192, value_parser = args::at_least_one)]
    decoder_dim: usize,
    /// Number of decoder blocks in pretraining
    #[arg(long, default_value_t = 2, value_parser = args::whole::<usize>)]
    decoder_depth: usize,
    /// Optimizer of pretraining and fine-tuning
    #[arg(long, value_enum, default_value_t)]
    optimizer: Optimizer,
    /// Number of pretraining epochs
    #[arg(long, default_value_t = 8, value_parser = args::at_least_one)]
    epochs: usize,
    /// Batch size of pretraining
    #[arg(long, default_value_t = 64, value_parser = args::at_least_one)]
    pretrain_batch_size: usize,
    /// Peak learning rate of pretraining
    #[arg(long, default_value_t = 5e-4, value_parser = args::number(0.0, 1e3))]
    pretrain_lr: f64,
    /// Number of fine-tuning steps
    #[arg(long, default_value_t = 1000, value_parser = args::at_least_one)]
    steps: usize,
    /// Batch size of fine-tuning
    #[arg(long, default_value_t = 8, value_parser = args::at_least_one)]
    batch_size: usize,
    /// Peak learning rate of fine-tuning
    #[arg(long, default_value_t = 3e-4, value_parser = args::number(0.0, 1e3))]
    lr: f64,
    /// Number of learned queries; 0 makes every patch a query, which learns faster
    #[arg(long, default_value_t = 0, value_parser = args::whole::<usize>)]
    queries: usize,
    /// Number of last encoder blocks that are fine-tuned in the partial setting
    #[arg(long, default_value_t = 4, value_parser = args::at_least_one, value_name = "BLOCKS")]
    top: usize,
    /// Number of seeds with which everything is repeated
    #[serde(skip)]
    #[arg(long, default_value_t = 2, value_parser = args::at_least_one)]
    seeds: usize,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let depth = arguments.model.encoder(arguments.image_size, study::PATCH).depth;
    if arguments.top > depth {
        return Err(wrong_usage(format!(
            "--top is {}, but the encoder has only {depth} blocks",
            arguments.top
        )));
    }
    check_replaceable(&arguments.out, &["role.png", "role.html", "role.md"])?;
    let picked = pollster::block_on(pick(arguments.device))?;
    let mut judged = CocoDataset::load(&arguments.val)?;
    let images = PhotoFolder::of(&arguments.images, &mut judged)?;
    images.sound(&mut judged, &arguments.val, Damaged::Stop)?;
    let unlabelled = PhotoSet::open(&shards::local(&arguments.data)?, shards::search(Damaged::Stop, &[]))?;
    let labelled =
        SegmentationSet::open(&arguments.train, &arguments.images, LabelSpace::Object, None, Damaged::Stop)?;
    let mut left_out = unlabelled.left_out().clone();
    left_out.extend(labelled.left_out());
    progress::say(&format!(
        "using {} for pretraining and {} for fine-tuning; left out {}",
        counted(unlabelled.len(), "photo"),
        counted(labelled.len(), "photo"),
        left_out.told()
    ));
    let photos = [unlabelled.fingerprint(), labelled.fingerprint()];
    let mut options = serde_json::to_value(arguments)?;
    let names: Vec<&str> = judged.images.iter().map(|image| image.file_name.as_str()).collect();
    let to_judge = images.with_bytes(&judged.fingerprint(), &names);
    options[cells::PHOTOS] = serde_json::json!([photos[0], photos[1], to_judge]);
    let study = Study { arguments, unlabelled, images, labelled, judged, device: picked.device, photos };
    fs::create_dir_all(&arguments.out)
        .with_context(|| format!("cannot create the folder {}", arguments.out.display()))?;
    let mut cells = Cells::open(&arguments.out.join("role.json"), &options)?;
    for seed in 0..arguments.seeds as u64 {
        study.measure(seed, &mut cells)?;
    }
    let table = cells.table();
    let picture = figure::draw(&cells)?;
    let mut page = Page::new("What masked autoencoding does for instance segmentation");
    page.table(&table.head(), &table.rows);
    page.picture(
        "mask AP50 of each encoder by how much of it is fine-tuned, with standard deviations",
        &picture,
    );
    write_file(&arguments.out.join("role.png"), &picture)?;
    write_file(&arguments.out.join("role.html"), page.finish().as_bytes())?;
    write_file(&arguments.out.join("role.md"), table.markdown().as_bytes())?;
    print_line(&table.markdown())
}
