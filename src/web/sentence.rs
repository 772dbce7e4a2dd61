//! The sentences that state and worker have to say, independent of the language, which has a text for each.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Declares the sentences, and lists them for the test that looks for their texts.
macro_rules! sentences {
    ($($name:ident $({ $($parameter:ident: $kind:ty),+ })?,)*) => {
        /// A sentence. Its texts in `locales/` have the variant's name in kebab case as key, and the
        /// variant's fields as arguments.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[expect(missing_docs, reason = "the texts say what is meant")]
        pub enum Sentence {
            $($name $({ $($parameter: $kind),+ })?,)*
        }

        #[cfg(test)]
        impl Sentence {
            /// Names of all variants and of their fields.
            pub(crate) const ALL: &[(&str, &[&str])] =
                &[$((stringify!($name), &[$($(stringify!($parameter)),+)?])),*];
        }
    };
}

sentences! {
    // Photos that cannot be used, by the name of their file.
    PhotoEmpty { name: String },
    PhotoUnknown { name: String },
    PhotoForeign { name: String, content: String },
    PhotoTooLarge { name: String, megapixels: u64, most: u64 },
    PhotoNoRoom { name: String },
    PhotoCutOff { name: String },
    PhotoUnsupported { name: String, format: String, reason: String },
    PhotoDamaged { name: String, reason: String },
    PhotoFailed { name: String, reason: String },
    PhotoFileTooLarge { name: String },
    PhotoGone { name: String },
    PhotoCrashed,
    PhotoUnusable,
    BackdropUnusable { reason: String },
    BackdropGone,
    // Flaws of photos that can be used all the same.
    NoteNoEnd,
    NoteColours { reason: String },
    NoteForgotten,
    // What was dropped, pasted or picked.
    DropFailed { reason: String },
    NoPhotoThere,
    ImageRefused,
    SampleFailed,
    MeasureFailed,
    SharedMissing,
    NeitherPhotosNorModel { name: String },
    ManyModels { count: usize, index: String },
    LeftOutTooLarge { count: usize, names: String },
    LeftOutNoPhotos { count: usize, names: String },
    // What is kept for the next visit.
    KeptElsewhere,
    NoRoomToKeep,
    EarlierUnreadable,
    EarlierMissing { count: usize },
    // Clicks and edits.
    ClickFirst,
    StillAnswering,
    NothingChanged,
    NoOtherMask,
    NoObjectHere,
    // Files.
    Making,
    MakingOfPhotos { at: usize, count: usize },
    Saved { name: String },
    LeftOut,
    Copied,
    Shared,
    NotCopied { reason: String },
    NotShared { reason: String },
    FileNoPixels,
    FileNoBackdrop,
    FileTooLarge { most: u32 },
    FileFailed { reason: String },
    FileFailedOf { name: String, reason: String },
    FileUnknown { name: String },
    // Models.
    NoModelName { name: String },
    NoModelNameSoOurs { name: String },
    ModelIncomplete { place: String, file: String },
    ModelLocked { page: String },
    ModelUnknown { place: String },
    ModelNowhere { place: String },
    SiteLocked { place: String },
    ModelGone { place: String, file: String, reason: String },
    ModelUnreachable { place: String, reason: String },
    ModelDamaged { file: String },
    ModelTooLarge { reason: String },
    ModelUnusable { reason: String },
    OnlyEncoder { title: String, weights: String },
    NoDecoder { title: String },
    // Our own state.
    NoModelYet,
    NoResultYet,
    NoDrawingModel,
    ComputingFailed { reason: String },
    Updated,
    Crashed { reason: String },
    OutOfMemory,
}

impl Sentence {
    /// Returns the key of its text, and the arguments: texts and numbers.
    #[must_use]
    pub fn parts(&self) -> (String, Vec<(String, Value)>) {
        match serde_json::to_value(self) {
            Ok(Value::String(key)) => (key, Vec::new()),
            Ok(Value::Object(tagged)) => {
                tagged.into_iter().next().map_or_else(Default::default, |(key, fields)| {
                    let Value::Object(fields) = fields else { return (key, Vec::new()) };
                    (key, fields.into_iter().collect())
                })
            }
            _ => Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_its_key_and_what_fills_it() {
        assert_eq!(Sentence::NothingChanged.parts(), ("nothing-changed".into(), Vec::new()));
        let (key, filled) = Sentence::MakingOfPhotos { at: 2, count: 3 }.parts();
        assert_eq!(key, "making-of-photos");
        assert_eq!(filled, [("at".to_owned(), 2.into()), ("count".to_owned(), 3.into())]);
        let name = Sentence::Saved { name: "a.png".into() };
        assert_eq!(name.parts(), ("saved".into(), vec![("name".to_owned(), "a.png".into())]));
    }
}
