//! COCO average precision of the engine that ships: the same [`Engine`](crate::engine::Engine) as page and command line,
//! judged by `hotcoco`; and training runs compared.

mod average_precision;
mod coco;
mod error;
mod evaluation;
mod prediction;
mod run;
mod runner;
mod vocabulary;

pub use average_precision::Metrics;
pub use error::EvalError;
pub use evaluation::{CategoryResult, Evaluation, PhotoResult, evaluate};
pub use prediction::{CompressedMask, Prediction};
pub use run::{Run, differences};
pub use runner::predict_dataset;
pub use vocabulary::{Vocabulary, VocabularyKind};
