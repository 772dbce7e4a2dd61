//! Finds the objects of a photo: `cargo run --release --example segment_photo -- PHOTO [WEIGHTS]`
#![expect(clippy::print_stdout, reason = "an example tells what it finds")]

use std::{env, error::Error, fs};

use mae_seg::engine::{DeviceChoice, Engine, SegmentOptions, pick};
use mae_seg::image::RgbImage;
use mae_seg::sources::Disk;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let photo = arguments.next().ok_or("usage: segment_photo PHOTO [WEIGHTS]")?;
    let weights = arguments.next().unwrap_or_else(|| "www/weights/mae-small".to_owned());

    let photo = RgbImage::decode(&fs::read(photo)?)?;
    let device = pollster::block_on(pick(DeviceChoice::Auto))?.device;
    let engine = pollster::block_on(Engine::load(&Disk::folder(weights)?, &device))?;
    let options = SegmentOptions { score_thresh: engine.threshold(), ..SegmentOptions::default() };
    for instance in pollster::block_on(engine.segment(&photo, &options))? {
        let [x, y, width, height] = instance.bbox;
        println!("{} {:.2}: {width} × {height} pixels at {x}, {y}", instance.label, instance.score);
    }
    Ok(())
}
