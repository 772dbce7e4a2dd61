//! The training loop: batch, loss, gradients, optimiser, log, panels, checkpoints.

use std::collections::BTreeMap;
use std::ops::Range;
use std::thread;

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData};
use image::RgbImage;

use super::distributed::{Peers, summed_loss};
use super::optim::{averaged, clip, not_finite, summed, trainable};
use super::options::StepOptions;
use super::run::{Best, Standing, Written};
use super::{RunFolder, Step, TrainError, TrainEvent};
use crate::data::Ahead;

/// The share of a micro-batch in the loss of a step; all shares add up to the loss of the whole batch.
pub(super) struct Loss {
    /// The loss to be minimised, `[1]`.
    pub(super) total: Tensor<1>,
    /// The terms of the loss, by name.
    pub(super) parts: BTreeMap<&'static str, Tensor<1>>,
}

/// The parts of the training loop that differ between kinds of training.
pub(super) trait Task: Sync {
    /// The model to be trained.
    type Model: Module;
    /// The photos of a step, on the host.
    type Batch: Send;

    /// Returns the number of steps in the whole run.
    fn steps(&self) -> usize;
    /// Returns the number of epochs, fractional, after `steps` steps.
    fn epoch(&self, steps: usize) -> f64;
    /// Prepares this process's photos of a step and all random draws for them; a pure function of the step.
    fn batch(&self, step: usize) -> Result<Self::Batch, TrainError>;
    /// Completes a batch with what the other processes know about the step's photos.
    fn shared(&self, batch: Self::Batch) -> Self::Batch {
        batch
    }
    /// Returns the number of photos in a batch.
    fn photos(&self, batch: &Self::Batch) -> usize;
    /// Describes the photos that could not be used.
    fn skipped(&self, _batch: &Self::Batch) -> Vec<String> {
        Vec::new()
    }
    /// Returns the share of the photos `part` in the loss of the step.
    fn loss(&self, model: &Self::Model, batch: &Self::Batch, part: Range<usize>) -> Result<Loss, TrainError>;
    /// Returns the learning rate of new parameters.
    fn learning_rate(&self, step: usize) -> f64;
    /// Returns the learning rates of all parameters.
    fn learning_rates(&self, step: usize) -> ModuleLearningRate {
        self.learning_rate(step).into()
    }
    /// Returns the number of steps between validations, or `None` without validation data.
    fn validate_every(&self) -> Option<usize> {
        None
    }
    /// Validates the model, which is without gradients; the metric that selects the best weights comes first.
    fn validate(&self, _model: &Self::Model) -> Result<BTreeMap<&'static str, f64>, TrainError> {
        Ok(BTreeMap::new())
    }
    /// Draws the predictions of the model, which is without gradients, for a batch.
    fn panel(&self, model: &Self::Model, batch: &Self::Batch) -> RgbImage;
}

/// Rejects invalid options, weights that are not finite, and a checkpoint beyond the last of `steps`.
fn check_start<M: Module>(
    at: &Standing<M>,
    options: &StepOptions,
    (steps, peers): (usize, usize),
    run: &RunFolder,
) -> Result<(), TrainError> {
    options.precision.check(&at.model)?;
    options.check_parts(peers)?;
    if let Some(parameter) = not_finite(&at.model, &GradientsParams::new())? {
        return Err(TrainError::Start(parameter));
    }
    if at.step > steps {
        let reason = format!("it is at step {} of {steps}", at.step);
        return Err(TrainError::Damaged { path: run.progress(), reason });
    }
    Ok(())
}

