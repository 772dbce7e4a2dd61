//! Malformed safetensors files, and indices of shards.

use super::memory::{Files, fixture};

const FILE: &str = "weights.safetensors";

/// Returns a file with a header and `bytes` zeros.
fn with_header(header: &str, bytes: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
}

fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

fn refusal(content: Vec<u8>) -> String {
    let refusal = Files::named(FILE, content).refusal();
    assert!(refusal.contains(FILE), "{refusal}");
    refusal
}

#[test]
fn headers_that_lie_are_refused() {
    let honest = entry("a", "F32", "[2]", "[0,8]");
    let lies = [
        entry("a", "F32", "[2]", "[0,12]"),
        entry("a", "F32", "[3]", "[0,8]"),
        entry("a", "F32", "[2]", "[8,0]"),
        entry("a", "F32", "[2]", "[4,12]"),
        entry("a", "F32", "[2]", "[-8,0]"),
        entry("a", "F32", "[2]", "[0.0,8.0]"),
        entry("a", "F32", "[2]", "[0,\"8\"]"),
        entry("a", "F32", "[2]", "[0,NaN]"),
        entry("a", "F32", "[2]", "[0,18446744073709551615]"),
        entry("a", "F32", "[2]", "[0,36893488147419103232]"),
        entry("a", "F32", "[1099511627776]", "[0,4398046511104]"),
        entry("a", "F32", "[4611686018427387904,4]", "[0,8]"),
        entry("a", "F32", "[18446744073709551615]", "[0,8]"),
        entry("a", "F32", "[-2]", "[0,8]"),
        entry("a", "F32", "2", "[0,8]"),
        entry("a", "F33", "[2]", "[0,8]"),
        format!("{honest},{}", entry("b", "F32", "[2]", "[0,8]")),
        format!("{honest},{}", entry("b", "F32", "[2]", "[4,12]")),
        format!("{honest},{}", entry("b", "F32", "[1]", "[12,16]")),
        format!("{honest},{}", entry("a", "F32", "[2]", "[8,16]")),
        format!("{honest},\"__metadata__\":[]"),
        format!("{honest},\"__metadata__\":{{\"a\":3}}"),
        honest.trim_end_matches('}').to_owned(),
        "\"a\":".to_owned() + &"[".repeat(100_000),
        "\"a\":null".to_owned(),
        "\"a\":{}".to_owned(),
    ];
    for lie in lies {
        refusal(with_header(&format!("{{{lie}}}"), 8));
    }
    for header in ["", "{", "[]", "null", "\0", "\u{fffd}", "{}x"] {
        refusal(with_header(header, 0));
    }
    refusal([&2_u64.to_le_bytes()[..], b"\xff\xff"].concat());
}

#[test]
fn lengths_that_are_not_there_are_refused() {
    let honest = with_header(&format!("{{{}}}", entry("cls_token", "F32", "[2]", "[0,8]")), 8);
    for length in [u64::MAX, u64::MAX - 7, 1 << 63, 100_000_001, 99_999_999, honest.len() as u64 - 7] {
        let mut content = honest.clone();
        content[..8].copy_from_slice(&length.to_le_bytes());
        assert!(refusal(content).contains("header"));
    }
    for content in
        [vec![], vec![0; 7], vec![0; 8], honest[..honest.len() - 1].to_vec(), [&honest[..], &[0]].concat()]
    {
        refusal(content);
    }
}

#[test]
fn numbers_of_other_types_are_refused_by_name() {
    let whole = fixture("layouts_mae/timm.safetensors");
    let header = String::from_utf8_lossy(&whole[8..4000]).into_owned();
    for dtype in ["I32", "U32"] {
        let changed = header.replacen("\"F32\"", &format!("\"{dtype}\""), 1);
        let content = [&whole[..8], changed.as_bytes(), &whole[8 + header.len()..]].concat();
        let refusal = Files::named(FILE, content).refusal();
        assert!(refusal.contains(dtype) && refusal.contains("tensor `"), "{refusal}");
    }
}

#[test]
fn an_index_stays_in_its_folder() {
    let config = fixture("layouts_gated/config.json");
    let shards =
        ["../x", "/etc/passwd", "..\\x", "..", ".", "", "a/../../x", "a/b.safetensors", "C:x", ".hidden"];
    for shard in shards {
        let index = serde_json::json!({"weight_map": {"a": shard}}).to_string();
        let files = [("config.json", &config[..]), ("model.safetensors.index.json", index.as_bytes())];
        let refusal = Files::folder(files).refusal();
        assert!(refusal.contains("director"), "{shard}: {refusal}");
    }
    for index in ["{}", "[]", "", "{\"weight_map\":{}}", "{\"weight_map\":{\"a\":1}}", "{\"weight_map\":[]}"]
    {
        let files = [("config.json", &config[..]), ("model.safetensors.index.json", index.as_bytes())];
        let refusal = Files::folder(files).refusal();
        assert!(refusal.contains("model.safetensors.index.json"), "{index}: {refusal}");
    }
}

#[test]
fn one_tensor_in_two_shards_is_refused() {
    let shard = fixture("layouts_mae/encoder.safetensors");
    let index = br#"{"weight_map": {"cls_token": "a.safetensors", "pos_embed": "b.safetensors"}}"#;
    let files = [
        ("config.json", &fixture("layouts_mae/config.json")[..]),
        ("model.safetensors.index.json", index),
        ("a.safetensors", &shard),
        ("b.safetensors", &shard),
    ];
    let refusal = Files::folder(files).refusal();
    assert!(refusal.contains("b.safetensors") && refusal.contains("twice"), "{refusal}");
}
