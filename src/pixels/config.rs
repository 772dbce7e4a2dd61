//! `preprocessor_config.json` as Hugging Face writes it.

use serde::{Deserialize, Serialize};

use super::Preprocess;

/// Why a `preprocessor_config.json` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreprocessError {
    /// The canvas is not square, empty or beyond reason.
    #[error("the image size must be square and between 1 and 4096 pixels: correct `size`")]
    Size,
    /// A mean is not a number or a deviation is not above zero.
    #[error("`image_mean` must be numbers and `image_std` above zero")]
    Statistics,
}

/// The fields of the file that matter here; others are ignored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HuggingFace {
    size: Size,
    image_mean: [f32; 3],
    image_std: [f32; 3],
    #[serde(default = "on")]
    do_resize: bool,
    #[serde(default = "on")]
    do_rescale: bool,
    #[serde(default = "on")]
    do_normalize: bool,
    #[serde(default = "on")]
    do_pad: bool,
    #[serde(default = "bilinear")]
    resample: u8,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Size {
    Square(usize),
    Canvas { height: usize, width: usize },
    Edges { shortest_edge: usize, longest_edge: Option<usize> },
}

fn on() -> bool {
    true
}

/// Pillow's number for the bilinear filter.
fn bilinear() -> u8 {
    2
}

impl TryFrom<HuggingFace> for Preprocess {
    type Error = PreprocessError;

    fn try_from(file: HuggingFace) -> Result<Self, Self::Error> {
        let [height, width] = match file.size {
            Size::Square(side) => [side; 2],
            Size::Canvas { height, width } => [height, width],
            Size::Edges { shortest_edge, longest_edge } => [longest_edge.unwrap_or(shortest_edge); 2],
        };
        if height != width || !(1..=4096).contains(&height) {
            return Err(PreprocessError::Size);
        }
        let std_works = file.image_std.iter().all(|std| std.is_normal() && *std > 0.0);
        if !std_works || !file.image_mean.iter().all(|mean| mean.is_finite()) {
            return Err(PreprocessError::Statistics);
        }
        Ok(Self { image_size: height, mean: file.image_mean, std: file.image_std })
    }
}

impl From<Preprocess> for HuggingFace {
    fn from(preprocess: Preprocess) -> Self {
        Self {
            size: Size::Edges {
                shortest_edge: preprocess.image_size,
                longest_edge: Some(preprocess.image_size),
            },
            image_mean: preprocess.mean,
            image_std: preprocess.std,
            do_resize: true,
            do_rescale: true,
            do_normalize: true,
            do_pad: true,
            resample: bilinear(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATISTICS: &str = r#""image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]"#;

    fn read(size: &str) -> Result<Preprocess, serde_json::Error> {
        serde_json::from_str(&format!(r#"{{"size": {size}, {STATISTICS}, "image_processor_type": "X"}}"#))
    }

    #[test]
    fn reads_every_published_form_of_size() {
        for size in
            ["640", r#"{"height": 640, "width": 640}"#, r#"{"shortest_edge": 640, "longest_edge": 640}"#]
        {
            assert_eq!(read(size).unwrap().image_size, 640, "{size}");
        }
        assert_eq!(read(r#"{"shortest_edge": 224}"#).unwrap().image_size, 224);
    }

    #[test]
    fn refuses_what_cannot_work() {
        for size in ["0", "5000", r#"{"height": 2, "width": 3}"#] {
            assert!(read(size).unwrap_err().to_string().contains("square"), "{size}");
        }
        let flat = r#"{"size": 8, "image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#;
        assert!(serde_json::from_str::<Preprocess>(flat).is_err());
    }

    #[test]
    fn what_we_write_we_read() {
        let preprocess = Preprocess::default();
        let text = serde_json::to_string(&preprocess).unwrap();
        assert!(text.contains(r#""longest_edge":224"#));
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), preprocess);
    }
}
