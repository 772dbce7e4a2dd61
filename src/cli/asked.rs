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
    /// `photos` and `teacher` are fingerprints.
    pub(super) fn new(options: &'a O, photos: String, teacher: Option<String>) -> Self {
        let words = env::args_os().map(|word| word.to_string_lossy().into_owned());
        let teacher = teacher.map(|features| ("teacher features", features));
        let data = [("photos", photos)].into_iter().chain(teacher).collect();
        Self { options, data, command: words.collect() }
    }
}
