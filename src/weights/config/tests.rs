use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

#[test]
fn json_round_trips() {
    let mae = MaeConfig::new(VitConfig::tiny(224), DecoderConfig::new(128, 2, 4));
    let seg = SegmenterConfig::new(VitConfig::tiny(224), 50, 2, 3);
    let mut gated = seg.clone();
    gated.encoder = VitConfig { gated_mlp: true, mlp_dim: 512, layer_scale: true, ..gated.encoder };
    let registered = VitConfig {
        num_registers: 2,
        layer_scale: true,
        antialias_positions: true,
        mlp_dim: 100,
        ..VitConfig::tiny(224)
    };
    let mut narrow = seg.clone();
    narrow.encoder = VitConfig { mlp_dim: 100, qkv_bias: false, ..narrow.encoder };
    for config in [
        ModelConfig { architecture: Architecture::Encoder(VitConfig::tiny(224)), labels: vec![] },
        ModelConfig { architecture: Architecture::Encoder(registered), labels: vec![] },
        ModelConfig { architecture: Architecture::Segmenter(gated), labels: vec!["a".into(), "b".into()] },
        ModelConfig { architecture: Architecture::Segmenter(narrow), labels: vec!["a".into(), "b".into()] },
        ModelConfig { architecture: Architecture::Mae(mae), labels: vec![] },
        ModelConfig { architecture: Architecture::Segmenter(seg), labels: vec!["cat".into(), "dog".into()] },
    ] {
        assert_eq!(ModelConfig::from_json(&config.to_json().unwrap()).unwrap(), config);
    }
}

/// Returns an encoder of random sizes and kinds of blocks.
fn random_encoder(random: &mut ChaCha8Rng) -> VitConfig {
    let heads = random.random_range(1..=3);
    let plain = VitConfig::plain(32, 8, 4 * heads * random.random_range(1..=5), 3, heads);
    VitConfig {
        mlp_dim: random.random_range(1..=200),
        num_registers: random.random_range(0..=4),
        layer_scale: random.random(),
        gated_mlp: random.random(),
        qkv_bias: random.random(),
        antialias_positions: random.random(),
        layer_norm_eps: f64::from(random.random_range(1_u32..=9)) * 1e-6,
        rotary_base: random.random::<bool>().then_some(50.0),
        ..plain
    }
}

#[test]
fn any_architecture_is_read_as_it_was_written() {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    for _ in 0..300 {
        let encoder = random_encoder(&mut random);
        let labels: Vec<String> = (0..3).map(|label| format!("label {label}")).collect();
        let (architecture, labels) = match random.random_range(0..3) {
            0 => (Architecture::Encoder(encoder), vec![]),
            1 => {
                let decoder = DecoderConfig { mlp_dim: 7, ..DecoderConfig::new(16, 2, 4) };
                let mae = MaeConfig {
                    mask_ratio: 0.6,
                    norm_pix_loss: random.random(),
                    teacher_dim: random.random_range(0..3),
                    ..MaeConfig::new(VitConfig::tiny(32), decoder)
                };
                (Architecture::Mae(mae), vec![])
            }
            _ => {
                let laterals: &[usize] = if random.random() { &[1, 3] } else { &[] };
                let segmenter = SegmenterConfig {
                    num_upscale_blocks: random.random_range(0..4),
                    lateral_layers: laterals.to_vec(),
                    teacher_dim: random.random_range(0..3),
                    ..SegmenterConfig::new(encoder, random.random_range(0..5), 3, random.random_range(1..4))
                };
                (Architecture::Segmenter(segmenter), labels)
            }
        };
        let config = ModelConfig { architecture, labels };
        assert_eq!(ModelConfig::from_json(&config.to_json().unwrap()).unwrap(), config);
    }
}

#[test]
fn every_kind_of_model_is_written_under_the_class_that_has_it() {
    let plain = VitConfig::tiny(32);
    let scaled = VitConfig { layer_scale: true, ..plain.clone() };
    let registered = VitConfig { num_registers: 4, ..scaled.clone() };
    let rotary = VitConfig { rotary_base: Some(100.0), ..registered.clone() };
    let gated = |encoder: &VitConfig| VitConfig { gated_mlp: true, ..encoder.clone() };
    let segmenter = |encoder: VitConfig| Architecture::Segmenter(SegmenterConfig::new(encoder, 5, 1, 2));
    for (architecture, class, layout) in [
        (Architecture::Encoder(plain.clone()), "ViTMAEModel", Layout::Vit),
        (Architecture::Encoder(scaled.clone()), "Dinov2Model", Layout::Dinov2),
        (Architecture::Encoder(gated(&scaled)), "Dinov2Model", Layout::Dinov2Gated),
        (Architecture::Encoder(registered.clone()), "Dinov2WithRegistersModel", Layout::Dinov2),
        (
            Architecture::Encoder(VitConfig { num_registers: 1, ..plain.clone() }),
            "Dinov2WithRegistersModel",
            Layout::Dinov2,
        ),
        (Architecture::Encoder(rotary.clone()), "DINOv3ViTModel", Layout::Dinov3),
        (Architecture::Encoder(gated(&rotary)), "DINOv3ViTModel", Layout::Dinov3Gated),
        (
            Architecture::Mae(MaeConfig::new(plain.clone(), DecoderConfig::new(16, 1, 2))),
            "ViTMAEForPreTraining",
            Layout::VitMae,
        ),
        (segmenter(registered.clone()), "EomtForUniversalSegmentation", Layout::Eomt),
        (segmenter(gated(&registered)), "EomtForUniversalSegmentation", Layout::EomtGated),
        (segmenter(plain), "MaskSegmenter", Layout::Eomt),
    ] {
        let config = ModelConfig { architecture, labels: vec![] };
        let json: Value = serde_json::from_slice(&config.to_json().unwrap()).unwrap();
        assert_eq!((&json["architectures"][0], config.layout()), (&Value::from(class), layout));
    }
}

