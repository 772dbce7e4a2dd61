//! The messages between page and worker: plain data, compiled and tested on the host too.
//!
//! Large buffers (photo files, pixels, mask runs) are not part of these types: they accompany the message as
//! transferred `ArrayBuffer`s, and each variant documents which ones.

mod collect;
mod failure;
mod found;
mod model;
mod progress;
mod redraw;

pub use super::sentence::Sentence;
pub use collect::CollectStep;
pub use failure::{Failure, FailureKind};
pub use found::{Found, Presence};
pub use model::{Backend, BackendChoice, Fallback, ModelInfo};
pub use progress::Progress;
pub use redraw::{Drawn, Hiding, MOST_PERCENT, RedrawModel, RedrawReply, RedrawRequest, Sampling, Wish};

use serde::{Deserialize, Serialize};

use super::document::Edit;
use super::export::Export;
use super::gallery::PhotoKey;
use super::place::Place;
use crate::prompt::Prompt;

/// Incremented with every change of these types. A page whose worker has another version asks to be reloaded.
pub const PROTOCOL_VERSION: u32 = 9;

/// Instances below this score are never shown, so they are not computed.
pub const LOWEST_SCORE: f32 = 0.02;

/// Number of runs of a measurement.
pub const RUNS: usize = 5;

/// Identifies a request; its replies carry the same number, by which late ones are told from current ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Number of columns.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

impl Size {
    /// Returns the number of pixels.
    #[must_use]
    pub const fn area(self) -> usize {
        self.width * self.height
    }
}

/// How to search for the objects of a photo. Objects asked for or edited by hand stay in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Look {
    /// Not at all if they are known.
    IfUnknown,
    /// Again.
    Again,
    /// Again, and also in overlapping parts of the photo, for small objects.
    Closely,
}

/// A message from page to worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Choose a backend, fetch the weights and load them; a model loaded before is used until then, and stays
    /// if this fails. Files: those of the folder, for [`Place::Device`].
    Load {
        /// Answered by [`Reply::Loaded`] or [`Reply::Failed`].
        id: RequestId,
        /// Where the weights are.
        place: Place,
        /// Address of the Hub or its mirror.
        hub: String,
        /// The requested backend.
        backend: BackendChoice,
    },
    /// Show a photo: find its objects, or, if they are known, restore them. Buffers: the photo's file, and
    /// its objects from [`Reply::Known`], if any.
    Segment {
        /// Answered by [`Reply::Decoded`], then [`Reply::Segmented`]; or [`Reply::Failed`].
        id: RequestId,
        /// The photo.
        key: PhotoKey,
        /// The photo's file name, after which exports are named.
        name: String,
        /// How to look for objects.
        look: Look,
    },
    /// Find the objects of a photo that is not shown. Buffers: the photo's file.
    Find {
        /// Answered by [`Reply::FoundIn`] or [`Reply::Failed`].
        id: RequestId,
        /// The photo.
        key: PhotoKey,
        /// The photo's file name.
        name: String,
    },
    /// Forget the objects of these photos.
    Forget {
        /// Not answered.
        id: RequestId,
        /// The photos.
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
        /// The picked instances.
        selected: Vec<usize>,
        /// The prompt at the pointer: what a click there would find is shown, too.
        pointed: Option<Prompt>,
    },
    /// Find the object at a prompt; it becomes the last instance.
    Ask {
        /// Answered by [`Reply::Asked`] or [`Reply::Failed`].
        id: RequestId,
        /// The prompt.
        prompt: Prompt,
        /// An existing instance; masks similar to its own are not answers.
        unlike: Option<usize>,
        /// Index of the wanted answer, from the likeliest on; after the last comes the first again.
        choice: usize,
        /// Whether the answer replaces the last instance.
        replaces: bool,
    },
    /// Remove the last instance, which was asked for.
    Withdraw {
        /// Not answered.
        id: RequestId,
    },
    /// Change instances.
    Edit {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
        /// The edit.
        edit: Edit,
    },
    /// Undo the last edit.
    Undo {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
    },
    /// Redo the edit undone last.
    Redo {
        /// Answered by [`Reply::Edited`].
        id: RequestId,
    },
    /// Export a file of the result. Buffers: the file of the photo behind the objects, if any.
    Export {
        /// Answered by [`Reply::Exported`] or [`Reply::Failed`].
        id: RequestId,
        /// What to export.
        export: Export,
    },
    /// Continue a file of many photos. Buffers, if a photo is added: its file, and its objects from
    /// [`Reply::Known`].
    Collect {
        /// Answered by [`Reply::Collected`] or [`Reply::Failed`].
        id: RequestId,
        /// The step.
        step: CollectStep,
    },
    /// Compute a photo's logits, for comparing devices; the page does not use it. Buffers: the photo's file.
    Logits {
        /// Answered by [`Reply::Logits`] or [`Reply::Failed`].
        id: RequestId,
    },
    /// Hide parts of the photo and draw them again.
    Redraw {
        /// Answered by [`Reply::Redraw`], [`Reply::Exported`] or [`Reply::Failed`].
        id: RequestId,
        /// The request in detail; it documents the accompanying files.
        request: RedrawRequest,
    },
    /// Find the objects of a photo [`RUNS`] times, and once before. Buffers: the photo's file.
    Measure {
        /// Answered by [`Reply::Measured`] after each run, or [`Reply::Failed`].
        id: RequestId,
    },
    /// Help the first worker with photos from now on; only to a second worker.
    Help {
        /// Not answered; ended by [`Reply::Failed`] if there is no model that two can share.
        id: RequestId,
    },
    /// Numbers for a second worker, while it helps. Buffers: the numbers, 32-bit floats.
    Swap {
        /// Answered by [`Reply::Swapped`].
        id: RequestId,
    },
    /// Remove all weight files kept in this browser.
    ForgetWeights {
        /// Answered by [`Reply::WeightsForgotten`].
        id: RequestId,
    },
}

