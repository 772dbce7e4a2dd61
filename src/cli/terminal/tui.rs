//! Burn's terminal interface: curves during training.

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

/// The terminal interface, which closes when dropped.
pub(super) struct Live {
    screen: TuiMetricsRendererWrapper,
    interrupter: Interrupter,
    known: BTreeSet<&'static str>,
    title: String,
    /// The epoch being shown, counted from 0.
    epoch: Option<usize>,
}

impl fmt::Debug for Live {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Live").field("known", &self.known).finish_non_exhaustive()
    }
}

impl Live {
    /// Takes over the terminal, if standard output is one.
    pub(super) fn open(title: &str, done: usize) -> Option<Self> {
        stdout().is_terminal().then(|| {
            let interrupter = Interrupter::new();
            let screen = TuiMetricsRendererWrapper::new(interrupter.clone(), Some(done));
            Self { screen, interrupter, known: BTreeSet::new(), title: title.to_owned(), epoch: None }
        })
    }

    /// Draws a step; returns whether the user asked to stop.
    pub(super) fn step(&mut self, step: &Step) -> bool {
        self.measured("loss", step.loss, false);
        self.measured("learning rate", step.learning_rate, false);
        self.measured("gradient norm", step.gradient_norm, false);
        step.parts.iter().for_each(|(name, value)| self.measured(name, *value, false));
        step.validation.iter().for_each(|(name, value)| self.measured(name, *value, true));
        self.progressed(step);
        self.interrupter.should_stop()
    }

    /// Updates Burn's progress bars, which count epochs and the steps within one.
    fn progressed(&mut self, step: &Step) {
        let per_epoch = (step.step as f64 / step.epoch).clamp(1.0, step.steps as f64);
        let epoch = ((step.step - 1) as f64 / per_epoch) as usize;
        if self.epoch != Some(epoch) {
            let epochs = (step.steps as f64 / per_epoch).ceil() as usize;
            self.screen.start(epochs, epoch + 1, None, Some(&self.title));
            self.screen.start_split("train", per_epoch.ceil() as usize);
            self.epoch = Some(epoch);
        }
        self.screen.update_split(step.step - (epoch as f64 * per_epoch) as usize);
    }

    /// Counts an event.
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
