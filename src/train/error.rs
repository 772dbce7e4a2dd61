//! The errors of training.

use std::io;
use std::path::PathBuf;

use burn::tensor::TensorReadError;

use super::loss::LossError;
use crate::data::DataError;
use crate::eval::EvalError;
use crate::model::ConfigError;
use crate::weights::WeightsError;

/// The reason why training stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The data could not be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights could not be loaded or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The architecture contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Validation failed.
    #[error(transparent)]
    Validation(#[from] EvalError),
    /// The set loss could not be computed.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// An option is invalid.
    #[error("{0}")]
    Option(String),
    /// A file of the run could not be written or read.
    #[error("`{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The run folder belongs to a run with other options.
    #[error(
        "`{root}` holds a run with other options ({difference}); continue it with the same options or choose another --out"
    )]
    OtherRun {
        /// The run's folder.
        root: PathBuf,
        /// The first option that differs.
        difference: String,
    },
    /// A training run cannot be read.
    #[error("{path} cannot be read ({reason}): give the folder of a training run")]
    Run {
        /// The file.
        path: PathBuf,
        /// The fault found in it.
        reason: String,
    },
    /// A folder holds files that a run would replace or delete, but does not belong to a run.
    #[error(
        "`{root}` holds {there}, but no `run.json` that marks it as a training run of this program; \
         nothing there was changed: choose another --out"
    )]
    NoRun {
        /// The folder.
        root: PathBuf,
        /// The files that would be replaced or deleted.
        there: String,
    },
    /// A file of a checkpoint differs from the one that was saved.
    #[error(
        "`{path}` is not as it was saved ({reason}); restore its folder from a copy, or remove it to start again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The fault found in it.
        reason: String,
    },
    /// The score of the best weights is unknown.
    #[error(
        "`{path}` does not state the score of the weights beside it ({reason}); move their folder away to continue"
    )]
    Best {
        /// The file that should hold the score.
        path: PathBuf,
        /// The fault found in it.
        reason: String,
    },
    /// Another process works on the run.
    #[error("another process is using the run in `{root}`; wait until it is done or choose another --out")]
    Busy {
        /// The run's folder.
        root: PathBuf,
    },
    /// The loss or a gradient is no longer finite.
    #[error(
        "training diverged at step {step}, in `{}` (loss {loss}): lower the learning rate or clip gradients; earlier checkpoints are intact",
        parameter.as_deref().unwrap_or("the loss")
    )]
    NotFinite {
        /// The step.
        step: usize,
        /// The loss.
        loss: f64,
        /// The first parameter whose values or gradient are not finite.
        parameter: Option<String>,
    },
    /// The run was asked to stop, and its state is saved.
    #[error("stopped after step {step}; its checkpoint is saved, and the same command continues the run")]
    Stopped {
        /// Number of steps done.
        step: usize,
    },
    /// The initial weights are not finite.
    #[error("`{0}` holds NaN or infinite values before the first step; start from other weights")]
    Start(String),
    /// Values could not be read back from the device.
    #[error("reading values back from the device failed: {0}")]
    Read(#[from] TensorReadError),
    /// The saved optimiser state cannot be read.
    #[error("the optimiser state in `{path}` cannot be read ({reason}); remove the folder to start again")]
    Optimizer {
        /// The file.
        path: PathBuf,
        /// The fault found in it.
        reason: String,
    },
    /// The optimiser state could not be written.
    #[error(
        "the optimiser state could not be written to `{path}` ({reason}); repeat the command to resume from the last checkpoint"
    )]
    Saving {
        /// The file.
        path: PathBuf,
        /// The reason for the failure.
        reason: String,
    },
    /// A picture could not be made.
    #[error("the picture `{path}` could not be written: {reason}")]
    Panel {
        /// The picture.
        path: PathBuf,
        /// The reason for the failure.
        reason: String,
    },
}