/// Trains from the state `at` until every step is done.
pub(super) fn train<T: Task>(
    task: &T,
    mut at: Standing<T::Model>,
    options: &StepOptions,
    written: Written<'_>,
    run: &mut RunFolder,
    on_event: &mut dyn FnMut(TrainEvent),
) -> Result<(), TrainError> {
    let (done, steps, peers) = (at.step, task.steps(), run.peers());
    check_start(&at, options, (steps, peers.size()), run)?;
    if task.validate_every().is_some() {
        run.best(steps)?;
    }
    run.notes().into_iter().for_each(|note| on_event(TrainEvent::Noted(note)));
    on_event(TrainEvent::Started { done, steps, parameters: trainable(&at.model) });
    if done > 0 && options.keep > 0 && peers.rank() == 0 {
        // Repeated in case the run was stopped between saving and keeping.
        run.keep(done, options.keep)?;
    }
    thread::scope(|scope| {
        let mut batches = Ahead::spawn(scope, done..steps, |step| task.batch(step));
        for _ in done..steps {
            let Some(batch) = batches.next() else { break };
            let batch = batch?;
            task.skipped(&batch).into_iter().for_each(|photo| on_event(TrainEvent::Skipped(photo)));
            let mut report;
            let batch = task.shared(batch);
            (at, report) = one_step(task, at, options, &batch, &*peers)?;
            let due = |every: usize| at.step % every == 0 || at.step == steps;
            let stopped = run.is_stopped();
            if due(options.save_every) || stopped {
                check_parameters(&at, report.loss)?;
            }
            if peers.rank() > 0 {
                continue;
            }
            report.data_wait = batches.data_wait();
            let kept = || at.average.clone().unwrap_or_else(|| at.model.valid());
            let mut judged = Ok(());
            if task.validate_every().is_some_and(due) {
                // The progress is logged and saved even if the validation fails.
                match task.validate(&kept()) {
                    Ok(validation) => report.validation = validation,
                    Err(error) => judged = Err(error),
                }
                if let Some(&score) = report.validation.values().next() {
                    run.keep_best(&kept(), written, Best { step: at.step, score }, steps)?;
                }
            }
            run.log(&report)?;
            on_event(TrainEvent::Step(report));
            if due(options.panel_every) {
                on_event(run.show(at.step, &task.panel(&kept(), &batch))?);
            }
            if due(options.save_every) || judged.is_err() || stopped {
                on_event(run.save(&at, written)?);
                if options.keep > 0 {
                    run.keep(at.step, options.keep)?;
                }
            }
            judged?;
            if stopped && at.step < steps {
                return Err(TrainError::Stopped { step: at.step });
            }
        }
        Ok(())
    })
}

/// Checks the parameters before they are saved, since even finite gradients may make them infinite or NaN.
fn check_parameters<M: Module>(at: &Standing<M>, loss: f64) -> Result<(), TrainError> {
    match not_finite(&at.model, &GradientsParams::new())? {
        None => Ok(()),
        parameter => Err(TrainError::NotFinite { step: at.step, loss, parameter }),
    }
}

/// Makes one optimiser step; the returned report lacks only the time spent waiting for data.
fn one_step<T: Task>(
    task: &T,
    mut at: Standing<T::Model>,
    options: &StepOptions,
    batch: &T::Batch,
    peers: &dyn Peers,
) -> Result<(Standing<T::Model>, Step), TrainError> {
    let step = at.step;
    let mut gradients = GradientsAccumulator::new();
    let (mut loss, mut parts) = (0.0, BTreeMap::new());
    for part in options.parts(task.photos(batch)) {
        let share = task.loss(&options.precision.working(&at.model), batch, part)?;
        loss += scalar(share.total.clone())?;
        for (name, value) in share.parts {
            *parts.entry(name).or_insert(0.0) += scalar(value)?;
        }
        gradients.accumulate(&at.model, GradientsParams::from_grads(share.total.backward(), &at.model));
    }
    summed_loss(peers, &mut loss, &mut parts);
    let gradients = summed(&at.model, gradients.grads(), peers)?;
    let (gradients, gradient_norm) = clip(&at.model, gradients, options.clip_norm)?;
    if !(loss.is_finite() && gradient_norm.is_finite()) {
        let parameter = not_finite(&at.model, &gradients)?;
        return Err(TrainError::NotFinite { step: step + 1, loss, parameter });
    }
    at.model = at.optimizer.step(task.learning_rates(step), at.model, gradients);
    at.step = step + 1;
    at.average = at.average.map(|average| averaged(average, &at.model.valid(), options.average_decay, step));
    let report = Step {
        step: at.step,
        steps: task.steps(),
        epoch: task.epoch(at.step),
        loss,
        gradient_norm,
        learning_rate: task.learning_rate(step),
        data_wait: 0.0,
        parts,
        validation: BTreeMap::new(),
    };
    Ok((at, report))
}

/// Returns some of the square photos in `pixels`, `[B, 3, side, side]`, as a tensor `[part, 3, side, side]`.
pub(super) fn images(pixels: &[f32], part: &Range<usize>, side: usize, device: &Device) -> Tensor<4> {
    let numbers = 3 * side * side;
    let pixels = pixels[part.start * numbers..part.end * numbers].to_vec();
    Tensor::from_data(TensorData::new(pixels, [part.len(), 3, side, side]), device)
}

fn scalar(value: Tensor<1>) -> Result<f64, TrainError> {
    Ok(value.try_into_vec_as::<f32>()?.into_iter().map(f64::from).sum())
}
