//! The one inference path: page, command line and evaluation call the same [`Engine`].
//!
//! Asynchronous, because a GPU in a browser cannot be waited for; no files, no clock, no threads.

mod device;
mod encoded;
mod features;
mod postprocess;
mod reconstructor;
mod tiles;
pub mod trial;

use burn::tensor::Device;

pub use device::{DeviceChoice, Picked, pick};
pub use encoded::Encoded;
pub use features::PatchFeatures;
pub use postprocess::{Answer, Segment, find};
pub use reconstructor::{Reconstructor, Redrawn, Square};

use crate::image::RgbImage;
use crate::instance::Instance;
use crate::memory::NoMemory;
use crate::model::MaskSegmenter;
use crate::pixels::{Letterbox, Preprocess};
use crate::prompt::{Prompt, PromptError};
use crate::weights::{Architecture, Checkpoint, WeightSource, WeightsError};

/// Why the engine could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The weights were refused.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The weights are whole but no segmenter.
    #[error(
        "these weights are an encoder or a masked autoencoder, which find no objects; fine-tune them first"
    )]
    NotASegmenter,
    /// The weights are whole but no masked autoencoder.
    #[error(
        "these weights have no decoder to draw with; name a masked autoencoder, such as facebook/vit-mae-base"
    )]
    NotAnAutoencoder,
    /// Patches were hidden of another grid than the model's.
    #[error("{given} patches were chosen to be seen or hidden, the model has {expected}; choose again")]
    OtherPatches {
        /// Patches that were given.
        given: usize,
        /// Patches that the model has.
        expected: usize,
    },
    /// The device asked for is not there.
    #[error("{device} cannot be used here: {reason}")]
    Device {
        /// The device in words.
        device: &'static str,
        /// Why.
        reason: String,
    },
    /// The memory that is left does not suffice.
    #[error("photos of {side} pixels a side are too large for this model here: {source}")]
    NoMemory {
        /// Longer side that photos are brought to, in pixels.
        side: usize,
        /// How much is needed.
        source: NoMemory,
    },
    /// The device stopped in the middle.
    #[error("the device failed while computing: {0}; try again, or use the CPU")]
    Failed(String),
    /// What was computed is no finite number.
    #[error(
        "the answer holds values that are no numbers: these weights are broken, or the device is; try the CPU, then other weights"
    )]
    NotFinite,
    /// What was pointed at is no place in the photo.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// How logits become objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// For people: each query's best class, best first, no object twice, no specks.
    Distinct,
    /// `EoMT`'s instance segmentation as in `transformers`: in query order, later masks cut into earlier ones.
    Painted,
    /// The best (query, class) pairs, masks as they are: what average precision is measured on.
    Pairs,
    /// `EoMT`'s panoptic segmentation as in `transformers`, of which the things are kept.
    Panoptic,
}

/// Which instances to return.
///
/// Where the labels are those of COCO's panoptic task, only its 80 things are returned, whatever the selection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentOptions {
    /// The rule.
    pub selection: Selection,
    /// Least score, 0 to 1. For [`Selection::Panoptic`], the class probability must exceed it.
    pub score_thresh: f32,
    /// At most so many.
    pub top_k: usize,
    /// For [`Selection::Distinct`]: two masks that overlap more than this (intersection over union) are one object.
    pub overlap_thresh: f32,
    /// For [`Selection::Distinct`]: so are two of one class that overlap more than this (intersection over the smaller).
    pub containment_thresh: f32,
    /// For [`Selection::Distinct`]: each class of a query is a candidate, and only masks of one class can be one object.
    pub every_class: bool,
    /// Looks at so many by so many overlapping parts of the photo, too, which finds more of what is small and encodes each of them;
    /// 1 for the photo alone. For [`Selection::Distinct`].
    pub tiles: usize,
    /// One candidate per query, scored by the probability that it is a thing of any class; not for
    /// [`Selection::Panoptic`].
    pub any_class: bool,
}

impl Default for SegmentOptions {
    /// For people: up to 50 instances from a score of 0.05, no object twice.
    fn default() -> Self {
        Self {
            selection: Selection::Distinct,
            score_thresh: 0.05,
            top_k: 50,
            overlap_thresh: 0.6,
            containment_thresh: 0.5,
            every_class: false,
            tiles: 1,
            any_class: false,
        }
    }
}

impl SegmentOptions {
    /// For average precision: the best 100 (query, class) pairs, whatever their score and overlap.
    /// See [`Engine::evaluation`].
    #[must_use]
    pub fn evaluation() -> Self {
        Self { selection: Selection::Pairs, score_thresh: 0.0, top_k: 100, ..Self::default() }
    }

    /// The given selection with the reference's own threshold: 0.8 for the two of `transformers`.
    #[must_use]
    pub fn reference(selection: Selection) -> Self {
        match selection {
            Selection::Distinct => Self::default(),
            Selection::Pairs => Self::evaluation(),
            Selection::Painted | Selection::Panoptic => {
                Self { selection, score_thresh: 0.8, top_k: usize::MAX, ..Self::default() }
            }
        }
    }
}

