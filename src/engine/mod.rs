//! The inference path: page, command line and evaluation all use the same [`Engine`].
//!
//! It is asynchronous, because a browser cannot block on a GPU, and uses no files, clock or threads.

mod device;
mod encoded;
mod features;
mod postprocess;
mod reconstructor;
mod tiles;
mod together;
pub mod trial;

use burn::tensor::Device;

pub use device::{DeviceChoice, Picked, pick};
pub use encoded::Encoded;
pub use features::PatchFeatures;
pub use postprocess::{Answer, Segment, find};
pub use reconstructor::{Reconstructor, Redrawn, Square};
pub use together::Partner;

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
    /// The weights are complete, but not those of a segmenter.
    #[error(
        "these weights are an encoder or a masked autoencoder, which cannot find objects; fine-tune them first"
    )]
    NotASegmenter,
    /// The weights are complete, but not those of a masked autoencoder.
    #[error(
        "these weights have no decoder to draw with; use a masked autoencoder, such as facebook/vit-mae-base"
    )]
    NotAnAutoencoder,
    /// A patch mask of another grid than the model's was given.
    #[error("the mask has {given} patches, but the model has {expected}")]
    OtherPatches {
        /// Number of patches in the mask.
        given: usize,
        /// Number of patches of the model.
        expected: usize,
    },
    /// The requested device is not available.
    #[error("{device} cannot be used here: {reason}")]
    Device {
        /// Name of the device.
        device: &'static str,
        /// Why the device is not available.
        reason: String,
    },
    /// The available memory does not suffice.
    #[error("photos of {side} pixels per side are too large for this model: {source}")]
    NoMemory {
        /// Longer side in pixels to which photos are resized.
        side: usize,
        /// The missing memory.
        source: NoMemory,
    },
    /// The device failed during the computation.
    #[error("the device failed while computing: {0}; try again, or use the CPU")]
    Failed(String),
    /// The model's output contains NaN or infinity.
    #[error(
        "the output holds NaN or infinite values: the weights or the device are faulty; try the CPU, then other weights"
    )]
    NotFinite,
    /// The worker that had half of a photo is gone.
    #[error("the second worker on the photo is gone; try again")]
    NoPartner,
    /// The prompt does not suit the photo.
    #[error(transparent)]
    Prompt(#[from] PromptError),
}

/// The rule by which logits become objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "native", derive(clap::ValueEnum))]
pub enum Selection {
    /// The best class of each query, sorted by score, without duplicates and specks.
    #[default]
    Distinct,
    /// Later masks overwrite earlier ones, as `post_process_instance_segmentation` in transformers has it.
    #[cfg_attr(feature = "native", value(name = "instance"))]
    Painted,
    /// The 100 best (query, class) pairs with unchanged masks, for measuring average precision.
    Pairs,
    /// Masks do not overlap, as in transformers' `post_process_panoptic_segmentation`; only things are kept.
    Panoptic,
}

/// Options for which instances to return.
///
/// If the labels are those of COCO's panoptic task, only its 80 things are returned, whatever the selection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentOptions {
    /// The selection rule.
    pub selection: Selection,
    /// Minimum score, 0 to 1. For [`Selection::Panoptic`], the class probability must exceed it.
    pub score_thresh: f32,
    /// Maximum number of instances.
    pub top_k: usize,
    /// For [`Selection::Distinct`]: two masks whose intersection over union exceeds this are one object.
    pub overlap_thresh: f32,
    /// For [`Selection::Distinct`]: two masks of one class are also one object if their intersection over the
    /// smaller area exceeds this.
    pub containment_thresh: f32,
    /// For [`Selection::Distinct`]: every class of a query is a candidate, and only masks of the same class
    /// can be one object.
    pub every_class: bool,
    /// For [`Selection::Distinct`]: also looks at `tiles` × `tiles` overlapping parts of the photo, which
    /// finds more small objects and encodes each part; 1 for the photo alone.
    pub tiles: usize,
    /// One candidate per query, scored by the probability that it is a thing of any class; not for
    /// [`Selection::Panoptic`].
    pub any_class: bool,
}

impl Default for SegmentOptions {
    /// Returns the options for people: up to 50 instances with a score of at least 0.05, without duplicates.
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
    /// Returns the options for average precision: the best 100 (query, class) pairs, whatever their score and
    /// overlap. See [`Engine::evaluation`].
    #[must_use]
    pub fn evaluation() -> Self {
        Self { selection: Selection::Pairs, score_thresh: 0.0, top_k: 100, ..Self::default() }
    }

    /// Returns the given selection with the reference's threshold: 0.8 for the two of `transformers`.
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

/// The model's output for one photo, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    /// Class logits, `[Q, K + 1]`, row-major; the last class is "no object".
    pub class_logits: Vec<f32>,
    /// Indices of the N queries whose masks were drawn, ascending.
    pub queries: Vec<usize>,
    /// Mask logits of these queries, `[N, height, width]`, row-major.
    pub mask_logits: Vec<f32>,
    /// Height and width of a mask.
    pub grid: [usize; 2],
}

/// A segmenter on a device, ready for photos.
///
/// ```no_run
/// use burn::tensor::Device;
/// use mae_seg::engine::{Engine, SegmentOptions};
/// use mae_seg::sources::Disk;
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

    /// Creates an engine from a model on `device`, with `labels` in the order of its classes.
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

    /// Changes the side to which photos are resized to `side` pixels instead of the weights' own; position
    /// embeddings are resampled. More pixels show smaller objects, but the time grows with their square.
    #[must_use]
    pub fn with_image_size(self, side: usize) -> Self {
        Self { preprocess: self.preprocess.with_side(side), ..self }
    }

    /// Returns the class names, in the order of [`Instance::category`].
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Returns the score from which objects are worth showing to people ([`Selection::Distinct`]), 0 to 1.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Returns the conversion of photos to model input.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Runs one forward pass on a grey canvas and a click on it, so that the first real ones do not wait for
    /// kernels to compile.
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

    /// Finds the objects of a photo, best first; masks have the photo's size.
    ///
    /// # Errors
    /// [`EngineError::NoMemory`], [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn segment(
        &self,
        image: &RgbImage,
        options: &SegmentOptions,
    ) -> Result<Vec<Instance>, EngineError> {
        self.find_closely(image, &self.encode(image).await?, options).await
    }

    /// Returns the options with which average precision is measured: [`SegmentOptions::evaluation`], but
    /// without duplicates for models in which every patch is a query, since neighbouring patches are meant to
    /// answer for the same object.
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

    /// Returns the logits behind [`Engine::segment`], for tests that compare devices.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn logits(&self, image: &RgbImage) -> Result<Logits, EngineError> {
        self.draw_likely(&self.encode(image).await?, 0.0).await
    }

    /// Returns whether every patch is a query.
    fn is_dense(&self) -> bool {
        self.model.config().num_queries == 0
    }
}
