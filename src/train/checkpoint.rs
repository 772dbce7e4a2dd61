//! The folder of a training run: what was asked, what happened, where it stands.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::module::Module;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use image::{ImageFormat, RgbImage};
use serde::{Deserialize, Serialize};

use super::durable::at;
use super::tensorboard::Events;
use super::{Alone, Peers, Step, StepOptions, TrainError, TrainEvent, asked, durable, in_turn};
use crate::pixels::Preprocess;
use crate::weights::{ModelConfig, StoredAs, apply, collect, read_safetensors, write_safetensors};

/// What is written beside parameters: the architecture with its labels, and how photos become pixels.
pub(super) type Written<'a> = (&'a ModelConfig, &'a Preprocess);

const CONFIG: &str = "config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";
/// How good the weights in `best/` are.
const VALIDATION: &str = "validation.json";
/// Parameters to use.
const MODEL: &str = "model.safetensors";
/// Parameters as the optimiser left them, beside the averaged ones.
const UNAVERAGED: &str = "unaveraged.safetensors";

/// Everything a run goes on from.
pub(super) struct Standing<M> {
    /// Steps done.
    pub(super) step: usize,
    /// What the optimiser changes.
    pub(super) model: M,
    /// Its moving average without gradients, in runs that keep one.
    pub(super) average: Option<M>,
    /// The optimiser with its moments.
    pub(super) optimizer: ModuleOptimizer,
}

impl<M: Module> Standing<M> {
    /// Before the first step.
    pub(super) fn start(model: M, optimizer: ModuleOptimizer, options: &StepOptions) -> Self {
        let average = (options.average_decay > 0.0).then(|| model.valid());
        Self { step: 0, model, average, optimizer }
    }
}

/// A run's folder.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    metrics: BufWriter<File>,
    /// From the first step on.
    events: Option<Events>,
    peers: Arc<dyn Peers>,
    /// Held for as long as the run goes on; the system lets go of it with the process.
    _lock: Option<File>,
}

/// What was measured of the best weights so far.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Best {
    /// The step after which.
    pub(super) step: usize,
    /// Average precision, 0 to 1.
    pub(super) score: f64,
}

#[derive(Serialize, Deserialize)]
struct Progress {
    step: usize,
}

impl RunFolder {
    /// Opens `root`, making it where it does not exist; a folder with a run must hold the same options, but for how often is
    /// saved and shown.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`], [`TrainError::Busy`], [`TrainError::File`]
    pub fn open<O: Serialize>(root: &Path, options: &O) -> Result<Self, TrainError> {
        let alone: Arc<dyn Peers> = Arc::new(Alone);
        Self::shared(root, options, &alone)
    }

    /// [`RunFolder::open`] for a run that several processes work on; all of them see the same folder.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`], [`TrainError::Busy`], [`TrainError::File`]
    pub fn shared<O: Serialize>(
        root: &Path,
        options: &O,
        peers: &Arc<dyn Peers>,
    ) -> Result<Self, TrainError> {
        in_turn(&**peers, || Self::prepare(root, options, peers))
    }

    fn prepare<O: Serialize>(root: &Path, options: &O, peers: &Arc<dyn Peers>) -> Result<Self, TrainError> {
        fs::create_dir_all(root.join("panels")).map_err(at(root))?;
        let lock = if peers.rank() == 0 { Some(durable::lock(root)?) } else { None };
        asked::note(root, options)?;
        ["checkpoint", "best"].iter().try_for_each(|folder| durable::recover(&root.join(folder)))?;
        let path = root.join("metrics.jsonl");
        if peers.rank() == 0 {
            durable::drop_after(&path, saved(&root.join("checkpoint"))?)?;
        }
        let metrics = OpenOptions::new().create(true).append(true).open(&path).map_err(at(&path))?;
        Ok(Self {
            root: root.to_owned(),
            metrics: BufWriter::new(metrics),
            events: None,
            peers: Arc::clone(peers),
            _lock: lock,
        })
    }

    /// Who works on the run.
    pub(super) fn peers(&self) -> Arc<dyn Peers> {
        Arc::clone(&self.peers)
    }

