//! Checkpoints at other sizes than their own, with position embeddings resampled as the reference does it.

use burn::tensor::Device;
use mae_seg::model::{MaskSegmenter, MaskedAutoencoder};
use mae_seg::weights::{Architecture, Layout, apply};

use super::recording::{Recording, assert_near, checkpoint, values};

#[test]
fn the_encoder_of_a_masked_autoencoder() {
    let (device, recording) = (Device::flex(), Recording::of("other_sizes"));
    let folder = checkpoint("mae_tiny");
    let Architecture::Mae(config) = folder.config.architecture else { panic!("mae_tiny is no MAE") };
    let model = apply(MaskedAutoencoder::new(&config, &device), Layout::VitMae, folder.tensors).unwrap();
    for size in ["64x96", "40x56"] {
        let images = recording.tensor(&format!("mae.{size}.pixel_values"), &device);
        let tokens = model.encoder.forward(images);
        assert_near(&values(tokens), &recording.floats(&format!("mae.{size}.encoder_out")), 1e-5, size);
    }
}

#[test]
fn the_segmenter() {
    let (device, recording) = (Device::flex(), Recording::of("other_sizes"));
    let folder = checkpoint("eomt_tiny");
    let Architecture::Segmenter(mut config) = folder.config.architecture else {
        panic!("eomt_tiny is no segmenter")
    };
    config.attn_mask_probs.clear();
    let model = apply(MaskSegmenter::new(&config, &device), Layout::Eomt, folder.tensors).unwrap();
    for size in ["64x96", "48x40"] {
        let output = model.forward(recording.tensor(&format!("eomt.{size}.pixel_values"), &device));
        let recorded = |what: &str| recording.floats(&format!("eomt.{size}.{what}"));
        assert_near(&values(output.class_logits), &recorded("class_logits"), 1e-4, size);
        assert_near(&values(output.mask_logits), &recorded("mask_logits"), 1e-4, size);
    }
}
