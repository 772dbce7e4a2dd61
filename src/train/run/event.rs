//! Events that a training loop reports to its caller.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// One optimiser step, as written to `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Number of steps done, including this one.
    pub step: usize,
    /// Number of steps in the whole run.
    pub steps: usize,
    /// Number of epochs so far, fractional.
    pub epoch: f64,
    /// The loss that was minimised.
    pub loss: f64,
    /// Euclidean norm of all gradients together, before clipping.
    pub gradient_norm: f64,
    /// Learning rate of new parameters.
    pub learning_rate: f64,
    /// Share of the time spent waiting for data, 0 to 1.
    pub data_wait: f64,
    /// Parts of the loss, by name.
    #[serde(flatten)]
    pub parts: BTreeMap<&'static str, f64>,
    /// Results of the validation after this step, if there was one: `val_ap`, `val_ap50`, 0 to 1.
    #[serde(flatten)]
    pub validation: BTreeMap<&'static str, f64>,
}

impl Step {
    /// Returns all measured values, by name.
    pub(super) fn scalars(&self) -> impl Iterator<Item = (&str, f64)> {
        let named = [
            ("loss", self.loss),
            ("gradient_norm", self.gradient_norm),
            ("learning_rate", self.learning_rate),
            ("data_wait", self.data_wait),
        ];
        named
            .into_iter()
            .chain(self.parts.iter().chain(&self.validation).map(|(name, value)| (*name, *value)))
    }
}

/// The events of a training run, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainEvent {
    /// Training starts, or continues after `done` steps.
    Started {
        /// Number of steps done by an earlier call.
        done: usize,
        /// Number of steps in the whole run.
        steps: usize,
        /// Number of trainable parameters.
        parameters: usize,
    },
    /// One step.
    Step(Step),
    /// A note to the user about unexpected or missing files in the run's folder.
    Noted(String),
    /// A photo or one of its objects could not be used; the text says which and why.
    Skipped(String),
    /// A picture was written.
    Panel(PathBuf),
    /// The state of training was saved.
    Saved(PathBuf),
}
