//! Some hundred odd and damaged photos beside what Pillow makes of them. `tests/e2e/corpus.test.mjs` gives the same to the page.

use std::path::PathBuf;
use std::{env, fs};

use mae_seg::image::RgbImage;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::photos::assert_told;

/// A photo of `tests/fixtures/corpus.json`, which `make_corpus.py` writes; `UPDATE_GOLDEN=1` adds `ours`.
#[derive(Debug, Serialize, Deserialize)]
struct Case {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<(usize, u8)>,
    /// Digest of the pixels that Pillow reads, unless it refuses the file.
    pixels: Option<String>,
    /// Digest of the pixels that are read here, unless the file is refused.
    ours: Option<String>,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = fs::read(fixtures().join("photos").join(&self.file)).unwrap();
        bytes.truncate(self.cut.unwrap_or(bytes.len()));
        if let Some((at, value)) = self.set {
            bytes[at] = value;
        }
        bytes
    }

    fn read(&self) -> Option<String> {
        match RgbImage::decode(&self.bytes()) {
            Ok(photo) => Some(digest(&photo)),
            Err(error) => {
                assert_told(&error, &format!("{self:?}"));
                None
            }
        }
    }
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn corpus() -> Vec<Case> {
    serde_json::from_slice(&fs::read(fixtures().join("corpus.json")).unwrap()).unwrap()
}

fn digest(photo: &RgbImage) -> String {
    let size = [photo.width(), photo.height()].map(|side| (side as u32).to_le_bytes());
    let digest = Sha256::new().chain_update(size.concat()).chain_update(photo.pixels()).finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn photos_are_those_of_pillow_or_refused() {
    let mut cases = corpus();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        for case in &mut cases {
            case.ours = case.read();
        }
        let lines: Vec<_> = cases.iter().map(|case| serde_json::to_string(case).unwrap()).collect();
        fs::write(fixtures().join("corpus.json"), format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
        return;
    }
    let (mut same, mut refused) = (0, 0);
    for case in cases {
        let ours = case.read();
        assert_eq!(ours, case.ours, "not as recorded: {case:?}");
        match (&ours, &case.pixels) {
            (None, _) => refused += 1,
            (Some(ours), Some(pillow)) if ours == pillow => same += 1,
            _ => {}
        }
    }
    assert!(same > 100 && refused > 200, "{same} as in Pillow, {refused} refused");
}
