//! What `pretrain` and `finetune` ask about their steps alike.

use std::path::PathBuf;

use clap::Args;

use crate::train::StepOptions;

#[derive(Debug, Args)]
pub(super) struct StepsArg {
    /// TOML file with a table for this verb, its flags as keys; flags given here replace the file's
    #[arg(long, value_name = "TOML", value_parser = super::recipe::existing)]
    recipe: Option<PathBuf>,
    /// Parts a step's photos go through the model in, for the same training in less memory
    #[arg(long, default_value_t = 1, value_parser = super::at_least_one, value_name = "PARTS")]
    accumulate: usize,
    /// Scale gradients down to this norm where they are larger
    #[arg(long, value_name = "NORM")]
    clip_norm: Option<f64>,
    /// Decay of weights
    #[arg(long, default_value_t = 0.05)]
    weight_decay: f32,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Steps between checkpoints
    #[arg(long, default_value_t = 200, value_parser = super::at_least_one)]
    save_every: usize,
    /// Steps between panels of what the model makes of its photos
    #[arg(long, default_value_t = 200, value_parser = super::at_least_one)]
    panel_every: usize,
    /// Keep the weights of this many of the latest checkpoints, in kept/ of the run
    #[arg(long, default_value_t = 0, value_name = "CHECKPOINTS")]
    keep: usize,
}

impl StepsArg {
    pub(super) fn options(&self, batch_size: usize, average_decay: f64) -> StepOptions {
        StepOptions {
            batch_size,
            accumulate: self.accumulate,
            clip_norm: self.clip_norm,
            weight_decay: self.weight_decay,
            average_decay,
            seed: self.seed,
            save_every: self.save_every,
            panel_every: self.panel_every,
            keep: self.keep,
        }
    }
}
