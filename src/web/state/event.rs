//! The events of the page.

use super::{Aim, Earlier, Purpose, RedrawEvent, Tool};
use crate::export::PictureFormat;
use crate::web::document::Edit;
use crate::web::export::{Export, Product};
use crate::web::gallery::PhotoKey;
use crate::web::place::Place;
use crate::web::protocol::{BackendChoice, Failure, Reply, RequestId, Sentence};

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
