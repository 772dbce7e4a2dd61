//! The effects of events: what the page has to do.

use crate::web::export::Export;
use crate::web::gallery::PhotoKey;
use crate::web::place::Place;
use crate::web::protocol::{BackendChoice, CollectStep, Look, Request, RequestId, Size};

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Saved by the browser.
    Save,
    /// Into the clipboard.
    Copy,
    /// To the device's share sheet.
    Share,
}

/// What the caller has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Stop the worker, if there is one, and start a new one.
    SpawnWorker,
    /// Send this request.
    Send(Request),
    /// Send [`Request::Segment`], with the photo's file and its kept objects.
    SendPhoto {
        /// Id of the request.
        id: RequestId,
        /// The photo.
        key: PhotoKey,
        /// How to search for objects.
        look: Look,
    },
    /// Send [`Request::Find`], with the photo's file.
    SendFind {
        /// Id of the request.
        id: RequestId,
        /// The photo.
        key: PhotoKey,
    },
    /// Remove these photos, and all that is kept of them.
    ForgetPhotos(Vec<PhotoKey>),
    /// Remove the photo shown from the page.
    HidePhoto,
    /// Keep the buffer as the photo's objects.
    KeepObjects(PhotoKey),
    /// Keep the PNG in the buffer as the photo's thumbnail.
    KeepThumbnail(PhotoKey),
    /// Tell the page's script that the model is ready, so that it may fetch what later visits need.
    AnnounceModel,
    /// Tell other tabs that the kept weights were removed.
    AnnounceWeightsGone,
    /// Send [`Request::Measure`], with a photo that is the same everywhere.
    SendMeasure(RequestId),
    /// Put the backend into the page's address.
    ShareBackend(BackendChoice),
    /// Put the model into the page's address.
    ShareModel(Place),
    /// Show the pixels in the buffer as the photo.
    ShowPhoto(Size),
    /// Keep the mask runs in the buffer, to find the instance under the pointer.
    KeepMasks,
    /// Keep the mask runs in the buffer as those of the last instance, in place of the last ones or after
    /// them.
    KeepMask {
        /// Whether the last ones are replaced.
        replaces: bool,
    },
    /// Drop the last instance's mask runs.
    DropMask,
    /// Keep the runs in the buffer as the masks in these places.
    ReplaceMasks {
        /// Place and number of runs of each mask.
        masks: Vec<(usize, usize)>,
        /// Total number of places.
        count: usize,
    },
    /// Show the pixels in the buffer as the overlay.
    ShowOverlay,
    /// Clear the overlay.
    ClearOverlay,
    /// Send [`Request::Export`], with the photo behind the objects if any. A picture to be copied is promised
    /// to the clipboard at once.
    SendExport {
        /// Id of the request.
        id: RequestId,
        /// What to export.
        export: Export,
        /// Where it goes.
        purpose: Purpose,
    },
    /// Hand over the bytes in the buffer.
    HandOver {
        /// The request that they answer.
        id: RequestId,
        /// Where they go.
        purpose: Purpose,
        /// File name.
        file_name: String,
        /// Media type.
        mime: String,
    },
    /// Show the pictures in the buffers as drawings of the photo.
    ShowRedrawn,
    /// Keep the buffers as features.
    ShowFeatures,
    /// Tell the clipboard that no picture will come.
    BreakPromise,
    /// Send [`Request::Collect`], with the photo's file and its kept objects if a photo is added.
    SendCollect {
        /// Id of the request.
        id: RequestId,
        /// The step.
        step: CollectStep,
    },
    /// Keep the bytes in the buffer as the next part of the file of all photos.
    KeepPart,
    /// Save the kept parts as a file of this name.
    SaveParts(String),
    /// Drop the kept parts.
    DropParts,
}
