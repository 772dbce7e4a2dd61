//! What went wrong, and whose fault it is.

use serde::{Deserialize, Serialize};

use super::Sentence;

/// Whose fault a failure is, which decides the way on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The photo cannot be used: choose another.
    Photo,
    /// The weights could not be fetched or read: try again, or choose other weights.
    Weights,
    /// What was named or opened is no model: choose another.
    Choice,
    /// The graphics processor failed: the CPU takes over.
    Gpu,
    /// The worker stopped: restart it.
    Crashed,
    /// Page and worker are of different versions: reload the page.
    Outdated,
    /// Something of ours: try again.
    Internal,
}

/// A failure, as a sentence with a way on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// What the page says.
    pub sentence: Sentence,
}

impl Failure {
    /// A failure of `kind`, explained by `sentence`.
    #[must_use]
    pub const fn new(kind: FailureKind, sentence: Sentence) -> Self {
        Self { kind, sentence }
    }
}
