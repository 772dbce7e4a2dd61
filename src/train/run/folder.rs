//! The folder of a training run: its options, log and checkpoints.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use image::{ImageFormat, RgbImage};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic::at;
use super::stored::{
    CONFIG, MODEL, OPTIMIZER, OURS, PREPROCESSOR, PROGRESS, Stored, UNAVERAGED, VALIDATION, Writing, json,
};
use super::tensorboard::Events;
use super::{RunManifest, Step, TrainEvent, atomic, claim};
use crate::files::drawn::marked;
use crate::pixels::Preprocess;
use crate::train::{Alone, Peers, StepOptions, TrainError, in_turn};
use crate::weights::{ModelConfig, StoredAs, apply, collect, read_safetensors, write_safetensors};

/// The metadata written beside parameters: the architecture with its labels, and the preprocessing.
pub(in crate::train) type Written<'a> = (&'a ModelConfig, &'a Preprocess);

/// The state from which a run continues.
pub(in crate::train) struct Standing<M> {
    /// Number of steps done.
    pub(in crate::train) step: usize,
    /// The model being optimised.
    pub(in crate::train) model: M,
    /// The moving average of the model without gradients, if the run keeps one.
    pub(in crate::train) average: Option<M>,
    /// The optimiser with its moments.
    pub(in crate::train) optimizer: ModuleOptimizer,
}

impl<M: Module> Standing<M> {
    /// Returns the state before the first step.
    pub(in crate::train) fn start(model: M, optimizer: ModuleOptimizer, options: &StepOptions) -> Self {
        let average = (options.average_decay > 0.0).then(|| model.valid());
        Self { step: 0, model, average, optimizer }
    }
}

/// The folder of a training run.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    metrics: BufWriter<File>,
    /// `TensorBoard`'s event file, created at the first step.
    events: Option<Events>,
    peers: Arc<dyn Peers>,
    /// Whether the run should end after the current step.
    stop: Arc<AtomicBool>,
    /// Notes to the user from opening the folder.
    notes: Vec<String>,
    /// A lock held while the run goes on; the system releases it when the process ends.
    _lock: Option<File>,
}

/// The measured quality of the best weights so far.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(in crate::train) struct Best {
    /// The step after which they were measured.
    pub(in crate::train) step: usize,
    /// Average precision, 0 to 1.
    pub(in crate::train) score: f64,
}

#[derive(Serialize, Deserialize)]
struct Progress {
    step: usize,
}

impl RunFolder {
    /// Opens `root`, creating it if it does not exist. An existing run must have the same options, except for
    /// those about saving and panels; a folder without a run must not contain files that a run would replace.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`], [`TrainError::NoRun`], [`TrainError::Busy`], [`TrainError::File`]
    pub fn open<O: Clone + Serialize + DeserializeOwned>(
        root: &Path,
        manifest: &RunManifest<O>,
    ) -> Result<Self, TrainError> {
        let alone: Arc<dyn Peers> = Arc::new(Alone);
        Self::shared(root, manifest, &alone)
    }

    /// Opens a run that several processes share, as [`RunFolder::open`] does; all processes see the same
    /// folder.
    ///
    /// # Errors
    /// The errors of [`open`](Self::open).
    pub fn shared<O: Clone + Serialize + DeserializeOwned>(
        root: &Path,
        manifest: &RunManifest<O>,
        peers: &Arc<dyn Peers>,
    ) -> Result<Self, TrainError> {
        in_turn(&**peers, || Self::prepare(root, manifest, peers))
    }

    fn prepare<O: Clone + Serialize + DeserializeOwned>(
        root: &Path,
        manifest: &RunManifest<O>,
        peers: &Arc<dyn Peers>,
    ) -> Result<Self, TrainError> {
        claim::claimed(root)?;
        fs::create_dir_all(root).map_err(at(root))?;
        let lock = if peers.rank() == 0 { Some(atomic::lock(root)?) } else { None };
        manifest.write(root, peers.rank() > 0)?;
        fs::create_dir_all(root.join("panels")).map_err(at(root))?;
        ["checkpoint", "best"].iter().try_for_each(|folder| atomic::recover(&root.join(folder), &OURS))?;
        let path = root.join("metrics.jsonl");
        let mut notes = Vec::new();
        if peers.rank() == 0 {
            let step = saved(&root.join("checkpoint"))?;
            atomic::drop_after(&path, step)?;
            notes.extend(atomic::missing(&path, step)?.map(|(first, count)| {
                format!(
                    "{} lacks {count} of the {step} steps that the checkpoint has, from step {first} on; they were lost \
                     in a power failure, or removed",
                    path.display()
                )
            }));
        }
        let metrics = OpenOptions::new().create(true).append(true).open(&path).map_err(at(&path))?;
        let mut run = Self {
            root: root.to_owned(),
            metrics: BufWriter::new(metrics),
            events: None,
            peers: Arc::clone(peers),
            notes,
            stop: Arc::default(),
            _lock: lock,
        };
        run.notes.extend(run.left());
        Ok(run)
    }

