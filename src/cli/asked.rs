//! What `run.json` tells of a run besides its options.

use std::collections::BTreeMap;
use std::env;

use clap::CommandFactory as _;
use serde::Serialize;

use super::{Cli, recipe};

/// All that a run was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Asked<'a, O> {
    #[serde(flatten)]
    options: &'a O,
    /// What is learned from, by fingerprints or names: a run goes on with the same only.
    data: BTreeMap<&'static str, String>,
    /// The verb, such as `finetune`.
    verb: String,
    /// The words of the command line.
    command: Vec<String>,
    /// What all flags stood at, given, of a recipe or by default.
    flags: BTreeMap<String, String>,
}

impl<'a, O: Serialize> Asked<'a, O> {
    /// `photos` is a fingerprint.
    pub(super) fn new(options: &'a O, photos: String) -> Self {
        let command: Vec<String> = env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
        let data = BTreeMap::from([("photos", photos)]);
        let flags = recipe::resolved(env::args_os().collect(), &Cli::command());
        Self { options, data, verb: command.get(1).cloned().unwrap_or_default(), command, flags }
    }

    /// The same, which learns from `value` besides.
    pub(super) fn with(mut self, name: &'static str, value: Option<String>) -> Self {
        self.data.extend(value.map(|value| (name, value)));
        self
    }
}
