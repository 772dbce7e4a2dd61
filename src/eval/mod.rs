//! COCO mask average precision of the engine that ships: the same [`Engine`](crate::engine::Engine) as page and
//! command line, judged by `hotcoco`.

mod average_precision;
mod error;
mod runner;
mod vocabulary;

pub use average_precision::{Metrics, Prediction, average_precision};
pub use error::EvalError;
pub use runner::predict_dataset;
pub use vocabulary::{Vocabulary, VocabularyKind};
