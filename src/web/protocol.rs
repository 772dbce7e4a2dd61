//! The messages between page and worker: plain data, compiled and tested on the host too.
//!
//! Large buffers (photo files, pixels, mask runs) are not part of these types: they travel beside the message as
//! transferred `ArrayBuffer`s, and each variant says which ones it carries.

mod collect;
mod failure;
mod found;
mod model;
mod redraw;
mod sentence;

pub use collect::CollectStep;
pub use failure::{Failure, FailureKind};
pub use found::{Found, Presence};
pub use model::{Backend, BackendChoice, Fallback, ModelInfo};
pub use redraw::{Drawn, Hiding, MOST_PERCENT, RedrawModel, RedrawReply, RedrawRequest, Sampling, Wish};
pub use sentence::Sentence;

use serde::{Deserialize, Serialize};

use super::document::Edit;
use super::export::Export;
use super::gallery::PhotoKey;
use super::place::Place;
use crate::prompt::Prompt;

/// Raised with every change of these types. A page that meets a worker of another version asks to be reloaded.
pub const PROTOCOL_VERSION: u32 = 9;

/// Instances below this score are never shown, so they are not computed.
pub const LOWEST_SCORE: f32 = 0.02;

/// Runs of a measurement.
pub const RUNS: usize = 5;

/// Names one request; its replies carry the same number, which is how late ones are told from current ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Pixels from left to right.
    pub width: usize,
    /// Pixels from top to bottom.
    pub height: usize,
}

impl Size {
    /// Number of pixels.
    #[must_use]
    pub const fn area(self) -> usize {
        self.width * self.height
    }
}

/// How the objects of a photo are looked for. What was asked for or edited by hand stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Not at all, where they are known.
    IfUnknown,
    /// Again.
    Again,
    /// Again, and in overlapping parts of the photo for what is small.
    Closely,
}

/// From page to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Pick a backend, fetch the weights and get ready; a model loaded before serves until then, and goes on where this
    /// fails. Files: those of the folder, for [`Place::Device`].
    Load {
        /// Answered by [`Reply::Loaded`] or [`Reply::Failed`].
        id: RequestId,
        /// Where the weights are.
        place: Place,
        /// Address of the Hub or its mirror.
        hub: String,
        /// The backend wanted.
        backend: BackendChoice,
    },
    /// Show a photo: find its objects, or, where they are known, bring them back. Buffers: the photo's file, and what
    /// [`Reply::Known`] told of its objects, if anything.
    Segment {
        /// Answered by [`Reply::Decoded`], then [`Reply::Segmented`]; or [`Reply::Failed`].
        id: RequestId,
        /// Which photo.
        key: PhotoKey,
        /// The photo's file name, which exports are named after.
        name: String,
        /// How to look for objects.
        look: Look,
    },
    /// Find the objects of a photo that is not shown. Buffers: the photo's file.
    Find {
        /// Answered by [`Reply::FoundIn`] or [`Reply::Failed`].
        id: RequestId,
        /// Which photo.
        key: PhotoKey,
        /// The photo's file name.
        name: String,
    },
    /// Forget what is known of these photos.
    Forget {
        /// Not answered.
        id: RequestId,
        /// Which photos.
        keys: Vec<PhotoKey>,
    },
    /// Paint the overlay of the photo's instances.
    Paint {
        /// Answered by [`Reply::Painted`].
        id: RequestId,
        /// Instances with a lower score stay hidden.
        threshold: f32,
        /// The instance under the pointer.
        hovered: Option<usize>,
        /// The instances that were picked.
        selected: Vec<usize>,
        /// Where the pointer is: what a click there would find is shown, too.
        pointed: Option<Prompt>,
    },
    /// Find the object that is pointed at; it becomes the last instance.
    Ask {
        /// Answered by [`Reply::Asked`] or [`Reply::Failed`].
        id: RequestId,
        /// What is pointed at.
        prompt: Prompt,
        /// Masks like that of this instance, which is there already, are no answers.
        unlike: Option<usize>,
        /// Which of its answers, from the likeliest one on; behind the last comes the first.
        choice: usize,
        /// Whether the answer takes the place of the last instance.
        replaces: bool,
    },
    /// Forget the last instance, which was asked for.
    Withdraw {
        /// Not answered.
        id: RequestId,
    },
    /// Change instances.
    Edit {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
        /// Which, and how.
        edit: Edit,
    },
    /// Take back the last change.
    Undo {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
    },
    /// Make again the change taken back last.
    Redo {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
    },
    /// Make a file of the result. Buffers: the file of the photo that comes behind the objects, where one does.
    Export {
        /// Answered by [`Reply::Exported`] or [`Reply::Failed`].
        id: RequestId,
        /// Which file.
        export: Export,
    },
    /// Go on with a file of many photos. Buffers, where a photo is added: its file, and what [`Reply::Known`] told of its objects.
    Collect {
        /// Answered by [`Reply::Collected`] or [`Reply::Failed`].
        id: RequestId,
        /// What is to be done.
        step: CollectStep,
    },
    /// The numbers behind a photo's masks, for comparing devices; the page does not ask. Buffers: the photo's file.
    Logits {
        /// Answered by [`Reply::Logits`] or [`Reply::Failed`].
        id: RequestId,
    },
    /// Hide parts of the photo and draw them again.
    Redraw {
        /// Answered by [`Reply::Redraw`], [`Reply::Exported`] or [`Reply::Failed`].
        id: RequestId,
        /// What is asked; it says which files come beside it.
        request: RedrawRequest,
    },
    /// Find the objects of a photo [`RUNS`] times, and once before. Buffers: the photo's file.
    Measure {
        /// Answered by [`Reply::Measured`] after each run, or [`Reply::Failed`].
        id: RequestId,
    },
    /// Remove every weight file kept in this browser.
    ForgetWeights {
        /// Answered by [`Reply::WeightsForgotten`].
        id: RequestId,
    },
}

