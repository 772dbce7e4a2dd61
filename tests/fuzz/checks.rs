//! What is fuzzed: each function takes the bytes of a file from anyone and must return, with a result or an error, without a panic
//! and without memory for a false claim. `cargo fuzz` calls them, and so does `tests/library/hostile/fuzz.rs`.

use std::fs;
use std::path::PathBuf;

use mae_seg::data::{CocoDataset, Damaged, PhotoSet, Search};
use mae_seg::image::RgbImage;
use mae_seg::mask::Rle;
use mae_seg::text::one_line;
use mae_seg::web::protocol::{RedrawReply, RedrawRequest, Reply, Request};
use mae_seg::weights::ModelConfig;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::memory::Files;

const CONFIG: &[u8] = include_bytes!("../fixtures/layouts_mae/config.json");

/// Writes a file of this content, into a folder that is removed when it is dropped.
fn file(name: &str, data: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, data).unwrap();
    (folder, path)
}

/// Asserts that an error can be shown in a terminal.
fn told<T, E: ToString>(outcome: Result<T, E>) -> Option<T> {
    let shown = |error: E| one_line(&error.to_string()).into_owned();
    outcome.map_err(|error| assert!(!shown(error).contains(char::is_control))).ok()
}

/// A checkpoint in safetensors' format.
pub fn safetensors(data: &[u8]) {
    told(Files::folder([("config.json", CONFIG), ("model.safetensors", data)]).read_all());
}

/// A checkpoint in PyTorch's formats, zipped or not.
pub fn pickle(data: &[u8]) {
    told(Files::folder([("config.json", CONFIG), ("pytorch_model.bin", data)]).read_all());
}

/// The manifest of a weight folder.
pub fn manifest(data: &[u8]) {
    let weights: &[u8] = include_bytes!("corpus/safetensors/two_tensors");
    told(
        Files::folder([("manifest.json", data), ("config.json", CONFIG), ("model.safetensors", weights)])
            .read_all(),
    );
}

/// A model's configuration; what is written of it is read as the same.
pub fn config(data: &[u8]) {
    let Some(config) = told(ModelConfig::from_json(data)) else { return };
    let Some(written) = told(config.to_json()) else { return };
    assert_eq!(ModelConfig::from_json(&written).unwrap(), config);
}

/// COCO annotations.
pub fn coco(data: &[u8]) {
    let (_folder, path) = file("annotations.json", data);
    let Some(dataset) = told(CocoDataset::load(&path)) else { return };
    let _ = (dataset.fingerprint(), dataset.annotations_by_image().len());
}

/// COCO annotations in a zip file, and the photos of one.
pub fn zip(data: &[u8]) {
    let (_folder, path) = file("files.zip", data);
    told(CocoDataset::load(&path.join("a.json")));
    photos(path);
}

/// A tar shard of photos.
pub fn shard(data: &[u8]) {
    let (_folder, path) = file("shard.tar", data);
    photos(path);
}

fn photos(path: PathBuf) {
    // A packed shard is unpacked beside itself, and goes with it.
    let beside = path.parent().unwrap().to_path_buf();
    let search = Search { unpacked: beside, ..Search::from(Damaged::default()) };
    let Some(set) = told(PhotoSet::open(&[path], search)) else { return };
    for index in 0..set.len().min(4) {
        told(set.photo(index));
    }
}

/// COCO's run-length encoding: two bytes for the size, then the text. A mask is encoded as pycocotools has it, so only what it writes
/// comes back as it was; the pixels always do.
pub fn rle(data: &[u8]) {
    let [height, width, text @ ..] = data else { return };
    let size = [height, width].map(|&side| usize::from(side));
    let Ok(text) = str::from_utf8(text) else { return };
    let Some(rle) = told(Rle::from_coco_string(size, text)) else { return };
    let Some(mask) = told(rle.to_mask()) else { return };
    assert_eq!(rle.area(), mask.area() as u64);
    let again = Rle::from_mask(&mask);
    assert_eq!(Rle::from_coco_string(size, &again.to_coco_string()).unwrap().to_mask().unwrap(), mask);
}

/// A message between page and worker, in either direction.
pub fn protocol(data: &[u8]) {
    message::<Request>(data);
    message::<Reply>(data);
    message::<RedrawRequest>(data);
    message::<RedrawReply>(data);
}

fn message<M: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Some(message) = told(serde_json::from_slice::<M>(data)) else { return };
    let written = serde_json::to_vec(&message).unwrap();
    assert_eq!(serde_json::from_slice::<M>(&written).unwrap(), message);
}

/// A recipe.
pub fn recipe(data: &[u8]) {
    let (_folder, path) = file("recipe.toml", data);
    for verb in ["pretrain", "finetune"] {
        let line = ["mae-seg".as_ref(), verb.as_ref(), "--recipe".as_ref(), path.as_os_str()];
        told(mae_seg::cli::check(line.map(ToOwned::to_owned).to_vec()));
    }
}

/// A photo of any format.
pub fn photo(data: &[u8]) {
    told(RgbImage::decode(data));
}
