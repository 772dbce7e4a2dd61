//! Reads and writes `preprocessor_config.json` in Hugging Face's format.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::letterbox::MOST;
use super::{Filter, Preprocess, SizeRule};

/// Image processors whose arithmetic is implemented here; others may do something that their keys do not say.
const PROCESSORS: [&str; 7] = [
    "ViTFeatureExtractor",
    "ViTImageProcessor",
    "ViTImageProcessorFast",
    "ViTImageProcessorPil",
    "EomtImageProcessor",
    "EomtImageProcessorFast",
    "EomtImageProcessorPil",
];

/// Switches that do not affect pixels: photos are always RGB here, and labels are not read.
const HARMLESS_SWITCHES: [&str; 3] = ["do_convert_rgb", "do_reduce_labels", "do_split_image"];

/// Keys of other processors that move or scale pixels.
const FOREIGN_KEYS: [&str; 4] = ["pad_size", "size_divisor", "size_divisibility", "rescale_offset"];

/// Why a `preprocessor_config.json` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreprocessError {
    /// The size is missing, empty, out of range, or given in the way of other processors.
    #[error(
        "`size` is {0}; expected: `height` and `width`, or `shortest_edge` with or without `longest_edge`, from 1 to {MOST} pixels"
    )]
    Size(String),
    /// A mean is not a number, or a standard deviation is not above zero.
    #[error("`image_mean` and `rescale_factor` must be numbers, and `image_std` above zero")]
    Statistics,
    /// The processor does something that is not implemented here.
    #[error("`{key}` is {value}: {reason}")]
    Unsupported {
        /// The key at fault.
        key: String,
        /// Its value.
        value: String,
        /// Why it is not supported, and what to do.
        reason: &'static str,
    },
}

/// The fields of the file that matter here; null equals a missing field.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct HuggingFace {
    image_processor_type: Option<String>,
    /// The name of the field before version 4.26.
    #[serde(skip_serializing)]
    feature_extractor_type: Option<String>,
    #[serde(default)]
    size: Value,
    /// Whether a single number for `size` means a square, not the shorter side.
    #[serde(skip_serializing)]
    default_to_square: Option<bool>,
    image_mean: Option<[f32; 3]>,
    image_std: Option<[f32; 3]>,
    do_resize: Option<bool>,
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
    do_pad: Option<bool>,
    resample: Option<u8>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Pillow's number of the bilinear filter.
const BILINEAR: u8 = 2;

impl HuggingFace {
    fn class(&self) -> Option<&str> {
        self.image_processor_type.as_deref().or(self.feature_extractor_type.as_deref())
    }

    fn is_eomt(&self) -> bool {
        self.class().is_some_and(|name| name.starts_with("Eomt"))
    }

    /// Refuses keys that would change pixels but are not implemented here.
    fn refuse_unknown(&self) -> Result<(), PreprocessError> {
        let unsupported = |key: &str, value: String, reason| {
            Err(PreprocessError::Unsupported { key: key.to_owned(), value, reason })
        };
        if let Some(name) = self.class().filter(|name| !PROCESSORS.contains(name)) {
            return unsupported(
                "image_processor_type",
                name.to_owned(),
                "only ViT's and EoMT's are supported",
            );
        }
        if self.do_resize == Some(false) {
            let reason = "photos come in every size and the model takes one; set `do_resize` and `size`";
            return unsupported("do_resize", "false".to_owned(), reason);
        }
        let set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        if self.rest.get("do_split_image").is_some_and(set) {
            let reason = "windows of a photo are for semantic segmentation, which tells no instances apart";
            return unsupported("do_split_image", "true".to_owned(), reason);
        }
        let unknown = |key: &str| {
            FOREIGN_KEYS.contains(&key) || key.starts_with("do_") && !HARMLESS_SWITCHES.contains(&key)
        };
        match self.rest.iter().find(|(key, value)| unknown(key) && set(value)) {
            Some((key, value)) => {
                unsupported(key, value.to_string(), "pixels would differ from those that the model expects")
            }
            None => Ok(()),
        }
    }

