//! Encoders of other model types, from Hugging Face and timm, at their own size and at others.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use mae_seg::model::{VisionTransformer, resample_kernels};
use mae_seg::weights::{Architecture, Folder, Layout, apply_encoder, convert};

use super::recording::{Recording, assert_near, checkpoint, values};

const ENCODERS: [(&str, Layout, usize); 11] = [
    ("vit", Layout::VitMae, 0),
    ("deit", Layout::Deit, 1),
    ("dinov2", Layout::Dinov2Gated, 0),
    ("dinov2_with_registers", Layout::Dinov2, 2),
    ("dinov3_vit", Layout::Dinov3, 2),
    ("dinov3_gated", Layout::Dinov3Gated, 2),
    ("timm_dinov2", Layout::TimmScaled, 3),
    ("timm_registers", Layout::Timm, 2),
    ("timm_pooled", Layout::TimmPooled, 0),
    ("timm_classifier", Layout::TimmScaled, 0),
    ("timm_distilled", Layout::TimmDistilled, 1),
];

/// An encoder under the path that it has in larger models.
#[derive(Module, Debug)]
struct Model {
    encoder: VisionTransformer,
}

fn encoder(folder: Folder) -> VisionTransformer {
    assert!(matches!(folder.config.architecture, Architecture::Encoder(_)));
    let encoder = VisionTransformer::new(folder.config.encoder(), &Device::flex());
    apply_encoder(Model { encoder }, folder.layout, folder.tensors).unwrap().encoder
}

fn assert_encodes(encoder: &VisionTransformer, recording: &Recording, name: &str, case: &str) {
    let [.., p, _] = encoder.patch_embed.weight.dims();
    let [rows, columns] = match case {
        "own" => [4, 4],
        "oblong" => [3, 6],
        _ => [5, 5],
    };
    let pixels = recording.tensor(&format!("pixels.{}x{}", rows * p, columns * p), &Device::flex());
    let found = encoder.forward(pixels);
    let mut expected: Tensor<3> = recording.tensor(&format!("{name}.{case}.tokens"), &Device::flex());
    if name == "timm_pooled" {
        // The file has no norm, so it is freshly initialised here.
        let (variance, mean) = expected.clone().var_mean_bias(2);
        expected = (expected - mean) / variance.add_scalar(1e-6).sqrt();
    }
    assert_near(&values(found), &values(expected), 1e-4, &format!("{name} {case}"));
}

#[test]
fn encoders_at_their_own_size_and_others() {
    let recording = Recording::of("encoders");
    for (name, layout, registers) in ENCODERS {
        let folder = checkpoint(&format!("encoders/{name}"));
        assert_eq!(folder.layout, layout, "{name}");
        assert_eq!(folder.config.encoder().num_registers, registers, "{name}");
        let encoder = encoder(folder);
        for case in ["own", "oblong", "large"] {
            assert_encodes(&encoder, &recording, name, case);
        }
    }
}

#[test]
fn encoders_under_the_names_we_write() {
    let recording = Recording::of("encoders");
    for (name, ..) in ENCODERS {
        let folder = convert(checkpoint(&format!("encoders/{name}")), &Device::flex()).unwrap();
        let json = folder.config.to_json().unwrap();
        let read = mae_seg::weights::ModelConfig::from_json(&json).unwrap();
        assert_eq!(read, folder.config, "{name}");
        let encoder = encoder(folder);
        ["own", "oblong"].iter().for_each(|case| assert_encodes(&encoder, &recording, name, case));
    }
}

#[test]
fn patches_of_another_side() {
    let recording = Recording::of("encoders");
    let mut encoder = encoder(checkpoint("encoders/timm_dinov2"));
    encoder.patch_embed.weight = encoder.patch_embed.weight.map(|kernels| resample_kernels(kernels, 8));
    assert_encodes(&encoder, &recording, "timm_dinov2", "patches");
}

#[test]
fn what_a_classifier_leaves_behind_is_said() {
    let said = |name: &str| checkpoint(&format!("encoders/{name}")).notes().join("; ");
    for (name, word) in [
        ("vit", "classifier.weight"),
        ("deit", "classifier.bias"),
        ("dinov2", "classifier.weight"),
        ("timm_pooled", "fc_norm.weight"),
        ("timm_pooled", "is newly initialised"),
        ("timm_classifier", "2 tensors that no encoder needs left out: head.bias, head.weight"),
        ("timm_distilled", "head_dist.weight"),
    ] {
        assert!(said(name).contains(word), "{name}: {}", said(name));
    }
    assert_eq!(said("timm_dinov2"), "");
}

#[test]
fn photos_are_normalised_as_timm_says() {
    let preprocess = checkpoint("encoders/timm_pooled").preprocess;
    assert_eq!((preprocess.mean, preprocess.std), ([0.5, 0.4, 0.3], [0.5, 0.25, 0.2]));
}
