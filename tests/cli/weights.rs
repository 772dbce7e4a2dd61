//! Weights that cannot be used.

use std::fs;

use super::bench::{Bench, stderr};

#[test]
fn bad_weights_are_explained() {
    let bench = Bench::new();
    bench.photo("photo.png", 40, 30);
    let shard = bench.path("weights/model.safetensors");
    let whole = fs::read(&shard).unwrap();
    fs::write(&shard, &whole[..whole.len() / 2]).unwrap();
    assert!(bench.complaint("photo.png").contains("model.safetensors"));

    fs::write(&shard, &whole).unwrap();
    bench.write_config(7);
    assert!(bench.complaint("photo.png").contains("shape"));

    fs::remove_file(bench.path("weights/config.json")).unwrap();
    assert!(bench.complaint("photo.png").contains("config.json"));

    fs::remove_dir_all(bench.path("weights")).unwrap();
    assert!(bench.complaint("photo.png").contains("the folder that holds config.json"));
}

#[test]
fn weights_that_would_not_load_are_no_success() {
    let bench = Bench::new();
    assert!(bench.run(["inspect", "weights"]).status.success());
    let weights = bench.path("weights/model.safetensors");
    let sound = fs::read(&weights).unwrap();
    let config = fs::read_to_string(bench.path("weights/config.json")).unwrap();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    for (config, weights_file, word) in [
        (config.replace("\"num_queries\": 6", "\"num_queries\": 7"), &sound[..], "query.weight"),
        (config.clone(), pointer, "git lfs pull"),
        (config.clone(), b"<!DOCTYPE html><html></html>", "web page"),
        (config.clone(), b"", "empty"),
        (
            String::from_utf8(pointer.to_vec()).unwrap(),
            &sound,
            "config.json` is invalid: it is a Git LFS pointer",
        ),
    ] {
        fs::write(bench.path("weights/config.json"), config).unwrap();
        fs::write(&weights, weights_file).unwrap();
        let output = bench.run(["inspect", "weights"]);
        assert_eq!(output.status.code(), Some(1), "{word}");
        assert!(stderr(&output).contains(word), "{}", stderr(&output));
    }
}
