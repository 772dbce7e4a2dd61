//! Why a model was not loaded, as a sentence with a way on.

use std::fmt::Display;

use crate::engine::EngineError;
use crate::web::place::Place;
use crate::web::protocol::{Failure, FailureKind};
use crate::weights::{SourceError, WeightsError};

/// Why `place` could not even be opened.
pub(super) fn not_opened(asked: &Place, error: &SourceError) -> Failure {
    let neither = matches!((asked, error), (Place::SiteOrHub(_), SourceError::Forbidden { .. }));
    let more = if neither { "; nor is there such a folder on this site" } else { "" };
    match error {
        SourceError::Forbidden { place, reason, .. } => {
            weights(format!("access to {place} is refused: {reason}{more}"))
        }
        error => weights(error),
    }
}

/// Why the model at `place` was not loaded.
pub(super) fn not_loaded(asked: &Place, place: &Place, error: &EngineError) -> Failure {
    let title = place.title();
    let named = place.query().unwrap_or_else(|| title.clone());
    match error {
        EngineError::NotASegmenter => weights(format!(
            "the model {title} is an encoder to fine-tune from: it finds no objects by itself. Train a mask head on it with \
             `mae-seg finetune --encoder {named}`, and open the result here"
        )),
        EngineError::NotAnAutoencoder => weights(format!(
            "the model {title} has no decoder to draw with. Name a masked autoencoder, such as facebook/vit-mae-base"
        )),
        EngineError::Weights(WeightsError::Source(error)) => not_opened(asked, error),
        error => weights(error),
    }
}

fn weights(error: impl Display) -> Failure {
    Failure::new(FailureKind::Weights, sentence(&error.to_string()))
}

/// The error with a capital letter and a full stop.
pub(super) fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}
