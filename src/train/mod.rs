//! Training: masked-autoencoder pretraining, then fine-tuning of the segmenter.
//!
//! Each run has a folder with `run.json` (its options), `metrics.jsonl`, `events.out.tfevents.*` (the same
//! metrics for `TensorBoard`), `panels/*.png`, and `checkpoint/`, a weight folder (f32; the averaged
//! parameters if the run averages) with the optimiser's state. Depending on the options there are also
//! `best/` and `kept/step-*/`, which are weight folders too, and `features/` of a frozen encoder. The same
//! command continues an interrupted run.
//!
//! Each weight folder has a `manifest.json` with digests that reveal damage. Other people's files in a run's
//! folder are left alone.

mod adamw;
mod average;
mod batches;
mod centres;
mod checkpoint;
mod claim;
mod contrast;
mod durable;
mod error;
mod event;
mod finetune;
mod gradients;
mod history;
mod kept;
pub mod loss;
mod manifest;
pub mod matcher;
mod optimizer;
mod options;
mod panel;
mod passes;
mod peers;
pub mod points;
mod precision;
mod pretrain;
pub mod schedule;
mod stored;
mod task;
mod tensorboard;

pub use checkpoint::RunFolder;
pub use contrast::contrast;
pub use error::TrainError;
pub use event::{Step, TrainEvent};
pub use finetune::{ValidationSet, finetune};
pub use history::{Run, differences};
pub use manifest::RunManifest;
pub use optimizer::{AdamWOptions, Optimizer, adamw};
pub use options::{
    ContrastOptions, FinetuneOptions, ModelSize, PassOptions, PretrainOptions, StepOptions, Tune,
};
pub use panel::reconstruction_panel;
pub use peers::{Alone, Peers, in_turn};
pub use precision::Precision;
pub use pretrain::pretrain;