#[test]
fn an_epsilon_left_out_is_that_of_its_class() {
    let without = |config: &ModelConfig| {
        let mut json: Value = serde_json::from_slice(&config.to_json().unwrap()).unwrap();
        json.as_object_mut().unwrap().remove("layer_norm_eps");
        let read = ModelConfig::from_json(json.to_string().as_bytes()).unwrap();
        read.encoder().layer_norm_eps
    };
    let labels = vec!["cat".to_owned()];
    let encoder = VitConfig { layer_norm_eps: 1e-3, ..VitConfig::tiny(224) };
    let mae = Architecture::Mae(MaeConfig::new(encoder.clone(), DecoderConfig::new(128, 2, 4)));
    let seg = Architecture::Segmenter(SegmenterConfig::new(encoder, 50, 1, 3));
    assert_eq!(without(&ModelConfig { architecture: mae, labels: vec![] }), 1e-12);
    assert_eq!(without(&ModelConfig { architecture: seg, labels }), 1e-6);
}

/// Returns a config in Hugging Face's form with these keys besides the sizes.
fn hugging_face(model_type: &str, more: &Value) -> Value {
    let mut json = serde_json::json!({
        "model_type": model_type, "hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 3,
        "image_size": [32, 32], "patch_size": 8, "mlp_ratio": 4.0, "num_labels": null, "problem_type": null,
    });
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json
}

fn read_json(json: &Value) -> Result<ModelConfig, WeightsError> {
    ModelConfig::from_json(json.to_string().as_bytes())
}

#[test]
fn every_model_type_has_the_defaults_of_its_class() {
    let encoder = |model_type: &str, more: Value| {
        read_json(&hugging_face(model_type, &more)).unwrap().encoder().clone()
    };
    let plain = VitConfig { layer_norm_eps: 1e-12, mlp_dim: 3072, ..VitConfig::plain(32, 8, 24, 4, 3) };
    let none = || serde_json::json!({});
    assert_eq!(encoder("vit", none()), plain);
    assert_eq!(encoder("deit", none()), VitConfig { num_registers: 1, ..plain.clone() });
    let dinov2 = VitConfig { layer_norm_eps: 1e-6, mlp_dim: 96, layer_scale: true, ..plain };
    assert_eq!(encoder("dinov2", none()), dinov2);
    let gated = serde_json::json!({"use_swiglu_ffn": true, "qkv_bias": false, "mlp_ratio": 2.5});
    let expected = VitConfig { gated_mlp: true, qkv_bias: false, mlp_dim: 40, ..dinov2.clone() };
    assert_eq!(encoder("dinov2", gated), expected);
    let dinov3 = serde_json::json!({"rope_parameters": {"rope_theta": 50.0, "rope_type": "default"}, "use_gated_mlp": true, "hidden_act": "silu"});
    let found = encoder("eomt_dinov3", dinov3);
    assert!(found.gated_mlp && found.rotary_base == Some(50.0) && found.mlp_dim == 4096, "{found:?}");
    let found = encoder("dinov3_vit", none());
    assert!(!found.gated_mlp && found.rotary_base == Some(100.0) && found.num_registers == 0, "{found:?}");
    let registers = VitConfig { num_registers: 4, antialias_positions: true, ..dinov2 };
    assert_eq!(encoder("dinov2_with_registers", none()), registers);
}

#[test]
fn labels_are_numbered_where_they_have_no_names() {
    let labels = |more: Value| read_json(&hugging_face("eomt", &more)).unwrap().labels;
    assert_eq!(labels(serde_json::json!({"id2label": null, "num_labels": 3})).len(), 3);
    assert_eq!(labels(serde_json::json!({"id2label": {"1": "b", "0": "a"}})), ["a", "b"]);
}

#[test]
fn a_key_at_fault_is_named() {
    for (model_type, key, value) in [
        ("vit", "image_size", serde_json::json!([64, 48])),
        ("vit", "patch_size", serde_json::json!("8")),
        ("dinov2", "hidden_size", Value::Null),
        ("dinov2", "mlp_ratio", serde_json::json!([4])),
        ("eomt", "num_queries", Value::Null),
        ("eomt", "num_blocks", serde_json::json!(1.5)),
        ("eomt", "id2label", serde_json::json!({"0": 1})),
        ("vit", "hidden_act", serde_json::json!("quick_gelu")),
    ] {
        let mut json = hugging_face(model_type, &serde_json::json!({}));
        json[key] = value;
        let error = read_json(&json).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
}

#[test]
fn nonsense_is_refused_in_words() {
    let relu = r#"{"model_type":"eomt","hidden_act":"relu"}"#;
    let cases =
        [("{}", "model_type"), (r#"{"model_type":"bert"}"#, "bert"), ("[", "EOF"), (relu, "hidden_act")];
    for (json, word) in cases {
        let error = ModelConfig::from_json(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
