//! ViTMAE: masking, encoder, reconstruction, loss, gradients, optimiser.

use std::collections::BTreeMap;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use mae_seg::model::{MaeConfig, MaskedAutoencoder, PatchMask, patchify, sin_cos_2d};
use mae_seg::train::{AdamWOptions, adamw};
use mae_seg::weights::{Architecture, Layout, apply, collect};

use super::gradients::assert_gradients;
use super::recording::{Recording, assert_near, assert_relative, checkpoint, largest, scalar, values};

const CHECKPOINTS: [&str; 2] = ["mae_tiny", "mae_narrow"];

fn load(name: &str, norm_pix_loss: bool, device: &Device) -> (MaeConfig, MaskedAutoencoder) {
    let folder = checkpoint(name);
    let Architecture::Mae(config) = folder.config.architecture else { panic!("{name} is no MAE") };
    let config = MaeConfig { norm_pix_loss, ..config };
    let model = apply(MaskedAutoencoder::new(&config, device), Layout::VitMae, folder.tensors).unwrap();
    (config, model)
}

fn mask_of(noise: &[f32], config: &MaeConfig) -> PatchMask {
    let rows: Vec<Vec<f32>> = noise.chunks_exact(config.encoder.num_patches()).map(<[f32]>::to_vec).collect();
    PatchMask::from_noise(&rows, config.num_visible())
}

#[test]
fn masks_encoder_and_reconstruction() {
    let device = Device::flex();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        let (config, model) = load(name, false, &device);
        let mask = mask_of(&recording.floats("noise"), &config);
        assert_eq!(mask.ids_restore.concat(), recording.indices("ids_restore"), "{name}");
        assert_eq!(values(mask.hidden(&device)), recording.floats("mask"), "{name}");
        let output = model.forward(recording.tensor("pixel_values", &device), &mask);
        assert_near(
            &values(output.latent),
            &recording.floats("encoder_out"),
            1e-5,
            &format!("{name} encoder"),
        );
        assert_near(&values(output.prediction), &recording.floats("logits"), 1e-5, &format!("{name} logits"));
    }
}

#[test]
fn the_encoder_alone_sees_every_patch() {
    let device = Device::flex();
    let recording = Recording::of("mae_tiny");
    let (_, model) = load("mae_tiny", false, &device);
    let encoder = &model.encoder;
    let tokens = encoder.forward(recording.tensor("pixel_values", &device));
    assert_near(&values(tokens), &recording.floats("encoder_full_out"), 1e-5, "encoder without a mask");
}

#[test]
fn loss_and_gradients() {
    let device = Device::flex().autodiff();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        for (tag, norm_pix_loss) in [("np0", false), ("np1", true)] {
            let (config, model) = load(name, norm_pix_loss, &device);
            let mask = mask_of(&recording.floats("noise"), &config);
            let images: Tensor<4> = recording.tensor("pixel_values", &device);
            let output = model.forward(images.clone(), &mask);
            let loss = model.loss(images, output.prediction, &mask);
            let expected = recording.numbers(&format!("{tag}.loss_f64"))[0];
            assert_relative(scalar(&loss), expected, 1e-5, &format!("{name} {tag}"));
            let gradients = loss.backward();
            assert_gradients(model, Layout::VitMae, &gradients, &recording, &format!("{tag}.grad."));
        }
    }
}

#[test]
fn five_steps_of_adamw() {
    let device = Device::flex().autodiff();
    for name in CHECKPOINTS {
        let recording = Recording::of(name);
        let (config, mut model) = load(name, true, &device);
        let mut optimizer =
            adamw(&model, AdamWOptions { betas: (0.9, 0.95), weight_decay: 0.05, decay_vectors: false });
        let images: Tensor<4> = recording.tensor("pixel_values", &device);
        let noises = recording.floats("adamw.noises");
        let rates = recording.numbers("adamw.lrs_f64");
        let steps = noises.chunks_exact(noises.len() / rates.len());
        for ((noise, rate), expected) in steps.zip(rates).zip(recording.numbers("adamw.losses_f64")) {
            let mask = mask_of(noise, &config);
            let output = model.forward(images.clone(), &mask);
            let loss = model.loss(images.clone(), output.prediction, &mask);
            assert_relative(scalar(&loss), expected, 1e-4, &format!("{name} AdamW loss"));
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(rate, model, gradients);
        }
        let trained: BTreeMap<_, _> = collect(&model, Layout::VitMae).unwrap().into_iter().collect();
        // The loss does not depend on a key's bias; AdamW amplifies the rounding error of its gradient to
        // full steps.
        let names =
            recording.names_after("adamw.final.").into_iter().filter(|name| !name.ends_with("key.bias"));
        for parameter in names {
            let expected = recording.floats(&format!("adamw.final.{parameter}"));
            let tolerance = 1e-4 * largest(&expected);
            assert_near(
                &trained[&parameter].values,
                &expected,
                tolerance,
                &format!("{name} AdamW {parameter}"),
            );
        }
    }
}

#[test]
fn patches_are_laid_out_as_recorded() {
    let device = Device::flex();
    let recording = Recording::of("mae_tiny");
    let images: Tensor<4> = recording.tensor("pixel_values", &device);
    let patches = patchify(images.narrow(0, 0, 1), 8);
    assert_eq!(values(patches), recording.floats("patchify"));
}

#[test]
fn sin_cos_tables() {
    let recording = Recording::of("mae_tiny");
    for (width, grid) in [(48, 8), (192, 14), (64, 4)] {
        let expected = recording.floats(&format!("sincos.{width}.{grid}"));
        let table = sin_cos_2d(width, grid).try_to_vec::<f32>().unwrap();
        assert_near(&table, &expected[width..], 1e-6, &format!("{width} wide, {grid}×{grid}"));
    }
}