    fn size(&self) -> Result<SizeRule, PreprocessError> {
        let wrong = || PreprocessError::Size(self.size.to_string());
        let side = |key: &str| match self.size.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().map(|side| side as usize) {
                Some(side) if (1..=MOST).contains(&side) => Ok(Some(side)),
                _ => Err(wrong()),
            },
        };
        let known = ["height", "width", "shortest_edge", "longest_edge"];
        let foreign =
            |keys: &Map<String, Value>| keys.iter().any(|(k, v)| !known.contains(&&**k) && !v.is_null());
        match &self.size {
            Value::Number(number) => match number.as_u64().map(|side| side as usize) {
                Some(side) if !(1..=MOST).contains(&side) => Err(wrong()),
                Some(shortest) if !self.default_to_square.unwrap_or(!self.is_eomt()) => {
                    Ok(SizeRule::Fit { shortest, longest: None })
                }
                Some(side) => Ok(SizeRule::Exact { height: side, width: side }),
                None => Err(wrong()),
            },
            Value::Null => match self.class() {
                Some(_) if self.is_eomt() => Ok(SizeRule::Fit { shortest: 640, longest: Some(640) }),
                Some(_) => Ok(SizeRule::Exact { height: 224, width: 224 }),
                None => Err(wrong()),
            },
            Value::Object(keys) if foreign(keys) => Err(wrong()),
            _ => match (side("height")?, side("width")?, side("shortest_edge")?, side("longest_edge")?) {
                (Some(height), Some(width), None, None) => Ok(SizeRule::Exact { height, width }),
                (None, None, Some(shortest), longest) => Ok(SizeRule::Fit { shortest, longest }),
                _ => Err(wrong()),
            },
        }
    }

    fn filter(&self) -> Result<Filter, PreprocessError> {
        let number = self.resample.unwrap_or(BILINEAR);
        FILTERS.get(usize::from(number)).copied().ok_or_else(|| PreprocessError::Unsupported {
            key: "resample".to_owned(),
            value: number.to_string(),
            reason: "Pillow's filters are 0 to 5",
        })
    }
}

/// Filters by their number in Pillow.
const FILTERS: [Filter; 6] =
    [Filter::Nearest, Filter::Lanczos, Filter::Bilinear, Filter::Bicubic, Filter::Box, Filter::Hamming];

/// The pixel statistics and resampling filter of a processor that may do more than is implemented here.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "HuggingFace")]
pub struct Statistics {
    filter: Filter,
    rescale: f32,
    mean: [f32; 3],
    std: [f32; 3],
}

impl Statistics {
    /// Returns the conversion that resizes photos to a square of `side` pixels.
    #[must_use]
    pub fn at(self, side: usize) -> Preprocess {
        let Self { filter, rescale, mean, std } = self;
        let size = SizeRule::Exact { height: side, width: side };
        Preprocess { size, pad: false, multiple_of: 1, filter, rescale, mean, std }
    }
}

/// Mean and standard deviation of `CLIP`'s photos, which other processors adopted.
const CLIP: ([f32; 3], [f32; 3]) =
    ([0.481_454_66, 0.457_827_5, 0.408_210_73], [0.268_629_54, 0.261_302_6, 0.275_777_1]);

impl TryFrom<HuggingFace> for Statistics {
    type Error = PreprocessError;

    fn try_from(file: HuggingFace) -> Result<Self, Self::Error> {
        let classes_own = match file.class() {
            Some(name) if name.starts_with("Eomt") => {
                let Preprocess { mean, std, .. } = Preprocess::square(1);
                Some((mean, std))
            }
            Some(name) if name.starts_with("ViT") || name.starts_with("DeiT") => Some(([0.5; 3], [0.5; 3])),
            Some(name) if name.starts_with("Bit") || name.starts_with("CLIP") => Some(CLIP),
            _ => None,
        };
        let (mean, std) = match (file.do_normalize.unwrap_or(true), file.image_mean, file.image_std) {
            (false, _, _) => ([0.0; 3], [1.0; 3]),
            (true, mean, std) => (
                mean.or(classes_own.map(|own| own.0)).ok_or(PreprocessError::Statistics)?,
                std.or(classes_own.map(|own| own.1)).ok_or(PreprocessError::Statistics)?,
            ),
        };
        let rescale = match file.do_rescale {
            Some(false) => 1.0,
            _ => file.rescale_factor.map_or(Preprocess::square(1).rescale, |factor| factor as f32),
        };
        let std_works = std.iter().all(|std| std.is_normal() && *std > 0.0);
        if !std_works || !rescale.is_normal() || !mean.iter().all(|mean| mean.is_finite()) {
            return Err(PreprocessError::Statistics);
        }
        Ok(Self { filter: file.filter()?, rescale, mean, std })
    }
}

impl TryFrom<HuggingFace> for Preprocess {
    type Error = PreprocessError;

    fn try_from(file: HuggingFace) -> Result<Self, Self::Error> {
        file.refuse_unknown()?;
        let (size, pad) = (file.size()?, file.do_pad.unwrap_or(false));
        Ok(Self { size, pad, ..Statistics::try_from(file)?.at(1) })
    }
}

