//! The options that the training verbs share, and the manifest that they write to `run.json`.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, CommandFactory as _};

use super::recipe;
use crate::cli::{Cli, wrong_usage};
use crate::engine::DeviceChoice;
use crate::text::counted;
use crate::train::{RunManifest, StepOptions};

#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// Output folder of the run, with checkpoint, metrics.jsonl and panels.
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    pub(in crate::cli) out: PathBuf,
    /// TOML file with options in a table named after this command; explicit flags override it.
    #[arg(long, value_name = "TOML", value_parser = recipe::existing, help_heading = "Run")]
    recipe: Option<PathBuf>,
    /// Device to compute on.
    #[arg(long, value_enum, default_value_t, help_heading = "Run")]
    pub(in crate::cli) device: DeviceChoice,
    /// Print progress as plain lines instead of charts in the terminal.
    #[arg(long = "no-tui", help_heading = "Run")]
    pub(in crate::cli) plain: bool,
}

/// Returns the manifest of a run with `options`; `photos` is a fingerprint.
pub(in crate::cli) fn manifest<O>(options: O, photos: String) -> RunManifest<O> {
    let command: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let verb = command.get(1).cloned().unwrap_or_default();
    let flags = recipe::resolved(env::args_os().collect(), &Cli::command());
    RunManifest { verb, command, flags, ..RunManifest::new(options) }.with("photos", Some(photos))
}

/// Rejects a batch that cannot be split into equal micro-batches, before any file is opened.
pub(in crate::cli) fn check_parts(steps: &StepOptions) -> Result<()> {
    let StepOptions { batch_size, accumulate, .. } = *steps;
    if batch_size.is_multiple_of(accumulate) {
        return Ok(());
    }
    let photos = counted(batch_size, "photo");
    Err(wrong_usage(format!(
        "a batch of {photos} cannot be split into --grad-accumulation {accumulate} equal parts; choose a multiple"
    )))
}
