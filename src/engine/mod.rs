//! The one inference path: page, command line and evaluation call the same [`Engine`].
//!
//! Asynchronous, because a GPU in a browser cannot be waited for; no files, no clock, no threads.

mod device;
mod postprocess;

use burn::tensor::{Device, Tensor, TensorData};

pub use device::{DeviceChoice, Picked, pick};
pub use postprocess::{Answer, Segment, find};

use crate::image::RgbImage;
use crate::instance::{Instance, num_things};
use crate::model::MaskSegmenter;
use crate::pixels::{Letterbox, Preprocess, prepare};
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
    /// The device asked for is not there.
    #[error("{device} cannot be used here: {reason}")]
    Device {
        /// The device in words.
        device: &'static str,
        /// Why.
        reason: String,
    },
    /// The device stopped in the middle.
    #[error("the device failed while computing: {0}; try again, or use the CPU")]
    Failed(String),
    /// What was computed is no finite number.
    #[error(
        "the answer holds values that are no numbers: these weights are broken, or the device is; try the CPU, then other weights"
    )]
    NotFinite,
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

    /// One forward pass on a grey canvas, so that the first photo does not wait for kernels to compile.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn warm_up(&self) -> Result<(), EngineError> {
        let square = Letterbox::of(1, 1, &self.preprocess);
        let [width, height] = square.canvas();
        self.forward(vec![0.0; 3 * height * width], square, 0.0).await.map(drop)
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
        let (pixels, letterbox) = prepare(image, &self.preprocess);
        let logits = self.forward(pixels, letterbox, options.score_thresh).await?;
        Ok(self.instances(&logits, letterbox, options))
    }

    /// The options that average precision is measured with: [`SegmentOptions::evaluation`], and each object once where
    /// every patch is a query, since neighbours are meant to answer for the same one.
    #[must_use]
    pub fn evaluation(&self, any_class: bool) -> SegmentOptions {
        let all = SegmentOptions { any_class, ..SegmentOptions::evaluation() };
        if self.model.config().num_queries > 0 {
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
        let (pixels, letterbox) = prepare(image, &self.preprocess);
        self.forward(pixels, letterbox, 0.0).await
    }

    /// Masks are drawn of queries that are an object with a probability of at least `score_thresh`.
    async fn forward(
        &self,
        pixels: Vec<f32>,
        letterbox: Letterbox,
        score_thresh: f32,
    ) -> Result<Logits, EngineError> {
        let [width, height] = letterbox.canvas();
        let images = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, height, width]), &self.device);
        let proposals = self.model.propose(images);
        let class_logits = numbers(proposals.class_logits.clone()).await?;
        let queries = postprocess::likely(&class_logits, self.labels.len() + 1, score_thresh);
        if queries.is_empty() {
            return Ok(Logits { class_logits, queries, mask_logits: Vec::new(), grid: [0, 0] });
        }
        let chosen = queries.iter().map(|&query| query as i32);
        // A GPU meets few shapes this way: each may need a kernel of its own.
        let repeated =
            std::iter::repeat_n(queries[0] as i32, queries.len().next_multiple_of(16) - queries.len());
        let chosen: Vec<i32> = chosen.chain(repeated).collect();
        let chosen = Tensor::from_data(chosen.as_slice(), &self.device);
        let masks = self.model.draw(&proposals, Some(&chosen));
        let [_, _, height, width] = masks.dims();
        let mut mask_logits = numbers(masks).await?;
        mask_logits.truncate(queries.len() * height * width);
        Ok(Logits { class_logits, queries, mask_logits, grid: [height, width] })
    }

    fn instances(&self, logits: &Logits, letterbox: Letterbox, options: &SegmentOptions) -> Vec<Instance> {
        let answer = Answer {
            logits,
            num_classes: self.labels.len(),
            num_things: num_things(&self.labels),
            letterbox,
            dense: self.model.config().num_queries == 0,
        };
        let mut segments = find(&answer, options);
        segments.sort_by(|a, b| b.score.total_cmp(&a.score));
        let instance = |Segment { category, score, mask, .. }: Segment| {
            let label = self.labels.get(category)?.clone();
            let bbox = mask.bbox();
            (mask.area() > 0).then_some(Instance { category, label, score, mask, bbox })
        };
        segments.into_iter().filter_map(instance).collect()
    }
}

/// The tensor's values on the host, all of them finite.
async fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|error| EngineError::Failed(format!("{error:?}")))?;
    let numbers = data.try_into_vec::<f32>().map_err(|error| EngineError::Failed(format!("{error:?}")))?;
    if numbers.iter().all(|number| number.is_finite()) {
        return Ok(numbers);
    }
    Err(EngineError::NotFinite)
}
