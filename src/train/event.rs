//! What a training loop tells its caller.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// One optimiser step, as written to `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Steps done, this one included.
    pub step: usize,
    /// Steps in the whole run.
    pub steps: usize,
    /// Passes over the data, fractional.
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
    /// Where the run was validated after this step: `val_ap`, `val_ap50`, 0 to 1.
    #[serde(flatten)]
    pub validation: BTreeMap<&'static str, f64>,
}

impl Step {
    /// Everything measured, by name.
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

/// What happens while training runs, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum TrainEvent {
    /// Training starts, or continues after `done` steps.
    Started {
        /// Steps already done by an earlier call.
        done: usize,
        /// Steps in the whole run.
        steps: usize,
        /// Trainable numbers.
        parameters: usize,
    },
    /// One step.
    Step(Step),
    /// What whoever started the run should know: what was found in its folder and left, or is missing there.
    Noted(String),
    /// What could not be used, a photo or one of its objects, and why.
    Skipped(String),
    /// A picture was written.
    Panel(PathBuf),
    /// The state of training was saved.
    Saved(PathBuf),
}
