use super::*;

#[test]
fn json_round_trips() {
    let mae = MaeConfig::new(VitConfig::tiny(224), DecoderConfig::new(128, 2, 4));
    let seg = SegmenterConfig::new(VitConfig::tiny(224), 50, 2, 3);
    let mut gated = seg.clone();
    gated.encoder = VitConfig { gated_mlp: true, mlp_dim: 512, layer_scale: true, ..gated.encoder };
    let mut narrow = seg.clone();
    narrow.encoder = VitConfig { mlp_dim: 100, qkv_bias: false, ..narrow.encoder };
    for config in [
        ModelConfig { architecture: Architecture::Encoder(VitConfig::tiny(224)), labels: vec![] },
        ModelConfig { architecture: Architecture::Segmenter(gated), labels: vec!["a".into(), "b".into()] },
        ModelConfig { architecture: Architecture::Segmenter(narrow), labels: vec!["a".into(), "b".into()] },
        ModelConfig { architecture: Architecture::Mae(mae), labels: vec![] },
        ModelConfig { architecture: Architecture::Segmenter(seg), labels: vec!["cat".into(), "dog".into()] },
    ] {
        assert_eq!(ModelConfig::from_json(&config.to_json().unwrap()).unwrap(), config);
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