impl From<Preprocess> for HuggingFace {
    fn from(preprocess: Preprocess) -> Self {
        let (class, size) = match preprocess.size {
            SizeRule::Exact { height, width } => {
                ("ViTImageProcessor", serde_json::json!({ "height": height, "width": width }))
            }
            SizeRule::Fit { shortest, longest } => (
                "EomtImageProcessor",
                serde_json::json!({ "shortest_edge": shortest, "longest_edge": longest }),
            ),
        };
        Self {
            image_processor_type: Some(class.to_owned()),
            size,
            image_mean: Some(preprocess.mean),
            image_std: Some(preprocess.std),
            do_resize: Some(true),
            do_rescale: Some(true),
            rescale_factor: Some(f64::from(preprocess.rescale)),
            do_normalize: Some(true),
            do_pad: Some(preprocess.pad),
            resample: FILTERS.iter().zip(0..).find(|(known, _)| **known == preprocess.filter).map(|(_, n)| n),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATISTICS: &str = r#""image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]"#;

    fn read(keys: &str) -> Result<Preprocess, serde_json::Error> {
        serde_json::from_str(&format!("{{{keys}, {STATISTICS}}}"))
    }

    #[test]
    fn reads_every_published_form_of_size() {
        let fit = |shortest, longest| SizeRule::Fit { shortest, longest };
        let exact = |height, width| SizeRule::Exact { height, width };
        for (keys, size) in [
            (r#""size": 640"#, exact(640, 640)),
            (r#""size": 224, "feature_extractor_type": "ViTFeatureExtractor""#, exact(224, 224)),
            (r#""size": 512, "image_processor_type": "EomtImageProcessor""#, fit(512, None)),
            (r#""size": {"height": 480, "width": 640}"#, exact(480, 640)),
            (r#""size": {"shortest_edge": 640, "longest_edge": 1333}"#, fit(640, Some(1333))),
            (r#""size": {"shortest_edge": 224, "longest_edge": null}"#, fit(224, None)),
            (r#""size": 224, "default_to_square": false"#, fit(224, None)),
            (
                r#""size": {"height": 32, "width": 32, "longest_edge": null, "max_height": null}"#,
                exact(32, 32),
            ),
            (
                r#""size": 512, "feature_extractor_type": "X", "image_processor_type": "EomtImageProcessor""#,
                fit(512, None),
            ),
            (r#""image_processor_type": "ViTImageProcessor""#, exact(224, 224)),
            (r#""image_processor_type": "EomtImageProcessorFast""#, fit(640, Some(640))),
        ] {
            assert_eq!(read(keys).unwrap().size, size, "{keys}");
        }
    }

    #[test]
    fn keys_left_out_have_the_defaults_of_their_class() {
        let read = |class: &str| {
            let text = format!(r#"{{"image_processor_type": "{class}"}}"#);
            serde_json::from_str::<Preprocess>(&text).unwrap()
        };
        let eomt = Preprocess { pad: false, ..Preprocess::square(640) };
        assert_eq!(read("EomtImageProcessor"), eomt);
        assert_eq!(read("ViTImageProcessor").mean, [0.5; 3]);
        assert!(serde_json::from_str::<Preprocess>(r#"{"size": 8}"#).is_err(), "no class, no statistics");
    }

    #[test]
    fn refuses_what_would_change_numbers() {
        for (keys, word) in [
            (r#""size": 0"#, "`size` is 0"),
            (r#""size": 5000"#, "5000"),
            (r#""size": {"height": 2}"#, "height"),
            (r#""size": {"max_height": 2, "max_width": 3}"#, "max_height"),
            (r#""size": 8, "do_split_image": true"#, "semantic"),
            (r#""size": 8, "do_center_crop": true"#, "do_center_crop"),
            (r#""size": 8, "do_resize": false"#, "do_resize"),
            (r#""size": 8, "size_divisor": 32"#, "size_divisor"),
            (r#""size": 8, "resample": 9"#, "resample"),
            (r#""size": 8, "rescale_factor": 0"#, "rescale_factor"),
            (r#""size": 8, "image_processor_type": "DPTImageProcessor""#, "DPTImageProcessor"),
        ] {
            let error = read(keys).unwrap_err().to_string();
            assert!(error.contains(word), "{keys}: {error}");
        }
        for harmless in [
            r#""size": 8, "do_convert_rgb": true, "do_split_image": false, "do_center_crop": false"#,
            r#""size": 8, "do_pad": null, "do_resize": null, "resample": null, "rescale_factor": null"#,
            r#""size": 8, "size_divisor": null, "ignore_index": 255, "data_format": "channels_first""#,
        ] {
            read(harmless).unwrap();
        }
        let flat = r#"{"size": 8, "image_mean": [0, 0, 0], "image_std": [1, 0, 1]}"#;
        assert!(serde_json::from_str::<Preprocess>(flat).is_err());
    }

    #[test]
    fn what_we_write_we_read() {
        let exact = SizeRule::Exact { height: 32, width: 64 };
        for preprocess in [
            Preprocess::square(224),
            Preprocess { size: exact, pad: false, filter: Filter::Bicubic, ..Preprocess::square(1) },
        ] {
            let text = serde_json::to_string(&preprocess).unwrap();
            assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), preprocess);
        }
    }
}
