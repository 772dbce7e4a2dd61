//! How fast this device is: the model looks at one and the same photo several times.

use super::{AppState, Effect, Worker};
use crate::web::protocol::{RUNS, RequestId};

/// The measurement asked for last.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Measuring {
    /// None was asked for, or it failed, or another model is in use by now.
    #[default]
    Idle,
    /// On its way: milliseconds of the runs that are done.
    Running(RequestId, Vec<f64>),
    /// Milliseconds of every run, the fastest first.
    Done(Vec<f64>),
}

impl AppState {
    /// Whether the worker has nothing else to do, which would be measured, too.
    #[must_use]
    pub fn can_measure(&self) -> bool {
        matches!(self.worker, Worker::Idle)
            && !matches!(self.measuring, Measuring::Running(..))
            && self.finding.is_none()
    }

    pub(super) fn measure(&mut self) -> Vec<Effect> {
        if !self.can_measure() {
            return Vec::new();
        }
        let id = self.issue_id();
        self.measuring = Measuring::Running(id, Vec::new());
        vec![Effect::SendMeasure(id)]
    }

    pub(super) fn measured(&mut self, id: RequestId, mut times_ms: Vec<f64>) -> Vec<Effect> {
        if matches!(&self.measuring, Measuring::Running(sent, _) if *sent == id) {
            self.measuring = if times_ms.len() < RUNS {
                Measuring::Running(id, times_ms)
            } else {
                times_ms.sort_by(f64::total_cmp);
                Measuring::Done(times_ms)
            };
        }
        Vec::new()
    }

    /// Nothing more comes of a request: if it was a measurement, there is none.
    pub(super) fn not_measured(&mut self, id: RequestId) {
        if matches!(&self.measuring, Measuring::Running(sent, _) if *sent == id) {
            self.measuring = Measuring::Idle;
        }
    }
}
