//! What `run.json` tells of a run besides its options.

use std::collections::BTreeMap;
use std::env;

use serde::Serialize;

/// All that a run was asked for.
#[derive(Debug, Serialize)]
pub(super) struct Asked<'a, O> {
    #[serde(flatten)]
    options: &'a O,
    /// Fingerprints of what is learned from: a run goes on with the same data only.
    data: BTreeMap<&'static str, String>,
    /// The words of the command line.
    command: Vec<String>,
}

impl<'a, O: Serialize> Asked<'a, O> {
    pub(super) fn new<const N: usize>(options: &'a O, data: [(&'static str, String); N]) -> Self {
        let words = env::args_os().map(|word| word.to_string_lossy().into_owned());
        Self { options, data: data.into(), command: words.collect() }
    }
}
