//! The numbered labels of objects in all photos.

/// The model's labels, followed by those that objects were given since.
#[derive(Debug)]
pub(super) struct Labels(Vec<String>);

impl Labels {
    pub(super) fn new(labels: &[String]) -> Self {
        Self(labels.to_vec())
    }

    /// Returns the index of a label; a new one is appended.
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
