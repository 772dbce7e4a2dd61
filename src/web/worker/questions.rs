//! Questions about the photo after it was segmented.

use crate::engine::{Encoded, Engine, EngineError};
use crate::instance::Instance;
use crate::prompt::Prompt;

/// An encoded photo, and the last answer about it.
pub(super) struct Questions {
    encoded: Encoded,
    last: Option<Answered>,
}

struct Answered {
    prompt: Prompt,
    at_most: usize,
    instances: Vec<Instance>,
}

impl Questions {
    pub(super) const fn new(encoded: Encoded) -> Self {
        Self { encoded, last: None }
    }

    /// Returns the masks that may be meant, the likeliest first; at least `at_most` of them, if there are as
    /// many. A repeated question is not computed again.
    ///
    /// # Errors
    /// The errors of [`Engine::find_at`].
    pub(super) async fn ask(
        &mut self,
        engine: &Engine,
        prompt: Prompt,
        at_most: usize,
    ) -> Result<&[Instance], EngineError> {
        let known = self.last.take().filter(|last| last.prompt == prompt && last.at_most >= at_most);
        let answered = match known {
            Some(answered) => answered,
            None => {
                let instances = engine.find_at(&self.encoded, &prompt, at_most).await?;
                Answered { prompt, at_most, instances }
            }
        };
        Ok(&self.last.insert(answered).instances)
    }
}
