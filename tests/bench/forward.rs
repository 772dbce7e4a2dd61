//! Times forward passes of an encoder.
//!
//! Prints the numbers of a first forward pass's time, then those of one more for each line on standard input,
//! so that another program can take turns with it. `RAYON_NUM_THREADS` is the number of threads.
#![expect(clippy::print_stdout, reason = "a measurement tells what it measured")]

use std::path::PathBuf;
use std::time::Instant;
use std::{error::Error, fs, io};

use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use cpu_time::ProcessTime;
use mae_seg::engine::{DeviceChoice, pick};
use mae_seg::model::VisionTransformer;
use mae_seg::sources::Disk;
use mae_seg::weights::Checkpoint;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to compute.
#[derive(Debug, Parser)]
struct Options {
    /// The folder of weights.
    weights: PathBuf,
    /// The pixels of one photo: `[3, S, S]`, f32; position embeddings are resampled if the model's side is
    /// another.
    input: PathBuf,
    /// How often the photo is in the batch.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// The device to compute on.
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceChoice,
    /// The file to write the tokens of the first photo to, `[1 + L, D]`, f32.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let device = pollster::block_on(pick(options.device))?.device;
    let weights = Disk::folder(options.weights)?;
    let checkpoint = pollster::block_on(Checkpoint::open(&weights))?;
    let encoder = pollster::block_on(checkpoint.encoder(&weights, &device))?;
    let bytes = fs::read(options.input)?;
    let photo: Vec<f32> =
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let side = (photo.len() / 3).isqrt();
    let images = TensorData::new(photo.repeat(options.batch), [options.batch, 3, side, side]);

    let tokens = timed(&encoder, &images, &device)?;
    if let Some(out) = options.out {
        let first = &tokens[..tokens.len() / options.batch];
        fs::write(out, first.iter().flat_map(|token| token.to_le_bytes()).collect::<Vec<u8>>())?;
    }
    for line in io::stdin().lines() {
        line?;
        timed(&encoder, &images, &device)?;
    }
    Ok(())
}

/// Computes the tokens of all images, and prints the milliseconds that this took: by the clock, and by the
/// processor.
fn timed(
    encoder: &VisionTransformer,
    images: &TensorData,
    device: &Device,
) -> Result<Vec<f32>, Box<dyn Error>> {
    let (start, work) = (Instant::now(), ProcessTime::now());
    let tokens = encoder.forward(Tensor::from_data(images.clone(), device)).into_data();
    let [wall, cpu] = [start.elapsed(), work.elapsed()].map(|time| 1000.0 * time.as_secs_f64());
    println!(r#"{{"wall_ms": {wall:.3}, "cpu_ms": {cpu:.3}}}"#);
    Ok(tokens.try_into_vec_as::<f32>()?)
}
