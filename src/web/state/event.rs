//! The events of the page, and the effects that they have.

use super::{Aim, Earlier, Purpose, RedrawEvent, Tool};
use crate::export::PictureFormat;
use crate::web::document::Edit;
use crate::web::export::{Export, Product};
use crate::web::gallery::PhotoKey;
use crate::web::place::Place;
use crate::web::protocol::{
    BackendChoice, CollectStep, Failure, Look, Reply, Request, RequestId, Sentence, Size,
};

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The page was mounted.
    Started,
    /// The worker sent a message.
    Replied(Reply),
    /// The worker stopped, or never started.
    WorkerDied(String),
    /// Photos were dropped, pasted or picked, each with its file name: the first is shown, the others wait.
    PhotosChosen(Vec<(PhotoKey, String)>),
    /// Photos of an earlier visit were restored.
    Restored(Earlier),
    /// Show this photo.
    PhotoOpened(PhotoKey),
    /// Remove this photo.
    PhotoRemoved(PhotoKey),
    /// Remove all photos.
    StartedFresh,
    /// Pause or resume the photos that wait.
    Paused(bool),
    /// Stop the photos that wait, or continue with those that were stopped.
    Stopped(bool),
    /// A model was picked, named, or opened from this device.
    ModelChosen(Place),
    /// A backend was chosen.
    BackendChosen(BackendChoice),
    /// Something was refused before the worker saw it.
    Refused(Failure),
    /// Show a notice that is not a failure; an empty one dismisses it.
    Noticed(Vec<Sentence>),
    /// Keep the model in use, whatever was requested since.
    ModelKept,
    /// The threshold slider moved.
    ThresholdMoved(f32),
    /// The pointer or the focus is on this instance's row.
    Hovered(Option<usize>),
    /// A tool for clicks on the photo was chosen.
    ToolChosen(Tool),
    /// The pointer is here on the photo, or has left it.
    Pointed(Option<Aim>),
    /// A click on the photo.
    Clicked(Aim),
    /// A box `[x, y, width, height]` was drawn on the photo.
    Boxed([usize; 4]),
    /// Drop the object being asked for, or else put back the picked ones.
    Dismissed,
    /// Pick this instance instead of the picked ones; `None` puts these back.
    Picked(Option<usize>),
    /// Add this instance to the picked ones, or remove it from them.
    Toggled(usize),
    /// Pick every instance on the photo.
    AllPicked,
    /// Also pick every instance on the photo inside this box, `[x, y, width, height]`.
    PickedInside([usize; 4]),
    /// Edit instances.
    EditWanted(Edit),
    /// Undo the last edit.
    UndoWanted,
    /// Redo the edit undone last.
    RedoWanted,
    /// Export a file for a purpose.
    ExportWanted(Export, Purpose),
    /// Export a file of all photos.
    CollectionWanted(Product, PictureFormat),
    /// The browser copied or shared a file (true), was told not to (false), or could not, with the reason.
    HandedOver(RequestId, Result<bool, String>),
    /// An event in the view that hides and draws.
    Redraw(RedrawEvent),
    /// Also search for small objects in the photo shown.
    CloserWanted,
    /// Measure the speed of this device.
    MeasureWanted,
    /// Remove the kept weights.
    ForgetWeights,
    /// Another tab removed the kept weights.
    WeightsGone,
    /// The button of a failure was pressed.
    Retried,
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