/// The raw numbers of one photo, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    /// `[Q, K + 1]`, row-major; the last class is "no object".
    pub class_logits: Vec<f32>,
    /// Queries whose masks were drawn, ascending.
    pub queries: Vec<usize>,
    /// `[N, height, width]` of these N queries, row-major.
    pub mask_logits: Vec<f32>,
    /// Height and width of a mask.
    pub grid: [usize; 2],
}

/// A segmenter on a device, ready for photos.
///
/// ```no_run
/// use burn::tensor::Device;
/// use mae_seg::engine::{Engine, SegmentOptions};
/// use mae_seg::hub::Disk;
/// use mae_seg::image::RgbImage;
/// use mae_seg::instance::Instance;
///
/// async fn objects(photo: &RgbImage) -> Result<Vec<Instance>, Box<dyn std::error::Error>> {
///     let weights = Disk::folder("www/weights/mae-small")?;
///     let engine = Engine::load(&weights, &Device::flex()).await?;
///     Ok(engine.segment(photo, &SegmentOptions::default()).await?)
/// }
/// ```
#[derive(Debug)]
pub struct Engine {
    model: MaskSegmenter,
    labels: Vec<String>,
    preprocess: Preprocess,
    threshold: f32,
    device: Device,
}

impl Engine {
    /// Reads a weight folder and puts the model on `device`.
    ///
    /// # Errors
    /// [`EngineError::Weights`] naming the file or tensor at fault, [`EngineError::NotASegmenter`]
    pub async fn load(source: &impl WeightSource, device: &Device) -> Result<Self, EngineError> {
        let checkpoint = Checkpoint::open(source).await?;
        let Architecture::Segmenter(config) = &checkpoint.config.architecture else {
            return Err(EngineError::NotASegmenter);
        };
        let module = MaskSegmenter::new(config, device);
        let mut model = checkpoint.load(source, module).await?;
        if device::gains_from_rounding(device) && checkpoint.is_in_halves() {
            model = model.rounding();
        }
        let engine = Self::new(model, checkpoint.config.labels, checkpoint.preprocess, device.clone());
        let threshold = checkpoint.manifest.threshold.unwrap_or(engine.threshold).clamp(0.0, 1.0);
        Ok(Self { threshold, ..engine })
    }

    /// An engine around a model that exists already; `labels` in the order of its classes, `device` where it is.
    #[must_use]
    pub fn new(
        model: MaskSegmenter,
        labels: Vec<String>,
        mut preprocess: Preprocess,
        device: Device,
    ) -> Self {
        preprocess.multiple_of = model.config().encoder.patch_size;
        let threshold = model.config().usual_threshold();
        Self { model, labels, preprocess, threshold, device }
    }

    /// The same engine for photos brought to `side` pixels instead of what the weights say; positions of patches are
    /// resampled. More pixels show smaller objects, at the price of time that grows with their square.
    #[must_use]
    pub fn with_image_size(self, side: usize) -> Self {
        Self { preprocess: self.preprocess.with_side(side), ..self }
    }

    /// Class names, in the order of [`Instance::category`].
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Score from which objects are worth showing to people ([`Selection::Distinct`]), 0 to 1.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// How photos become pixels.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// One forward pass on a grey canvas, and a click on it, so that the first ones do not wait for kernels to compile.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn warm_up(&self) -> Result<(), EngineError> {
        let square = Letterbox::of(1, 1, &self.preprocess);
        let [width, height] = square.canvas();
        let encoded = self.encode_pixels(vec![0.0; 3 * height * width], square).await?;
        self.draw_likely(&encoded, 0.0).await?;
        self.find_at(&encoded, &Prompt::point(0, 0), 1).await.map(drop)
    }

    /// Finds the objects of a photo, best first; masks have the photo's own size.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn segment(
        &self,
        image: &RgbImage,
        options: &SegmentOptions,
    ) -> Result<Vec<Instance>, EngineError> {
        self.find_closely(image, &self.encode(image).await?, options).await
    }

    /// The options that average precision is measured with: [`SegmentOptions::evaluation`], and each object once where
    /// every patch is a query, since neighbours are meant to answer for the same one.
    #[must_use]
    pub fn evaluation(&self, any_class: bool) -> SegmentOptions {
        let all = SegmentOptions { any_class, ..SegmentOptions::evaluation() };
        if !self.is_dense() {
            return all;
        }
        SegmentOptions {
            selection: Selection::Distinct,
            containment_thresh: 1.0,
            every_class: !any_class,
            ..all
        }
    }

    /// The numbers behind [`Engine::segment`], for tests that compare devices.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn logits(&self, image: &RgbImage) -> Result<Logits, EngineError> {
        self.draw_likely(&self.encode(image).await?, 0.0).await
    }

    /// Whether every patch is a query.
    fn is_dense(&self) -> bool {
        self.model.config().num_queries == 0
    }
}
