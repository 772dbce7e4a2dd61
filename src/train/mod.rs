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

mod contrast;
mod distributed;
mod epochs;
mod error;
mod finetune;
pub mod loss;
mod optim;
mod options;
mod pretrain;
mod run;
mod trainer;

pub use contrast::contrast;
pub use distributed::{Alone, Peers, in_turn};
pub use error::TrainError;
pub use finetune::{ValidationSet, finetune};
pub use loss::{matcher, point_sampling as points};
pub use optim::{AdamWOptions, Optimizer, Precision, adamw, schedule};
pub use options::{
    ContrastOptions, FinetuneOptions, ModelSize, PassOptions, PretrainOptions, StepOptions, Tune,
};
pub use pretrain::pretrain;
pub use run::{Run, RunFolder, RunManifest, Step, TrainEvent, differences, reconstruction_panel};
