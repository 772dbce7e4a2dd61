//! One checkpoint under all published names of its tensors computes the same results.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mae_seg::model::{MaskSegmenter, MaskedAutoencoder, PatchMask, VisionTransformer};
use mae_seg::weights::{Architecture, Folder, Layout, apply, apply_encoder, convert};

use super::recording::{Recording, assert_near, checkpoint, checkpoint_file, values};

fn assert_segments(name: &str, folder: Folder, what: &str) {
    let device = Device::flex();
    let recording = Recording::of(name);
    let Architecture::Segmenter(config) = folder.config.architecture else {
        panic!("{what} is no segmenter")
    };
    let model = apply(MaskSegmenter::new(&config, &device), folder.layout, folder.tensors).unwrap();
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
        let found = checkpoint_file("layouts_eomt", file);
        assert_eq!(found.layout, layout, "{file}");
        assert_segments("layouts_eomt", found, file);
    }
}

#[test]
fn gated_in_half_precision_and_shards_with_patches_that_leave_a_rest() {
    let folder = checkpoint("layouts_gated");
    assert_eq!(folder.layout, Layout::EomtGated);
    assert_segments("layouts_gated", folder, "gated");
}

#[test]
fn with_rotary_positions_and_masked_attention() {
    let folder = checkpoint("layouts_dinov3");
    assert_eq!(folder.layout, Layout::EomtDinov3);
    let converted = convert(checkpoint("layouts_dinov3"), &Device::flex()).unwrap();
    assert_segments("layouts_dinov3", folder, "as published");
    assert_segments("layouts_dinov3", converted, "as we write it");
}

#[test]
fn an_autoencoder_under_every_spelling_and_in_pytorchs_files() {
    let device = Device::flex();
    let recording = Recording::of("layouts_mae");
    for file in [
        "model.safetensors",
        "first.safetensors",
        "original.safetensors",
        "original.pth",
        "legacy.pth",
        "views.pth",
    ] {
        let folder = checkpoint_file("layouts_mae", file);
        let Architecture::Mae(config) = folder.config.architecture else {
            panic!("{file} is no autoencoder")
        };
        let model = apply(MaskedAutoencoder::new(&config, &device), folder.layout, folder.tensors).unwrap();
        let mask = PatchMask::from_noise(&[recording.floats("noise")], config.num_visible());
        let output = model.forward(recording.tensor("pixel_values", &device), &mask);
        assert_near(&values(output.prediction), &recording.floats("logits"), 1e-5, file);
    }
}

/// An encoder under the path that it has in larger models.
#[derive(Module, Debug)]
struct Encoder {
    encoder: VisionTransformer,
}

/// Returns the tokens of an image, computed by the encoder in `file`.
fn encoded(file: &str, image: Tensor<4>) -> Vec<f32> {
    let folder = checkpoint_file("layouts_mae", file);
    let alone = matches!(folder.config.architecture, Architecture::Encoder(_));
    assert_eq!(alone, ["timm.safetensors", "encoder.safetensors"].contains(&file), "{file}");
    let encoder = VisionTransformer::new(folder.config.encoder(), &image.device());
    let Encoder { encoder } = apply_encoder(Encoder { encoder }, folder.layout, folder.tensors).unwrap();
    values(encoder.forward(image))
}

#[test]
fn an_encoder_from_every_spelling_and_at_another_size() {
    let recording = Recording::of("layouts_mae");
    for file in ["model", "first", "original", "encoder"] {
        let file = format!("{file}.safetensors");
        for (image, features) in [("pixel_values", "features"), ("large", "resampled")] {
            let tokens = encoded(&file, recording.tensor(image, &Device::flex()));
            assert_near(&tokens, &recording.floats(features), 1e-4, &format!("{file} {features}"));
        }
    }
}

#[test]
fn an_encoder_of_timms_own() {
    let recording = Recording::of("layouts_mae");
    let tokens = encoded("timm.safetensors", recording.tensor("pixel_values", &Device::flex()));
    assert_near(&tokens, &recording.floats("timm_features"), 1e-4, "timm");
}