    /// The weight folder of the latest checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.root.join("checkpoint")
    }

    /// Where features of a frozen encoder go.
    pub(super) fn features(&self) -> PathBuf {
        match self.peers.rank() {
            0 => self.root.join("features"),
            rank => self.root.join(format!("features-{rank}")),
        }
    }

    /// Saves the panel of a step, for `TensorBoard` too.
    pub(super) fn show(&mut self, step: usize, panel: &RgbImage) -> Result<TrainEvent, TrainError> {
        let path = self.root.join("panels").join(format!("step-{step:06}.png"));
        let mut png = Cursor::new(Vec::new());
        let drawn = panel.write_to(&mut png, ImageFormat::Png);
        drawn.map_err(|error| TrainError::Panel { path: path.clone(), reason: error.to_string() })?;
        durable::replace(&path, png.get_ref())?;
        let size = [panel.width(), panel.height()];
        self.events(step)?.show(step, "panel", size, png.get_ref()).map_err(at(&self.root))?;
        Ok(TrainEvent::Panel(path))
    }

    /// Appends to `metrics.jsonl` and to `TensorBoard`'s file of this start.
    pub(super) fn log(&mut self, step: &Step) -> Result<(), TrainError> {
        let path = self.root.join("metrics.jsonl");
        let line = serde_json::to_string(step).map_err(|error| TrainError::Option(error.to_string()))?;
        writeln!(self.metrics, "{line}").and_then(|()| self.metrics.flush()).map_err(at(&path))?;
        self.events(step.step)?.write(step.step, step.scalars()).map_err(at(&self.root))
    }

    /// `TensorBoard`'s file of this start, which begins with `step`.
    fn events(&mut self, step: usize) -> Result<&mut Events, TrainError> {
        let events = match self.events.take() {
            Some(events) => events,
            None => Events::create(&self.root, step).map_err(at(&self.root))?,
        };
        Ok(self.events.insert(events))
    }

    /// Saves everything that is needed to go on; the old checkpoint stays until the new one is whole.
    pub(super) fn save<M: Module>(
        &self,
        standing: &Standing<M>,
        written: Written<'_>,
    ) -> Result<TrainEvent, TrainError> {
        let current = self.checkpoint();
        let fresh = durable::fresh(&current)?;
        match &standing.average {
            None => write_weights(&fresh, &standing.model, written)?,
            Some(average) => {
                write_weights(&fresh, average, written)?;
                durable::write(&fresh.join(UNAVERAGED), &tensors(&standing.model, written.0)?)?;
            }
        }
        let path = fresh.join("optimizer.bpk");
        let saved = standing.optimizer.to_record().save(&path);
        saved.map_err(|error| TrainError::Saving { path: path.clone(), reason: error.to_string() })?;
        durable::settle(&path)?;
        durable::write(&fresh.join("progress.json"), &json(&Progress { step: standing.step })?)?;
        durable::swap(&current)?;
        Ok(TrainEvent::Saved(current))
    }

    /// Keeps the weights of the latest checkpoint as those of `step`, and of earlier ones the newest, `most` in all.
    pub(super) fn keep(&self, step: usize, most: usize) -> Result<(), TrainError> {
        let kept = self.root.join("kept");
        let folder = kept.join(format!("step-{step:06}"));
        let fresh = durable::fresh(&folder)?;
        for name in [CONFIG, PREPROCESSOR, MODEL] {
            let from = self.checkpoint().join(name);
            fs::copy(&from, fresh.join(name)).map_err(at(&from))?;
        }
        durable::swap(&folder)?;
        let entries = fs::read_dir(&kept).map_err(at(&kept))?.flatten().map(|entry| entry.path());
        // One that was not finished has an ending.
        let mut folders: Vec<PathBuf> = entries.filter(|path| path.extension().is_none()).collect();
        // By number: names are as long as their numbers.
        folders.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
        folders.iter().rev().skip(most).try_for_each(|old| fs::remove_dir_all(old).map_err(at(old)))
    }

    /// Keeps `module` in `best/` if its `score` is above that of what is there.
    pub(super) fn keep_best<M: Module>(
        &self,
        module: &M,
        written: Written<'_>,
        best: Best,
    ) -> Result<(), TrainError> {
        let current = self.root.join("best");
        let before = fs::read(current.join(VALIDATION)).ok();
        let before: Option<Best> = before.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if before.is_some_and(|before| before.score >= best.score) {
            return Ok(());
        }
        let fresh = durable::fresh(&current)?;
        write_weights(&fresh, module, written)?;
        durable::write(&fresh.join(VALIDATION), &json(&best)?)?;
        durable::swap(&current)
    }

    /// Puts the latest checkpoint, if there is one, into `fresh`.
    pub(super) fn resume<M: Module>(
        &self,
        fresh: Standing<M>,
        config: &ModelConfig,
    ) -> Result<Standing<M>, TrainError> {
        let folder = self.checkpoint();
        if !folder.exists() {
            return Ok(fresh);
        }
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).map_err(|source| TrainError::File { path, source })
        };
        let load = |module: M, name: &str| -> Result<M, TrainError> {
            Ok(apply(module, config.layout(), read_safetensors(name, &read(name)?)?)?)
        };
        let (model, average) = match fresh.average {
            None => (load(fresh.model, MODEL)?, None),
            Some(average) => (load(fresh.model, UNAVERAGED)?, Some(load(average, MODEL)?)),
        };
        let path = folder.join("optimizer.bpk");
        let record = OptimizerRecord::load(&path)
            .map_err(|error| TrainError::Optimizer { path: path.clone(), reason: error.to_string() })?;
        Ok(Standing { step: saved(&folder)?, model, average, optimizer: fresh.optimizer.load_record(record) })
    }
}

/// The step of a checkpoint, 0 where there is none.
fn saved(checkpoint: &Path) -> Result<usize, TrainError> {
    if !checkpoint.exists() {
        return Ok(0);
    }
    let path = checkpoint.join("progress.json");
    let bytes = fs::read(&path).map_err(at(&path))?;
    let progress: Progress = serde_json::from_slice(&bytes)
        .map_err(|error| TrainError::Optimizer { path, reason: error.to_string() })?;
    Ok(progress.step)
}

/// A weight folder with `module`.
fn write_weights<M: Module>(folder: &Path, module: &M, written: Written<'_>) -> Result<(), TrainError> {
    let (config, preprocess) = written;
    durable::write(&folder.join(CONFIG), &config.to_json()?)?;
    durable::write(&folder.join(PREPROCESSOR), &json(preprocess)?)?;
    durable::write(&folder.join(MODEL), &tensors(module, config)?)
}

fn tensors<M: Module>(module: &M, config: &ModelConfig) -> Result<Vec<u8>, TrainError> {
    Ok(write_safetensors(&collect(module, config.layout())?, StoredAs::F32, MODEL)?)
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, TrainError> {
    serde_json::to_vec_pretty(value).map_err(|error| TrainError::Option(error.to_string()))
}
