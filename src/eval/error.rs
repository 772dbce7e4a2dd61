//! Errors of evaluations.

use std::path::PathBuf;

use crate::data::DataError;
use crate::engine::EngineError;

/// Why a model could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The model's labels do not match the annotations.
    #[error(
        "none of the model's labels ({labels}) is a category or supercategory of the annotations: \
         use annotations that name them, or evaluate with --class-agnostic"
    )]
    NoCommonLabel {
        /// The first few labels.
        labels: String,
    },
    /// An annotation has no usable outline.
    #[error("{name}: {reason}")]
    Annotation {
        /// Name of the annotation.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of results is malformed, or belongs to other annotations.
    #[error("{} cannot be evaluated: {reason}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Annotations or photos cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An encoder cannot be evaluated.
    #[error("{0}")]
    Probe(String),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The evaluator refused its input.
    #[error("average precision cannot be computed: {0}")]
    Metric(#[from] hotcoco::Error),
}
