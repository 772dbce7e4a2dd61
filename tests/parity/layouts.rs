//! One checkpoint under every published spelling of its names computes the same numbers.

use std::collections::BTreeMap;
use std::fs;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mae_seg::model::{MaskSegmenter, MaskedAutoencoder, PatchMask, VisionTransformer};
use mae_seg::weights::{
    Architecture, HostTensor, Layout, ModelConfig, apply, apply_encoder, read_safetensors,
};

use crate::recording::{Recording, assert_near, checkpoint, fixtures, values};

type Tensors = BTreeMap<String, HostTensor>;

fn read(folder: &str, file: &str) -> (ModelConfig, Layout, Tensors) {
    let place = fixtures().join(folder);
    let tensors = read_safetensors(file, &fs::read(place.join(file)).unwrap()).unwrap();
    let shapes = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
    let json = fs::read(place.join("config.json")).unwrap();
    let (config, layout) = ModelConfig::of(Some(&json), &shapes).unwrap();
    (config, layout, tensors)
}

fn assert_segments(name: &str, (config, layout, tensors): (ModelConfig, Layout, Tensors), what: &str) {
    let device = Device::flex();
    let recording = Recording::of(name);
    let Architecture::Segmenter(config) = config.architecture else { panic!("{what} is no segmenter") };
    let model = apply(MaskSegmenter::new(&config, &device), layout, tensors).unwrap();
    let output = model.forward(recording.tensor("pixel_values", &device));
    assert_near(&values(output.class_logits), &recording.floats("class_logits"), 1e-4, what);
    assert_near(&values(output.mask_logits), &recording.floats("mask_logits"), 1e-4, what);
}

#[test]
fn a_segmenter_under_three_spellings() {
    let spellings = [
        ("model.safetensors", Layout::Eomt),
        ("early.safetensors", Layout::EomtEarly),
        ("native.safetensors", Layout::EomtNative),
    ];
    for (file, layout) in spellings {
        let found = read("layouts_eomt", file);
        assert_eq!(found.1, layout, "{file}");
        assert_segments("layouts_eomt", found, file);
    }
}

#[test]
fn gated_in_half_precision_and_shards_with_patches_that_leave_a_rest() {
    let folder = checkpoint("layouts_gated");
    assert_eq!(folder.layout, Layout::EomtGated);
    assert_segments("layouts_gated", (folder.config, folder.layout, folder.tensors), "gated");
}

#[test]
fn an_autoencoder_under_three_spellings() {
    let device = Device::flex();
    let recording = Recording::of("layouts_mae");
    for file in ["model.safetensors", "first.safetensors", "original.safetensors"] {
        let (config, layout, tensors) = read("layouts_mae", file);
        let Architecture::Mae(config) = config.architecture else { panic!("{file} is no autoencoder") };
        let model = apply(MaskedAutoencoder::new(&config, &device), layout, tensors).unwrap();
        let mask = PatchMask::from_noise(&[recording.floats("noise")], config.num_visible());
        let output = model.forward(recording.tensor("pixel_values", &device), &mask);
        assert_near(&values(output.prediction), &recording.floats("logits"), 1e-5, file);
    }
}

/// An encoder below the path at which larger models have theirs.
#[derive(Module, Debug)]
struct Encoder {
    encoder: VisionTransformer,
}

#[test]
fn an_encoder_from_every_spelling_and_at_another_size() {
    let device = Device::flex();
    let recording = Recording::of("layouts_mae");
    for file in ["model", "first", "original", "timm", "encoder"] {
        let (config, layout, tensors) = read("layouts_mae", &format!("{file}.safetensors"));
        let alone = matches!(config.architecture, Architecture::Encoder(_));
        assert_eq!(alone, ["timm", "encoder"].contains(&file), "{file}");
        let fresh = Encoder { encoder: VisionTransformer::new(config.encoder(), &device) };
        let Encoder { encoder } = apply_encoder(fresh, layout, tensors).unwrap();
        for (image, features) in [("pixel_values", "features"), ("large", "resampled")] {
            let image: Tensor<4> = recording.tensor(image, &device);
            let tokens = encoder.encode(encoder.with_prefix(encoder.embed(image)));
            assert_near(&values(tokens), &recording.floats(features), 1e-4, &format!("{file} {features}"));
        }
    }
}