/// From worker to page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The worker's program is on its way: what its loader says before the worker runs.
    Starting {
        /// Bytes here so far, unpacked.
        done_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    },
    /// The worker runs and listens: the first message of the worker itself, and nothing may be sent before it.
    Ready {
        /// [`PROTOCOL_VERSION`] of the worker.
        protocol_version: u32,
    },
    /// Work is going on.
    Progress {
        /// The request being worked on.
        id: RequestId,
        /// How far it is.
        progress: Progress,
    },
    /// The model is ready for photos.
    Loaded {
        /// The [`Request::Load`] answered.
        id: RequestId,
        /// What was loaded, and where it runs.
        model: ModelInfo,
    },
    /// The photo was read. Buffers: its RGBA pixels at `view` size.
    Decoded {
        /// The [`Request::Segment`] answered.
        id: RequestId,
        /// The photo's own size, turned upright.
        photo: Size,
        /// The size it is shown at: its own, unless a canvas could not hold that.
        view: Size,
        /// What was amiss with its file all the same.
        notes: Vec<Sentence>,
    },
    /// The photo's objects, best first. Buffers: the COCO runs of all masks, one after another, as 32-bit numbers.
    Segmented {
        /// The [`Request::Segment`] answered.
        id: RequestId,
        /// The objects.
        instances: Vec<Found>,
        /// Time from pixels to masks, in milliseconds.
        elapsed_ms: f64,
    },
    /// The objects of a photo that is not shown were found.
    FoundIn {
        /// The [`Request::Find`] answered.
        id: RequestId,
        /// Their scores.
        scores: Vec<f32>,
    },
    /// What is known of a photo's objects, unasked, after every change and before another photo is shown. Buffers: the document as
    /// [`Document::to_bytes`](super::document::Document::to_bytes) gives it.
    Known {
        /// Which photo.
        key: PhotoKey,
    },
    /// A small picture of a photo, unasked. Buffers: a PNG.
    Small {
        /// Which photo.
        key: PhotoKey,
    },
    /// The object that was asked for. Buffers: the COCO runs of its mask, as 32-bit numbers.
    Asked {
        /// The [`Request::Ask`] answered.
        id: RequestId,
        /// The object.
        instance: Found,
        /// How many answers there are.
        choices: usize,
        /// Time from the request to the masks, in milliseconds.
        elapsed_ms: f64,
    },
    /// What is different after an edit, an undo or a redo; nothing, where it changes nothing. Buffers: the COCO runs of the masks of
    /// `instances`, one after another, as 32-bit numbers.
    Edited {
        /// The request answered.
        id: RequestId,
        /// Places of the instances that are different.
        places: Vec<usize>,
        /// What is there now.
        instances: Vec<Found>,
        /// How many places there are.
        count: usize,
    },
    /// The overlay. Buffers: its RGBA pixels, at the size that fits the photo's.
    Painted {
        /// The [`Request::Paint`] answered.
        id: RequestId,
        /// Whether there is something to undo, and to redo.
        history: [bool; 2],
    },
    /// A file to save. Buffers: its bytes.
    Exported {
        /// The [`Request::Export`] answered.
        id: RequestId,
        /// Name to save it under.
        file_name: String,
        /// Its media type.
        mime: String,
    },
    /// A step towards a file of many photos is done. Buffers: the next part of the file.
    Collected {
        /// The [`Request::Collect`] answered.
        id: RequestId,
        /// Name to save the file under, when this is its last part.
        file_name: Option<String>,
    },
    /// The model's raw answer. Buffers: class logits, then mask logits, as 32-bit floats in row-major order.
    Logits {
        /// The [`Request::Logits`] answered.
        id: RequestId,
    },
    /// What came of parts of the photo being hidden.
    Redraw {
        /// The [`Request::Redraw`] answered.
        id: RequestId,
        /// The answer; it says which buffers come beside it.
        reply: RedrawReply,
    },
    /// Runs of a measurement are done.
    Measured {
        /// The [`Request::Measure`] answered.
        id: RequestId,
        /// How long each took, from pixels to masks, in milliseconds.
        times_ms: Vec<f64>,
    },
    /// No weight file is kept in this browser any more.
    WeightsForgotten {
        /// The [`Request::ForgetWeights`] answered.
        id: RequestId,
    },
    /// The request could not be carried out; the worker goes on.
    Failed {
        /// The request answered.
        id: RequestId,
        /// Why, and what to do.
        failure: Failure,
    },
    /// The worker's last words: it will not answer again.
    Crashed {
        /// Where and why, for a bug report.
        message: String,
    },
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// Fetching the program that computes.
    Starting {
        /// Bytes here so far, unpacked.
        done_bytes: u64,
        /// Bytes in all, where known.
        total_bytes: Option<u64>,
    },
    /// Looking for a graphics processor.
    Probing,
    /// Fetching weights.
    Downloading {
        /// Bytes here so far.
        done_bytes: u64,
        /// Bytes in all, where known.
        total_bytes: Option<u64>,
    },
    /// First run: kernels are compiled and their numbers checked.
    WarmingUp,
    /// Reading the photo.
    Decoding,
    /// Looking for objects.
    Segmenting,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip<T: Serialize + serde::de::DeserializeOwned>(message: &T) -> T {
        serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
    }

    #[test]
    fn messages_survive_serialisation() {
        let pointed = Some(Prompt::point(3, 4));
        let (id, hovered) = (RequestId(7), Some(2));
        let request = Request::Paint { id, threshold: 0.5, hovered, selected: vec![1, 4], pointed };
        assert_eq!(round_trip(&request), request);
        let found = Found { label: "cat".into(), score: 0.9, area: 12, runs: 5, ..Found::deleted() };
        let reply = Reply::Segmented { id: RequestId(1), instances: vec![found], elapsed_ms: 12.5 };
        assert_eq!(round_trip(&reply), reply);
    }
}
