//! Failures, and whose fault they are.

use serde::{Deserialize, Serialize};

use super::Sentence;

/// Whose fault a failure is, which decides how to continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// The photo cannot be used: choose another.
    Photo,
    /// The weights could not be fetched or read: try again, or choose other weights.
    Weights,
    /// What was named or opened is not a model: choose another.
    Choice,
    /// The GPU failed: the CPU takes over.
    Gpu,
    /// The worker stopped: restart it.
    Crashed,
    /// Page and worker are of different versions: reload the page.
    Outdated,
    /// Our own fault: try again.
    Internal,
}

/// A failure, with a sentence that says how to continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whose fault it is.
    pub kind: FailureKind,
    /// The sentence.
    pub sentence: Sentence,
}

impl Failure {
    /// Creates a failure of `kind`, explained by `sentence`.
    #[must_use]
    pub const fn new(kind: FailureKind, sentence: Sentence) -> Self {
        Self { kind, sentence }
    }
}