    /// Describes files of unknown origin under names that a run replaces and deletes; they are left alone.
    fn left(&self) -> Option<String> {
        let beside = ["checkpoint.old", "checkpoint.new", "best.old", "best.new"];
        let beside = beside.map(|name| self.root.join(name)).into_iter().filter(|path| path.exists());
        let left: Vec<String> =
            beside.chain(self.kept_by_others()).map(|path| path.display().to_string()).collect();
        (!left.is_empty())
            .then(|| format!("{} is left alone: it may not belong to this run", left.join(", ")))
    }

    /// Returns the notes from opening the folder, one sentence each.
    pub(in crate::train) fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    /// Returns the file that holds the step of the checkpoint.
    pub(in crate::train) fn progress(&self) -> PathBuf {
        self.checkpoint().join(PROGRESS)
    }

    /// Returns whether several processes share the run.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.peers.size() > 1
    }

    /// Makes the run end after the step during which `stop` becomes true, with a checkpoint and
    /// [`TrainError::Stopped`]. Every process of a shared run needs the same answer at the same step.
    pub fn stop_when(&mut self, stop: Arc<AtomicBool>) {
        self.stop = stop;
    }

    /// Returns whether the run should end now.
    pub(in crate::train) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Returns the processes that share the run.
    pub(in crate::train) fn peers(&self) -> Arc<dyn Peers> {
        Arc::clone(&self.peers)
    }

    /// Returns the weight folder of the latest checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// Returns the folder for features of a frozen encoder.
    pub(in crate::train) fn features(&self) -> PathBuf {
        match self.peers.rank() {
            0 => self.root.join("features"),
            rank => self.root.join(format!("features-{rank}")),
        }
    }

    /// Saves the panel of a step, also for `TensorBoard`.
    pub(in crate::train) fn show(&mut self, step: usize, panel: &RgbImage) -> Result<TrainEvent, TrainError> {
        let path = self.root.join("panels").join(format!("step-{step:06}.png"));
        let mut png = Cursor::new(Vec::new());
        let drawn = panel.write_to(&mut png, ImageFormat::Png);
        drawn.map_err(|error| TrainError::Panel { path: path.clone(), reason: error.to_string() })?;
        atomic::replace(&path, &marked(png.get_ref(), "panel"))?;
        let size = [panel.width(), panel.height()];
        self.events(step)?.show(step, "panel", size, png.get_ref()).map_err(at(&self.root))?;
        Ok(TrainEvent::Panel(path))
    }

    /// Appends a step to `metrics.jsonl` and to `TensorBoard`'s event file.
    pub(in crate::train) fn log(&mut self, step: &Step) -> Result<(), TrainError> {
        let path = self.root.join("metrics.jsonl");
        let line = serde_json::to_string(step).map_err(|error| TrainError::Option(error.to_string()))?;
        writeln!(self.metrics, "{line}").and_then(|()| self.metrics.flush()).map_err(at(&path))?;
        self.events(step.step)?.write(step.step, step.scalars()).map_err(at(&self.root))
    }

    /// Returns `TensorBoard`'s event file of this start, which is created at `step`.
    fn events(&mut self, step: usize) -> Result<&mut Events, TrainError> {
        let events = match self.events.take() {
            Some(events) => events,
            None => Events::create(&self.root, step).map_err(at(&self.root))?,
        };
        Ok(self.events.insert(events))
    }

    /// Saves the state; the old checkpoint stays until the new one is complete.
    pub(in crate::train) fn save<M: Module>(
        &self,
        standing: &Standing<M>,
        written: Written<'_>,
    ) -> Result<TrainEvent, TrainError> {
        // The log must be on the disk before the checkpoint, so that it covers all its steps.
        let log = self.root.join("metrics.jsonl");
        self.metrics.get_ref().sync_all().map_err(at(&log))?;
        let current = self.checkpoint();
        let mut fresh = Writing::begin(&current)?;
        match &standing.average {
            None => write_weights(&mut fresh, &standing.model, written)?,
            Some(average) => {
                write_weights(&mut fresh, average, written)?;
                fresh.put(UNAVERAGED, &tensors(&standing.model, written.0)?)?;
            }
        }
        let path = fresh.path(OPTIMIZER);
        let saved = standing.optimizer.to_record().save(&path);
        saved.map_err(|error| TrainError::Saving { path: path.clone(), reason: error.to_string() })?;
        fresh.note(OPTIMIZER)?;
        fresh.put(PROGRESS, &json(&Progress { step: standing.step })?)?;
        fresh.finish(format!("checkpoint after step {}", standing.step))?;
        Ok(TrainEvent::Saved(current))
    }

    /// Returns the score of the weights in `best/`, or `None` if there are none.
    ///
    /// # Errors
    /// [`TrainError::Best`] if the score is unknown, so that the weights are not replaced by worse ones.
    pub(in crate::train) fn best(&self, steps: usize) -> Result<Option<Best>, TrainError> {
        let folder = self.root.join("best");
        if !folder.exists() {
            return Ok(None);
        }
        let wrong = |reason: String| TrainError::Best { path: folder.join(VALIDATION), reason };
        let told = Stored::open(&folder).and_then(|stored| stored.read(VALIDATION));
        let best: Best = told
            .map_err(|error| error.to_string())
            .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string()))
            .map_err(wrong)?;
        if best.step > steps || !(0.0..=1.0).contains(&best.score) {
            return Err(wrong(format!("step {} of {steps}, score {}", best.step, best.score)));
        }
        Ok(Some(best))
    }

    /// Saves `module` to `best/` if its score is above that of the weights there.
    pub(in crate::train) fn keep_best<M: Module>(
        &self,
        module: &M,
        written: Written<'_>,
        best: Best,
        steps: usize,
    ) -> Result<(), TrainError> {
        if best.score.is_nan() || self.best(steps)?.is_some_and(|before| before.score >= best.score) {
            return Ok(());
        }
        let mut fresh = Writing::begin(&self.root.join("best"))?;
        write_weights(&mut fresh, module, written)?;
        fresh.put(VALIDATION, &json(&best)?)?;
        fresh.finish(format!("best weights, of step {}", best.step))
    }

    /// Loads the latest checkpoint, if there is one, into `fresh`.
    pub(in crate::train) fn resume<M: Module>(
        &self,
        fresh: Standing<M>,
        config: &ModelConfig,
    ) -> Result<Standing<M>, TrainError> {
        let folder = self.checkpoint();
        if !folder.exists() {
            return Ok(fresh);
        }
        let stored = Stored::open(&folder)?;
        let load = |module: M, name: &str| -> Result<M, TrainError> {
            Ok(apply(module, config.layout(), read_safetensors(name, &stored.read(name)?)?)?)
        };
        let (model, average) = match fresh.average {
            None => (load(fresh.model, MODEL)?, None),
            Some(average) => (load(fresh.model, UNAVERAGED)?, Some(load(average, MODEL)?)),
        };
        let path = stored.checked(OPTIMIZER)?;
        let record = OptimizerRecord::load(&path)
            .map_err(|error| TrainError::Optimizer { path: path.clone(), reason: error.to_string() })?;
        Ok(Standing { step: saved(&folder)?, model, average, optimizer: fresh.optimizer.load_record(record) })
    }
}

/// Returns the step of a checkpoint, or 0 if there is none.
fn saved(checkpoint: &Path) -> Result<usize, TrainError> {
    if !checkpoint.exists() {
        return Ok(0);
    }
    let bytes = Stored::open(checkpoint)?.read(PROGRESS)?;
    let progress: Progress = serde_json::from_slice(&bytes).map_err(|error| TrainError::Damaged {
        path: checkpoint.join(PROGRESS),
        reason: error.to_string(),
    })?;
    Ok(progress.step)
}

/// Writes `module` as a weight folder.
fn write_weights<M: Module>(
    folder: &mut Writing,
    module: &M,
    written: Written<'_>,
) -> Result<(), TrainError> {
    let (config, preprocess) = written;
    folder.put(CONFIG, &config.to_json()?)?;
    folder.put(PREPROCESSOR, &json(preprocess)?)?;
    folder.put(MODEL, &tensors(module, config)?)
}

fn tensors<M: Module>(module: &M, config: &ModelConfig) -> Result<Vec<u8>, TrainError> {
    Ok(write_safetensors(&collect(module, config.layout())?, StoredAs::F32, MODEL)?)
}
