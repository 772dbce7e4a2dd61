//! Turns errors of the library into sentences that the page has in every language.

use std::fmt::Display;

use super::web_folder::NO_REPOSITORY;
use crate::engine::EngineError;
use crate::export::{ExportError, MAX_WEBP_SIDE};
use crate::image::{ImageError, ImageNote};
use crate::web::place::Place;
use crate::web::protocol::{Backend, Failure, FailureKind, Sentence};
use crate::weights::{SourceError, WeightsError};

/// Returns why a model could not be opened; `hub` is the address of the Hub.
pub(super) fn not_opened(asked: &Place, hub: &str, error: SourceError) -> Failure {
    weights(of_source(asked, hub, error))
}

/// Returns why the model at `place` could not be loaded.
pub(super) fn not_loaded(asked: &Place, place: &Place, hub: &str, error: EngineError) -> Failure {
    let title = place.title();
    weights(match error {
        EngineError::NotASegmenter => {
            Sentence::OnlyEncoder { weights: place.query().unwrap_or_else(|| title.clone()), title }
        }
        EngineError::NotAnAutoencoder => Sentence::NoDecoder { title },
        EngineError::Weights(WeightsError::Source(error)) => of_source(asked, hub, error),
        EngineError::Weights(WeightsError::Damaged { file, .. }) => Sentence::ModelDamaged { file },
        error @ (EngineError::Weights(WeightsError::NoMemory(_)) | EngineError::NoMemory { .. }) => {
            Sentence::ModelTooLarge { reason: detail(&error) }
        }
        error => Sentence::ModelUnusable { reason: detail(&error) },
    })
}

fn of_source(asked: &Place, hub: &str, error: SourceError) -> Sentence {
    let name = match asked {
        Place::Hub(name) | Place::SiteOrHub(name) => Some(name),
        Place::Site(_) | Place::Suited | Place::Device(_) => None,
    };
    match error {
        SourceError::NotFound { file, place } => Sentence::ModelIncomplete { place, file },
        SourceError::Forbidden { place, reason, .. } => match (name, asked) {
            (None, _) => Sentence::SiteLocked { place },
            (Some(name), _) if reason != NO_REPOSITORY => Sentence::ModelLocked { page: name.page_at(hub) },
            (Some(_), Place::SiteOrHub(_)) => Sentence::ModelNowhere { place },
            (Some(_), _) => Sentence::ModelUnknown { place },
        },
        SourceError::Unavailable { file, place, reason } => match asked {
            Place::Device(_) => Sentence::ModelGone { place, file, reason: detail(&reason) },
            _ => Sentence::ModelUnreachable { place, reason: detail(&reason) },
        },
    }
}

const fn weights(sentence: Sentence) -> Failure {
    Failure::new(FailureKind::Weights, sentence)
}

/// Returns why a photo cannot be used.
pub(super) fn photo_failure(name: &str, error: ImageError) -> Failure {
    let name = name.to_owned();
    let sentence = match error {
        ImageError::Empty => Sentence::PhotoEmpty { name },
        ImageError::UnknownFormat => Sentence::PhotoUnknown { name },
        ImageError::ForeignFormat { content } => Sentence::PhotoForeign { name, content: content.to_owned() },
        ImageError::TooLarge { width, height, most } => {
            let pixels = u64::from(width) * u64::from(height);
            let (megapixels, most) = (pixels.div_ceil(1_000_000), most / 1_000_000);
            Sentence::PhotoTooLarge { name, megapixels, most }
        }
        ImageError::NoMemory { .. } => Sentence::PhotoNoRoom { name },
        ImageError::Truncated { .. } => Sentence::PhotoCutOff { name },
        ImageError::Unsupported { format, reason } => {
            Sentence::PhotoUnsupported { name, format: format.to_owned(), reason }
        }
        ImageError::Corrupt { reason, .. } => Sentence::PhotoDamaged { name, reason },
        ImageError::DecoderFailed { reason, .. } => Sentence::PhotoFailed { name, reason },
        error @ ImageError::WrongLength { .. } => Sentence::PhotoFailed { name, reason: detail(&error) },
    };
    Failure::new(FailureKind::Photo, sentence)
}

/// Returns why the photo for the background cannot be used.
pub(super) fn backdrop_failure(error: &ImageError) -> Failure {
    Failure::new(FailureKind::Photo, Sentence::BackdropUnusable { reason: detail(error) })
}

/// Returns the sentence for a flaw of a photo.
pub(super) fn note(note: ImageNote) -> Sentence {
    match note {
        ImageNote::NoEndMarker => Sentence::NoteNoEnd,
        ImageNote::ProfileIgnored { reason } => Sentence::NoteColours { reason },
    }
}

/// Returns why a file could not be made.
pub(super) fn not_made(error: &ExportError) -> Failure {
    let sentence = match error {
        ExportError::NoPixels => Sentence::FileNoPixels,
        ExportError::NoBackdrop => Sentence::FileNoBackdrop,
        ExportError::TooLargeForWebP { .. } => Sentence::FileTooLarge { most: MAX_WEBP_SIDE },
        error => Sentence::FileFailed { reason: detail(error) },
    };
    Failure::new(FailureKind::Internal, sentence)
}

/// Returns why a photo could not be added to a file of many.
pub(super) fn not_made_of(name: &str, error: &ExportError) -> Failure {
    let sentence = Sentence::FileFailedOf { name: name.to_owned(), reason: detail(error) };
    Failure::new(FailureKind::Internal, sentence)
}

/// Returns why the engine has no result.
pub(super) fn not_computed(backend: Backend, error: &EngineError) -> Failure {
    let kind = match backend {
        Backend::WebGpu => FailureKind::Gpu,
        Backend::Cpu => FailureKind::Internal,
    };
    let reason = match error {
        EngineError::Failed(reason) => detail(reason),
        error => detail(error),
    };
    Failure::new(kind, Sentence::ComputingFailed { reason })
}

/// Returns that no model is loaded yet.
pub(super) const fn no_model() -> Failure {
    Failure::new(FailureKind::Internal, Sentence::NoModelYet)
}

/// Returns that no photo is segmented yet.
pub(super) const fn nothing_segmented() -> Failure {
    Failure::new(FailureKind::Internal, Sentence::NoResultYet)
}

/// Returns the library's message, to be embedded in one of the page's.
fn detail(error: &impl Display) -> String {
    error.to_string().replace('`', "").trim_end_matches('.').to_owned()
}
