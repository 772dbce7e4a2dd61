//! `mae-seg reconstruct`: shows what a masked autoencoder predicts for hidden patches.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use burn::tensor::{Tensor, TensorData};
use clap::Args;
use image::DynamicImage;

use super::args::targets::TargetsArg;
use super::render::png;
use super::source::Source;
use super::terminal::output::{print_line, write_file};
use crate::args;
use crate::engine::{DeviceChoice, pick};
use crate::files::{self, drawn::drawn_of};
use crate::image::RgbImage;
use crate::model::{MaskSampling, MaskedAutoencoder};
use crate::pixels::central_crop;
use crate::random::{Purpose, stream};
use crate::train::reconstruction_panel;
use crate::weights::{Architecture, Checkpoint};

const EXAMPLES: &str = "\
The image has one row per photo: its central square, the visible patches, and the reconstruction of the \
others. With norm_pix_loss, reconstructed patches are given the mean and standard deviation of the \
original.

Examples:
  mae-seg reconstruct photo.jpg --weights runs/mae
  mae-seg reconstruct *.jpg --weights hf:facebook/vit-mae-base --mask-ratio 0.9 --out drawn.png";

/// Reconstruct masked patches of photos with a masked autoencoder
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Photos to reconstruct
    #[arg(required = true, value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    /// Model weights, including the decoder: training run, weight folder, .safetensors or PyTorch file,
    /// `hf:owner/name[@revision]`, or URL
    #[arg(long, value_name = "WEIGHTS")]
    weights: PathBuf,
    /// Image file to write; an image written by an earlier call is replaced
    #[arg(long, value_name = "PNG", default_value = "reconstruction.png")]
    out: PathBuf,
    /// Fraction of patches that are masked, between 0 and 1 (exclusive) [default: that of the weights]
    #[arg(long, value_name = "SHARE", value_parser = args::between_zero_and_one)]
    mask_ratio: Option<f64>,
    /// Sampling strategy for masked patches
    #[arg(long, value_enum, default_value_t)]
    mask_sampling: MaskSampling,
    #[command(flatten)]
    targets: TargetsArg,
    /// Seed of the random patch mask
    #[arg(long, default_value_t = 0, value_parser = args::whole::<u64>)]
    seed: u64,
    /// Device to compute on
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
}

/// Runs the verb.
pub(super) fn run(arguments: &Arguments) -> Result<()> {
    let out: &Path = &arguments.out;
    ensure!(
        !out.is_file() || drawn_of(out).is_some(),
        "{} already exists and was not written by this program, or was changed since; choose another --out",
        out.display()
    );
    let source = Source::open(Some(&arguments.weights))?;
    let checkpoint = arguments.targets.of(pollster::block_on(Checkpoint::open(&source))?);
    let Architecture::Mae(config) = &checkpoint.config.architecture else {
        bail!("{} has no decoder to draw with: use a masked autoencoder", source.describe());
    };
    let mut config = config.clone();
    config.mask_ratio = arguments.mask_ratio.unwrap_or(config.mask_ratio);
    config.validate()?;
    let (side, preprocess) = (checkpoint.config.image_size(), checkpoint.preprocess.clone());
    let crop = |path: &PathBuf| -> Result<Vec<f32>> {
        let bytes = files::photo(path).with_context(|| format!("cannot read {}", path.display()))?;
        let photo = RgbImage::decode(&bytes).with_context(|| path.display().to_string())?;
        Ok(central_crop(&photo, side, &preprocess))
    };
    let crops = arguments.photos.iter().map(crop).collect::<Result<Vec<_>>>()?;
    let device = pollster::block_on(pick(arguments.device))?.device;
    let model = pollster::block_on(checkpoint.load(&source, MaskedAutoencoder::new(&config, &device)))?;
    let of_photo = |photo| stream(Purpose::Hide, arguments.seed, 0, photo);
    let sampling = arguments.mask_sampling;
    let mask =
        sampling.draw((0..crops.len() as u64).map(of_photo), config.encoder.grid(), config.num_visible());
    let images = TensorData::new(crops.concat(), [crops.len(), 3, side, side]);
    let images = Tensor::from_data(images, &device);
    let picture = reconstruction_panel(&model, images, &mask, &preprocess);
    write_file(out, &png(&DynamicImage::from(picture))?)?;
    print_line(&out.display().to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use image::{Rgb, RgbImage as Picture};

    use super::*;
    use crate::engine::{DeviceChoice, Reconstructor, pick};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn the_page_draws_what_the_command_line_draws() {
        let folder = tempfile::tempdir().unwrap();
        let [photo, out] = ["photo.png", "out.png"].map(|name| folder.path().join(name));
        let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mae_tiny");
        Picture::from_fn(90, 70, |x, y| Rgb([(2 * x) as u8, (3 * y) as u8, (x * y % 256) as u8]))
            .save(&photo)
            .unwrap();
        let [of_photo, of_out, of_weights] = [&photo, &out, &weights].map(|path| path.to_str().unwrap());
        for sampling in ["random", "block", "grid"] {
            let line = ["reconstruct", of_photo, "--weights", of_weights, "--out", of_out, "--device", "cpu"];
            let more = ["--mask-ratio", "0.6", "--seed", "5", "--mask-sampling", sampling];
            let arguments = Line::parse_from(line.into_iter().chain(more)).arguments;
            run(&arguments).unwrap();
            let panel = image::open(&out).unwrap().into_rgb8();
            let source = Source::open(Some(&weights)).unwrap();
            let device = pollster::block_on(pick(DeviceChoice::Cpu)).unwrap().device;
            let reconstructor = pollster::block_on(Reconstructor::load(&source, &device)).unwrap();
            let square = reconstructor.prepare(&RgbImage::decode(&std::fs::read(&photo).unwrap()).unwrap());
            let mask = reconstructor.hide(0.6, arguments.mask_sampling, 5);
            let redrawn = pollster::block_on(reconstructor.draw(&square, &mask)).unwrap();
            assert!(redrawn.panel(true, true) == panel, "{sampling}");
        }
    }
}
