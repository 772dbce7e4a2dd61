//! `mae-seg predict`: segments the objects in photos.

mod annotations;
mod pictures;
mod prompt;
mod results;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use serde::Serialize;

use self::prompt::PromptArguments;
use self::results::{FormatArg, Results};
use super::source::Source;
use super::terminal::output::{JsonRows, print, print_line};
use super::terminal::progress;
use super::{complain, wrong_usage};
use crate::args::{image_size, number, tiles};
use crate::data::Ahead;
use crate::engine::{DeviceChoice, Engine, SegmentOptions, Selection};
use crate::eval::Prediction;
use crate::files;
use crate::image::{ImageError, ImageNote, MAX_PIXELS, RgbImage};
use crate::instance::Instance;
use crate::prompt::Prompt;
use crate::text::{counted, one_line};

/// Pixels of a megapixel.
const MILLION: u64 = 1_000_000;

const EXAMPLES: &str = "\
For each object in photo.jpg, predict writes photo.NN-LABEL.png, a cut-out with a transparent background, \
and for all objects together photo.overlay.png. Files of an earlier call for the same photo are replaced, \
unless they were changed since; photos with the same name are numbered, as in photo-2. For the files of \
--format see docs/formats.md.

In the COCO results of --json, image_id numbers the photos from 1, and category_id the labels of the model \
from 1.

