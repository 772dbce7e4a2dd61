//! What can happen on the page, and what the page then has to do.

use super::{Aim, Earlier, Purpose, RedrawEvent, Tool};
use crate::export::PictureFormat;
use crate::web::document::Edit;
use crate::web::export::{Export, Product};
use crate::web::gallery::PhotoKey;
use crate::web::place::Place;
use crate::web::protocol::{
    BackendChoice, CollectStep, Failure, Look, Reply, Request, RequestId, Sentence, Size,
};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The page is up.
    Started,
    /// The worker said something.
    Replied(Reply),
    /// The worker stopped, or never started.
    WorkerDied(String),
    /// Photos were dropped, pasted or picked, each with its file's name: the first is shown, the others wait.
    PhotosChosen(Vec<(PhotoKey, String)>),
    /// Photos of an earlier visit are there.
    Restored(Earlier),
    /// This photo is to be shown.
    PhotoOpened(PhotoKey),
    /// This photo is to go.
    PhotoRemoved(PhotoKey),
    /// All photos are to go.
    StartedFresh,
    /// Photos that wait are to do so until further notice, or no longer.
    Paused(bool),
    /// Photos that wait are not to be looked at, or those that are not, are.
    Stopped(bool),
    /// A model was picked, named, or opened from this device.
    ModelChosen(Place),
    /// The model is to run there from now on.
    BackendChosen(BackendChoice),
    /// What was given can be neither shown nor used, before the worker saw it.
    Refused(Failure),
    /// Something is to be said that is no failure; nothing, as it was read.
    Noticed(Vec<Sentence>),
    /// The model in use is to stay, whatever was asked for since.
    ModelKept,
    /// The threshold slider moved.
    ThresholdMoved(f32),
    /// The pointer, or the focus, is on this instance's row.
    Hovered(Option<usize>),
    /// Clicks on the photo are to do this from now on.
    ToolChosen(Tool),
    /// The pointer is here on the photo, or has left it.
    Pointed(Option<Aim>),
    /// A click on the photo.
    Clicked(Aim),
    /// A box `[x, y, width, height]` was drawn on the photo.
    Boxed([usize; 4]),
    /// The object being asked for is not wanted; or else, what is picked is put back.
    Dismissed,
    /// This instance was picked; the one picked already is put back.
    Picked(Option<usize>),
    /// This instance is to be picked, too, or no more.
    Toggled(usize),
    /// Every instance on the photo is to be picked.
    AllPicked,
    /// Every instance on the photo that lies inside this box, `[x, y, width, height]`, is to be picked, too.
    PickedInside([usize; 4]),
    /// Instances are to be changed.
    EditWanted(Edit),
    /// The last change is to be taken back.
    UndoWanted,
    /// The change taken back last is to be made again.
    RedoWanted,
    /// A file is wanted, to go somewhere.
    ExportWanted(Export, Purpose),
    /// A file of all photos is wanted.
    CollectionWanted(Product, PictureFormat),
    /// The browser took what was to be copied or shared; did not, as it was told not to; or could not, and why.
    HandedOver(RequestId, Result<bool, String>),
    /// Something happened in the view that hides and draws.
    Redraw(RedrawEvent),
    /// Small objects of the photo shown are to be looked for, too.
    CloserWanted,
    /// How fast this device is, is to be measured.
    MeasureWanted,
    /// The kept weights are to be removed.
    ForgetWeights,
    /// The kept weights were removed, by another tab.
    WeightsGone,
    /// The way on that an error offers was taken.
    Retried,
}

/// What the caller has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Stop the worker, if there is one, and start a new one.
    SpawnWorker,
    /// Send this request.
    Send(Request),
    /// Send [`Request::Segment`], with the photo's file and what is kept of its objects.
    SendPhoto {
        /// The id.
        id: RequestId,
        /// The photo.
        key: PhotoKey,
        /// How its objects are looked for.
        look: Look,
    },
    /// Send [`Request::Find`], with the photo's file.
    SendFind {
        /// The id.
        id: RequestId,
        /// The photo.
        key: PhotoKey,
    },
    /// These photos go, with all that is kept of them.
    ForgetPhotos(Vec<PhotoKey>),
    /// The photo shown goes from the page.
    HidePhoto,
    /// Keep the bytes beside the reply as what is known of the photo's objects.
    KeepObjects(PhotoKey),
    /// Keep the PNG beside the reply as the photo's small picture.
    KeepThumbnail(PhotoKey),
    /// Tell the page's own script that the model is here: what is for later visits may come now.
    AnnounceModel,
    /// Tell other tabs that the kept weights were removed.
    AnnounceWeightsGone,
    /// Send [`Request::Measure`], with a photo that is the same everywhere.
    SendMeasure(RequestId),
    /// Put where the model runs into the page's address.
    ShareBackend(BackendChoice),
    /// Put the model's place into the page's address.
    ShareModel(Place),
    /// Show the pixels beside the reply as the photo.
    ShowPhoto(Size),
    /// Keep the mask runs beside the reply for finding what is under the pointer.
    KeepMasks,
    /// Keep the mask runs beside the reply as those of the last instance, instead of the last one's or behind it.
    KeepMask {
        /// Whether the last one's go.
        replaces: bool,
    },
    /// The last instance's mask runs go.
    DropMask,
    /// Keep the runs beside the reply as the masks in these places, each as many as said, of `count` places.
    ReplaceMasks {
        /// Place and number of runs of each.
        masks: Vec<(usize, usize)>,
        /// How many places there are.
        count: usize,
    },
    /// Show the pixels beside the reply as the overlay.
    ShowOverlay,
    /// Nothing is left to show on the overlay.
    ClearOverlay,
    /// Send [`Request::Export`], with the photo that comes behind the objects where one does. A picture that is to be copied is promised
    /// to the clipboard at once.
    SendExport {
        /// Its id.
        id: RequestId,
        /// What is wanted.
        export: Export,
        /// Where it is to go.
        purpose: Purpose,
    },
    /// The bytes beside the reply go where they are to go.
    HandOver {
        /// The request that they answer.
        id: RequestId,
        /// Where.
        purpose: Purpose,
        /// File name.
        file_name: String,
        /// Media type.
        mime: String,
    },
    /// Show the pictures beside the reply as what was drawn of the photo.
    ShowRedrawn,
    /// Keep what is beside the reply as what the features tell.
    ShowFeatures,
    /// No picture comes for the clipboard.
    BreakPromise,
    /// Send [`Request::Collect`], with the photo's file and what is kept of its objects where it is about one.
    SendCollect {
        /// The id.
        id: RequestId,
        /// What is to be done.
        step: CollectStep,
    },
    /// Keep the bytes beside the reply as the next part of the file of all photos.
    KeepPart,
    /// Save the parts kept, as a file of this name.
    SaveParts(String),
    /// The parts kept go.
    DropParts,
}
