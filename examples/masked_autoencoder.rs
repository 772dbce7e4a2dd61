//! Trains a small masked autoencoder on a folder of photos: it sees a quarter of the patches and reconstructs the rest.
//! `cargo run --release --example masked_autoencoder -- PHOTOS [STEPS]`
#![expect(clippy::print_stdout, reason = "an example tells how it learns")]

use std::{env, error::Error};

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mae_seg::data::{CropOptions, Damaged, PhotoSet};
use mae_seg::model::{DecoderConfig, MaeConfig, MaskedAutoencoder, PatchMask, VitConfig};
use mae_seg::train::{AdamWOptions, adamw};

const SIDE: usize = 96;
const BATCH: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("usage: masked_autoencoder PHOTOS [STEPS]")?;
    let steps: u64 = arguments.next().map_or(Ok(100), |text| text.parse())?;
    let photos = PhotoSet::open(&[folder.into()], Damaged::Skip)?;

    let device = Device::flex().autodiff();
    let encoder = VitConfig::plain(SIDE, 8, 128, 4, 4);
    let config = MaeConfig { mask_ratio: 0.75, ..MaeConfig::new(encoder, DecoderConfig::new(64, 2, 4)) };
    let mut model = MaskedAutoencoder::new(&config, &device);
    let options = AdamWOptions { betas: (0.9, 0.95), weight_decay: 0.05, decay_vectors: false };
    let mut optimizer = adamw(&model, options);
    let crop = CropOptions { image_size: SIDE, ..CropOptions::default() };

    for step in 0..steps {
        let indices: Vec<usize> = (0..BATCH).map(|_| rand::random_range(0..photos.len())).collect();
        let batch = photos.batch(&indices, &crop, None, (0, step))?;
        let images = Tensor::<4>::from_data(TensorData::new(batch.pixels, [BATCH, 3, SIDE, SIDE]), &device);
        // Of each photo the encoder sees the quarter of the patches with the least noise.
        let noise = || (0..config.encoder.num_patches()).map(|_| rand::random()).collect();
        let noise: Vec<Vec<f32>> = (0..BATCH).map(|_| noise()).collect();
        let mask = PatchMask::from_noise(&noise, config.num_visible());

        let output = model.forward(images.clone(), &mask);
        let loss = model.loss(images, output.prediction, &mask);
        println!("step {}: loss {:.4}", step + 1, loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(1e-3, model, gradients);
    }
    Ok(())
}
