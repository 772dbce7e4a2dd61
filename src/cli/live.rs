//! Burn's terminal interface: curves while training runs.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{IsTerminal, stdout};
use std::sync::Arc;

use burn_train::Interrupter;
use burn_train::logger::TrainingProgressLogger;
use burn_train::metric::{
    MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry, SerializedEntry,
};
use burn_train::renderer::tui::TuiMetricsRendererWrapper;
use burn_train::renderer::{MetricState, MetricsRenderer, MetricsRendererTraining};

use crate::train::Step;

/// The screen; closed when dropped.
pub(super) struct Live {
    screen: TuiMetricsRendererWrapper,
    interrupter: Interrupter,
    known: BTreeSet<&'static str>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Live {
    /// Takes the terminal over, where standard output is one.
    pub(super) fn open(title: &str, done: usize, steps: usize) -> Option<Self> {
        stdout().is_terminal().then(|| {
            let interrupter = Interrupter::new();
            let mut screen = TuiMetricsRendererWrapper::new(interrupter.clone(), Some(done));
            screen.start(0, 0, Some(steps), Some(title));
            screen.start_split("train", steps);
            Self { screen, interrupter, known: BTreeSet::new() }
        })
    }

    /// Draws a step; says whether the person asked to stop.
    pub(super) fn step(&mut self, step: &Step) -> bool {
        self.measured("loss", step.loss, false);
        self.measured("learning rate", step.learning_rate, false);
        self.measured("gradient norm", step.gradient_norm, false);
        step.parts.iter().for_each(|(name, value)| self.measured(name, *value, false));
        step.validation.iter().for_each(|(name, value)| self.measured(name, *value, true));
        self.screen.update_split(step.step);
        self.interrupter.should_stop()
    }

    /// Counts something that happened.
    pub(super) fn count(&mut self, what: &str) {
        self.screen.log_event_training(what.to_owned());
    }

    fn measured(&mut self, name: &'static str, value: f64, is_validation: bool) {
        let id = MetricId::new(Arc::new(name.to_owned()));
        if self.known.insert(name) {
            self.screen.register_metric(MetricDefinition {
                metric_id: id.clone(),
                name: Arc::new(name.to_owned()),
                description: None,
                attributes: NumericAttributes { unit: None, higher_is_better: is_validation }.into(),
            });
        }
        let entry = MetricEntry::new(id, SerializedEntry::new(format!("{value:.3e}"), value.to_string()));
        let state = MetricState::Numeric(entry, Some(NumericEntry::Value(value)));
        if is_validation {
            self.screen.update_valid(state);
        } else {
            self.screen.update_train(state);
        }
    }
}
