//! Fine-tunes a segmenter from a pretrained encoder, on photos with COCO annotations.
//! `cargo run --release --example finetune -- ANNOTATIONS.json PHOTOS ENCODER RUN [STEPS]`
#![expect(clippy::print_stdout, reason = "an example tells how it learns")]

use std::{env, error::Error, path::Path};

use mae_seg::data::{AugmentOptions, Damaged, LabelSpace, SegmentationSet};
use mae_seg::engine::{DeviceChoice, pick};
use mae_seg::sources::Disk;
use mae_seg::train::{FinetuneOptions, RunFolder, RunManifest, StepOptions, TrainEvent, finetune};
use mae_seg::weights::read_folder;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [annotations, photos, encoder, run, steps @ ..] = &arguments[..] else {
        return Err("usage: finetune ANNOTATIONS.json PHOTOS ENCODER RUN [STEPS]".into());
    };
    let steps: usize = steps.first().map_or(Ok(1000), |text| text.parse())?;
    let encoder = pollster::block_on(read_folder(&Disk::folder(encoder)?))?;
    let (annotations, photos) = (Path::new(annotations), Path::new(photos));
    let photos = SegmentationSet::open(annotations, photos, LabelSpace::Category, None, Damaged::Skip)?
        .normalised_as(&encoder.preprocess);

    let options = FinetuneOptions {
        // Every patch may claim the object around it: with few photos, that is learned faster than queries are.
        num_queries: 0,
        warmup_steps: steps / 20,
        total_steps: steps,
        augment: AugmentOptions { image_size: encoder.config.image_size(), ..AugmentOptions::default() },
        steps: StepOptions { batch_size: 8, clip_norm: Some(1.0), ..StepOptions::default() },
        ..FinetuneOptions::default()
    };
    let device = pollster::block_on(pick(DeviceChoice::Auto))?.device;
    let mut run = RunFolder::open(Path::new(run), &RunManifest::new(options.clone()))?;
    let fresh = encoder.config.encoder().clone();
    finetune((&photos, None), &options, (Some(encoder), fresh), &device, &mut run, |event| {
        if let TrainEvent::Step(step) = event {
            println!("step {} of {}: loss {:.4}", step.step, step.steps, step.loss);
        }
    })?;
    println!("the weights are in {}", run.checkpoint().display());
    Ok(())
}