Examples:
  mae-seg predict photo.jpg
  mae-seg predict a.jpg b.png --out found --score-thresh 0.3
  mae-seg predict photo.jpg --select panoptic
  mae-seg predict photo.jpg --point 320,200 --point 400,90,-
  mae-seg predict photos/*.jpg --format coco --out labelled
  mae-seg predict photo.jpg --json | jq '.[].label'";

/// Segment the objects in photos
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Photos to segment: JPEG, PNG, WebP, GIF, BMP or TIFF
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Model weights: training run, weight folder, .safetensors or PyTorch file, `hf:owner/name[@revision]`,
    /// or URL [default: the bundled weights]
    #[arg(long, value_name = "WEIGHTS")]
    weights: Option<PathBuf>,
    /// Output folder [default: found; with --json, no files are written]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Output format, instead of overlays and cut-outs
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    format: Option<FormatArg>,
    /// Print only COCO results to stdout
    #[arg(long)]
    json: bool,
    /// Minimum score of an object, 0 to 1 [default: that of the weights; 0.8 for instance and panoptic; 0 for
    /// pairs]
    #[arg(long, value_name = "SCORE", value_parser = score)]
    score_thresh: Option<f32>,
    /// Post-processing of the model output
    #[arg(long, value_name = "RULE", value_enum, default_value_t)]
    select: Selection,
    #[command(flatten)]
    prompt: PromptArguments,
    /// Number of tiles per side to segment besides the whole photo; finds more small objects in N² + 1 times
    /// the time; needs --select distinct
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = tiles)]
    tiles: usize,
    /// Side length that photos are resized to, in pixels [default: that of the weights]
    #[arg(long, value_name = "PIXELS", value_parser = image_size)]
    image_size: Option<usize>,
    /// Maximum size of a photo in millions of pixels; decoding takes up to 12 bytes of memory per pixel
    #[arg(long, value_name = "N", default_value_t = MAX_PIXELS / MILLION, value_parser = number(1_u64, 2_000))]
    max_megapixels: u64,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

/// The objects to look for in a photo.
enum Wanted {
    /// All objects.
    All(SegmentOptions),
    /// The object at the prompt.
    At(Prompt),
}

impl Arguments {
    fn wanted(&self, engine: &Engine) -> Wanted {
        self.prompt.prompt().map_or_else(|| Wanted::All(self.options(engine)), Wanted::At)
    }

    fn options(&self, engine: &Engine) -> SegmentOptions {
        let options = SegmentOptions::reference(self.select);
        let usual =
            if options.selection == Selection::Distinct { engine.threshold() } else { options.score_thresh };
        SegmentOptions { score_thresh: self.score_thresh.unwrap_or(usual), tiles: self.tiles, ..options }
    }
}

pub(super) fn score(text: &str) -> Result<f32, String> {
    let value = text.parse().ok().filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// A COCO result with its label, box and file name.
#[derive(Debug, Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    prediction: Prediction,
    bbox: [usize; 4],
    label: &'a str,
    file_name: String,
}

/// A decoded photo, and what was odd about its file.
type Decoded = (RgbImage, Vec<ImageNote>);

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.tiles > 1 && arguments.select != Selection::Distinct {
        return Err(wrong_usage(
            "--tiles needs --select distinct: the other rules do not remove duplicates between tiles",
        ));
    }
    let weights = Source::open(arguments.weights.as_deref())?;
    thread::scope(|scope| {
        let decoded =
            Ahead::spawn(scope, &arguments.images, |path| decode(path, arguments.max_megapixels * MILLION));
        segment_all(arguments, &weights, decoded)
    })
}

/// Segments the photos, the first of which is decoded while the weights are loaded.
fn segment_all(
    arguments: &Arguments,
    weights: &Source,
    decoded: impl Iterator<Item = Result<Decoded>>,
) -> Result<()> {
    let out = match (&arguments.out, arguments.json) {
        (None, true) => None,
        (given, _) => Some(given.clone().unwrap_or_else(|| PathBuf::from("found"))),
    };
    let (engine, _) = weights.load(arguments.device, arguments.image_size)?;
    let mut written = out
        .as_ref()
        .map(|out| Results::open(out, arguments.format, &arguments.images, engine.labels()))
        .transpose()?;
    let wanted = arguments.wanted(&engine);
    let bar = progress::bar(arguments.images.len(), "segmenting");
    let (mut results, mut failures) = (JsonRows::default(), 0);
    for ((path, image_id), photo) in arguments.images.iter().zip(1..).zip(decoded) {
        let outcome = photo.and_then(|(photo, notes)| {
            let instances = segment(&engine, path, &photo, &wanted)?;
            if let Some(written) = &mut written {
                written.save(path, &photo, &instances)?;
            }
            Ok((instances, notes))
        });
        match outcome {
            Ok((instances, notes)) => bar.suspend(|| {
                notes.iter().for_each(|note| remark(path, note));
                if arguments.json {
                    return print(&results.add(instances.iter().map(|found| json(image_id, path, found))));
                }
                report(path, &instances)
            })?,
            Err(error) if arguments.images.len() == 1 => return Err(error),
            Err(error) => {
                failures += 1;
                bar.suspend(|| complain(&error));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if arguments.json {
        print(results.end())?;
    } else if let (Some(written), Some(out)) = (written, out)
        && failures < arguments.images.len()
    {
        written.finish(&out)?;
    }
    match (failures, arguments.images.len()) {
        (0, _) => Ok(()),
        (failures, all) => bail!("{failures} of {all} photos could not be segmented"),
    }
}

fn decode(path: &Path, most: u64) -> Result<Decoded> {
    let bytes = files::photo(path).with_context(|| format!("cannot read {}", path.display()))?;
    let decoded = RgbImage::decode_up_to(most, &bytes).map_err(|error| match error {
        ImageError::TooLarge { width, height, .. } => {
            let needed = (u64::from(width) * u64::from(height)).div_ceil(MILLION);
            anyhow!("{error}, or raise the limit with --max-megapixels {needed}")
        }
        error => error.into(),
    });
    decoded.with_context(|| path.display().to_string())
}

fn segment(engine: &Engine, path: &Path, photo: &RgbImage, wanted: &Wanted) -> Result<Vec<Instance>> {
    let work = async {
        match wanted {
            Wanted::All(options) => engine.segment(photo, options).await,
            Wanted::At(prompt) => engine.find_at(&engine.encode(photo).await?, prompt, 1).await,
        }
    };
    pollster::block_on(work).with_context(|| path.display().to_string())
}

/// Prints on stderr a remark about a photo that was decoded nevertheless; a closed stderr is not an error.
fn remark(path: &Path, note: &ImageNote) {
    let _ = writeln!(io::stderr(), "note: {}", one_line(&format!("{}: {note}", path.display())));
}

fn json(image_id: u64, path: &Path, instance: &Instance) -> serde_json::Value {
    let row = Row {
        prediction: Prediction::new(image_id, instance.category as u64 + 1, instance),
        bbox: instance.bbox,
        label: &instance.label,
        file_name: path.display().to_string(),
    };
    serde_json::json!(row)
}

fn report(path: &Path, instances: &[Instance]) -> Result<()> {
    let path = path.display().to_string();
    print_line(&format!("{}: {}", one_line(&path), counted(instances.len(), "object")))?;
    instances.iter().zip(1..).try_for_each(|(instance, number)| {
        let Instance { label, score, bbox: [x, y, width, height], .. } = instance;
        let label = one_line(label);
        print_line(&format!("  {number:>2} {label:<12} {score:.2}  {width} × {height} at {x}, {y}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_between_zero_and_one() {
        assert_eq!(score("0.5"), Ok(0.5));
        assert!(score("1.5").is_err() && score("NaN").is_err() && score("half").is_err());
    }
}