/// A message from worker to page, or from a second worker to the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The worker's program is being downloaded; sent by its loader before the worker runs.
    Starting {
        /// Bytes received so far, unpacked.
        done_bytes: u64,
        /// Total bytes.
        total_bytes: u64,
    },
    /// The worker is running: its first message, before which nothing may be sent to it.
    Ready {
        /// [`PROTOCOL_VERSION`] of the worker.
        protocol_version: u32,
    },
    /// Progress of a request.
    Progress {
        /// The request.
        id: RequestId,
        /// The progress.
        progress: Progress,
    },
    /// The model is ready.
    Loaded {
        /// The [`Request::Load`] answered.
        id: RequestId,
        /// The model, and where it runs.
        model: ModelInfo,
    },
    /// The photo was decoded. Buffers: its RGBA pixels at `view` size.
    Decoded {
        /// The [`Request::Segment`] answered.
        id: RequestId,
        /// The photo's own size, upright.
        photo: Size,
        /// The size at which it is shown: its own, unless a canvas could not hold that.
        view: Size,
        /// Notes on flaws of its file.
        notes: Vec<Sentence>,
    },
    /// The photo's objects, best first. Buffers: the COCO runs of all masks, one after another, as 32-bit
    /// numbers.
    Segmented {
        /// The [`Request::Segment`] answered.
        id: RequestId,
        /// The objects.
        instances: Vec<Found>,
        /// Time from pixels to masks in milliseconds.
        elapsed_ms: f64,
    },
    /// The objects of a photo that is not shown were found.
    FoundIn {
        /// The [`Request::Find`] answered.
        id: RequestId,
        /// Their scores.
        scores: Vec<f32>,
    },
    /// The known objects of a photo, sent unasked after every change and before another photo is shown.
    /// Buffers: the document from [`Document::to_bytes`](super::document::Document::to_bytes).
    Known {
        /// The photo.
        key: PhotoKey,
    },
    /// A thumbnail of a photo, sent unasked. Buffers: a PNG.
    Small {
        /// The photo.
        key: PhotoKey,
    },
    /// The object that was asked for. Buffers: the COCO runs of its mask, as 32-bit numbers.
    Asked {
        /// The [`Request::Ask`] answered.
        id: RequestId,
        /// The object.
        instance: Found,
        /// Number of answers.
        choices: usize,
        /// Time from the request to the masks in milliseconds.
        elapsed_ms: f64,
    },
    /// What changed after an edit, an undo or a redo; empty if nothing did. Buffers: the COCO runs of the
    /// masks of `instances`, one after another, as 32-bit numbers.
    Edited {
        /// The request answered.
        id: RequestId,
        /// Places of the instances that changed.
        places: Vec<usize>,
        /// The instances that are there now.
        instances: Vec<Found>,
        /// Number of places.
        count: usize,
    },
    /// The overlay. Buffers: its RGBA pixels, at the resolution that fits the photo's.
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
        /// Name of the file.
        file_name: String,
        /// Its media type.
        mime: String,
    },
    /// A step towards a file of many photos is done. Buffers: the next part of the file.
    Collected {
        /// The [`Request::Collect`] answered.
        id: RequestId,
        /// Name of the file, if this is its last part.
        file_name: Option<String>,
    },
    /// The model's logits. Buffers: class logits, then mask logits, as 32-bit floats in row-major order.
    Logits {
        /// The [`Request::Logits`] answered.
        id: RequestId,
    },
    /// The reply to a request about hidden parts of the photo.
    Redraw {
        /// The [`Request::Redraw`] answered.
        id: RequestId,
        /// The reply in detail; it documents the accompanying buffers.
        reply: RedrawReply,
    },
    /// Runs of a measurement are done.
    Measured {
        /// The [`Request::Measure`] answered.
        id: RequestId,
        /// Duration of each, from pixels to masks, in milliseconds.
        times_ms: Vec<f64>,
        /// Number of workers that computed.
        workers: usize,
    },
    /// Numbers for the first worker, which encodes a photo together with this one. Buffers: the numbers,
    /// 32-bit floats.
    Swapped,
    /// No weight file is kept in this browser any more.
    WeightsForgotten {
        /// The [`Request::ForgetWeights`] answered.
        id: RequestId,
    },
    /// The request failed; the worker continues.
    Failed {
        /// The request answered.
        id: RequestId,
        /// The reason, and what to do.
        failure: Failure,
    },
    /// The worker's last message: it will not answer again.
    Crashed {
        /// Place and reason, for a bug report.
        message: String,
    },
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
