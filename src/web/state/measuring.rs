//! Measuring the speed of this device: the model segments the same photo several times.

use super::{AppState, Effect, Worker};
use crate::web::protocol::{RUNS, RequestId};

/// The measurement requested last.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Measuring {
    /// None was requested, or it failed, or another model is in use by now.
    #[default]
    Idle,
    /// In progress: milliseconds of the finished runs.
    Running(RequestId, Vec<f64>),
    /// Milliseconds of all runs, the fastest first, and the number of workers that computed.
    Done(Vec<f64>, usize),
}

impl AppState {
    /// Returns whether the worker has nothing else to do, which would be measured, too.
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

    pub(super) fn measured(&mut self, id: RequestId, mut times_ms: Vec<f64>, workers: usize) -> Vec<Effect> {
        if matches!(&self.measuring, Measuring::Running(sent, _) if *sent == id) {
            self.measuring = if times_ms.len() < RUNS {
                Measuring::Running(id, times_ms)
            } else {
                times_ms.sort_by(f64::total_cmp);
                Measuring::Done(times_ms, workers)
            };
        }
        Vec::new()
    }

    /// Drops the measurement if this failed request was it.
    pub(super) fn not_measured(&mut self, id: RequestId) {
        if matches!(&self.measuring, Measuring::Running(sent, _) if *sent == id) {
            self.measuring = Measuring::Idle;
        }
    }
}
