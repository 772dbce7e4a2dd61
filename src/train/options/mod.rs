//! What a training run is asked for: each option is a flag of the command line, a key of `run.json` and a
//! field at once.

mod contrast;
mod finetune;
mod model;
mod passes;
mod pretrain;
mod steps;

pub use contrast::ContrastOptions;
pub use finetune::{FinetuneOptions, Tune};
pub use model::ModelSize;
pub use passes::PassOptions;
pub use pretrain::PretrainOptions;
pub use steps::StepOptions;
