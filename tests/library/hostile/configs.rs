//! Nonsensical `config.json` files.

use burn::tensor::Device;
use mae_seg::weights::convert;
use serde_json::{Value, json};

use super::memory::{Files, fixture};

fn said(fixture_name: &str, config: &[u8]) -> Result<(), String> {
    let weights = fixture(&format!("{fixture_name}/model.safetensors"));
    let files = Files::folder([("config.json", config), ("model.safetensors", &weights)]);
    let model = files.read_all().and_then(|folder| convert(folder, &Device::flex()));
    model.map(drop).map_err(|error| error.to_string())
}

/// Returns the outcome for a valid configuration with one key changed or removed.
fn said_of(fixture_name: &str, key: &str, value: Option<Value>) -> Result<(), String> {
    let mut config: Value = serde_json::from_slice(&fixture(&format!("{fixture_name}/config.json"))).unwrap();
    match value {
        Some(value) => config[key] = value,
        None => drop(config.as_object_mut().unwrap().remove(key)),
    }
    said(fixture_name, config.to_string().as_bytes())
}

#[test]
fn keys_that_make_no_sense_are_refused() {
    let [large, huge, most] = [1 << 20, 1 << 40, u64::MAX].map(|size| json!(size));
    let sizes = [json!(0), json!(-1), json!(1.5), json!("16"), json!([16]), large, huge, most];
    let common = ["hidden_size", "num_hidden_layers", "num_attention_heads", "patch_size", "image_size"];
    let of_mae = [
        "decoder_hidden_size",
        "decoder_num_hidden_layers",
        "decoder_num_attention_heads",
        "decoder_intermediate_size",
    ];
    for (name, keys) in [
        (
            "eomt_tiny",
            [&common[..], &["num_queries", "num_blocks", "mlp_ratio", "num_upscale_blocks"]].concat(),
        ),
        ("mae_tiny", [&common[..], &of_mae, &["intermediate_size"]].concat()),
    ] {
        for key in keys {
            for size in &sizes {
                let said = said_of(name, key, Some(size.clone()));
                let sentence = said.expect_err(&format!("{name}: {key} = {size}"));
                assert!(!sentence.contains('\n'), "{sentence}");
            }
            // Null equals a missing key, which is refused only if it has no default.
            drop(said_of(name, key, Some(json!(null))));
            drop(said_of(name, key, None));
        }
    }
    let nonsense = [
        ("eomt_tiny", "num_attention_heads", json!(5)),
        ("eomt_tiny", "layer_norm_eps", json!(-1e-6)),
        ("eomt_tiny", "layer_norm_eps", json!("1e-6")),
        ("eomt_tiny", "hidden_act", json!("relu")),
        ("eomt_tiny", "num_channels", json!(4)),
        ("eomt_tiny", "model_type", json!(3)),
        ("eomt_tiny", "id2label", json!({"0": "a", "2": "b", "3": "c"})),
        ("eomt_tiny", "id2label", json!({"a": "b"})),
        ("eomt_tiny", "id2label", json!({"0": 1})),
        ("eomt_tiny", "id2label", json!({})),
        ("eomt_tiny", "id2label", json!(["a"])),
        ("eomt_tiny", "num_register_tokens", json!(1_u64 << 50)),
        ("eomt_tiny", "lateral_layers", json!([99])),
        ("mae_tiny", "mask_ratio", json!(1.0)),
        ("mae_tiny", "mask_ratio", json!(-0.5)),
        ("mae_tiny", "norm_pix_loss", json!("yes")),
    ];
    for (name, key, value) in nonsense {
        let sentence = said_of(name, key, Some(value.clone())).expect_err(&format!("{key} = {value}"));
        assert!(!sentence.contains('\n') && sentence.len() < 1000, "{sentence}");
    }
}

#[test]
fn files_that_are_no_configuration_are_refused_by_name() {
    let deep = "[".repeat(1_000_000);
    for config in ["", "{", "[]", "null", "3", "\"eomt\"", "{}", "{\"model_type\":\"bert\"}", &deep, "\u{0}"]
    {
        let sentence = said("eomt_tiny", config.as_bytes()).unwrap_err();
        assert!(sentence.contains("config.json"), "{config:.20}: {sentence}");
    }
    assert!(said("eomt_tiny", b"\xff\xfe{}").unwrap_err().contains("config.json"));
}
