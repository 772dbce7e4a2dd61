//! Evaluation: COCO average precision of the same [`Engine`](crate::engine::Engine) that page and command
//! line use, computed by `hotcoco`, and measures of a frozen encoder.

mod average_precision;
mod clicks;
mod coco;
mod error;
mod evaluation;
mod prediction;
pub mod probe;
mod reconstruction;
mod results;
mod runner;
mod vocabulary;

pub use average_precision::Metrics;
pub use clicks::{ClickMetrics, click_dataset};
pub use error::EvalError;
pub use evaluation::{CategoryResult, Evaluation, PhotoResult, evaluate, evaluate_results};
pub use prediction::{CompressedMask, Prediction};
pub use reconstruction::reconstruction;
pub use results::Results;
pub use runner::predict_dataset;
pub use vocabulary::{Vocabulary, VocabularyKind};
