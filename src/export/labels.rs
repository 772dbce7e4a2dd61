//! What objects are called in all photos, numbered.

/// The model's labels, and behind them those that objects were given since.
#[derive(Debug)]
pub(super) struct Labels(Vec<String>);

impl Labels {
    pub(super) fn new(labels: &[String]) -> Self {
        Self(labels.to_vec())
    }

    /// The number of a label, from 0; a new one is the last.
    pub(super) fn index(&mut self, label: &str) -> usize {
        self.0.iter().position(|known| known == label).unwrap_or_else(|| {
            self.0.push(label.to_owned());
            self.0.len() - 1
        })
    }

    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}
