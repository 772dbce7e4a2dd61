//! The one inference path: page, command line and evaluation call the same [`Engine`].
//!
//! Asynchronous, because a GPU in a browser cannot be waited for; no files, no clock, no threads.

mod device;
mod postprocess;

use burn::tensor::{Device, Tensor, TensorData, Transaction};

pub use device::{DeviceChoice, Picked, pick};
pub use postprocess::{Candidate, rank};

use crate::image::RgbImage;
use crate::instance::Instance;
use crate::model::{MaskSegmenter, SegmenterOutput};
use crate::pixels::{Letterbox, Preprocess, prepare};
use crate::weights::{Architecture, WeightSource, WeightsError, apply, read_folder};

/// Why the engine could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The weights were refused.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The weights are whole but no segmenter.
    #[error(
        "these weights are a masked autoencoder, which draws patches but finds no objects; fine-tune it first"
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
}

/// Which instances to return.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentOptions {
    /// Least score, 0 to 1.
    pub score_thresh: f32,
    /// At most so many, best first.
    pub top_k: usize,
    /// Two masks that overlap more than this (intersection over union) are one object: the better one stays.
    /// 1 keeps all, as average precision wants it.
    pub overlap_thresh: f32,
    /// One candidate per query, scored by the probability that it is an object of any class.
    pub any_class: bool,
}

impl Default for SegmentOptions {
    /// For people: up to 50 instances from a score of 0.05, no object twice.
    fn default() -> Self {
        Self { score_thresh: 0.05, top_k: 50, overlap_thresh: 0.6, any_class: false }
    }
}

impl SegmentOptions {
    /// For average precision: the best 100 (query, class) pairs, whatever their score and overlap.
    #[must_use]
    pub fn evaluation() -> Self {
        Self { score_thresh: 0.0, top_k: 100, overlap_thresh: 1.0, any_class: false }
    }
}

/// The raw numbers of one photo, on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct Logits {
    /// `[Q, K + 1]`, row-major; the last class is "no object".
    pub class_logits: Vec<f32>,
    /// `[Q, height, width]`, row-major.
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
    device: Device,
}

impl Engine {
    /// Reads a weight folder and puts the model on `device`.
    ///
    /// # Errors
    /// [`EngineError::Weights`] naming the file or tensor at fault, [`EngineError::NotASegmenter`]
    pub async fn load(source: &impl WeightSource, device: &Device) -> Result<Self, EngineError> {
        let folder = read_folder(source).await?;
        let layout = folder.config.layout();
        let Architecture::Segmenter(config) = folder.config.architecture else {
            return Err(EngineError::NotASegmenter);
        };
        let model = apply(MaskSegmenter::new(&config, device), layout, folder.tensors)?;
        let preprocess = Preprocess { image_size: config.encoder.image_size, ..folder.preprocess };
        Ok(Self { model, labels: folder.config.labels, preprocess, device: device.clone() })
    }

    /// Class names, in the order of [`Instance::category`].
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How photos become pixels.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// One forward pass on a grey canvas, so that the first photo does not wait for kernels to compile.
    ///
    /// # Errors
    /// [`EngineError::Failed`]
    pub async fn warm_up(&self) -> Result<(), EngineError> {
        let side = self.preprocess.image_size;
        self.forward(vec![0.0; 3 * side * side]).await.map(drop)
    }

    /// Finds the objects of a photo, best first; masks have the photo's own size.
    ///
    /// # Errors
    /// [`EngineError::Failed`]
    pub async fn segment(
        &self,
        image: &RgbImage,
        options: &SegmentOptions,
    ) -> Result<Vec<Instance>, EngineError> {
        let (pixels, letterbox) = prepare(image, &self.preprocess);
        let logits = self.forward(pixels).await?;
        Ok(self.instances(&logits, letterbox, options))
    }

    /// The numbers behind [`Engine::segment`], for tests that compare devices.
    ///
    /// # Errors
    /// [`EngineError::Failed`]
    pub async fn logits(&self, image: &RgbImage) -> Result<Logits, EngineError> {
        self.forward(prepare(image, &self.preprocess).0).await
    }

    async fn forward(&self, pixels: Vec<f32>) -> Result<Logits, EngineError> {
        let side = self.preprocess.image_size;
        let images = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, side, side]), &self.device);
        let SegmenterOutput { class_logits, mask_logits } = self.model.forward(images);
        let [_, _, height, width] = mask_logits.dims();
        let read = Transaction::default().register(class_logits).register(mask_logits).execute_async();
        let failed = |reason: String| EngineError::Failed(reason);
        let mut data = read.await.map_err(|error| failed(format!("{error:?}")))?.into_iter();
        let mut next = || match data.next().map(|tensor| tensor.try_to_vec::<f32>()) {
            Some(Ok(values)) => Ok(values),
            Some(Err(error)) => Err(failed(format!("{error:?}"))),
            None => Err(failed("an answer is missing".to_owned())),
        };
        let logits = Logits { class_logits: next()?, mask_logits: next()?, grid: [height, width] };
        let finite = logits.class_logits.iter().chain(&logits.mask_logits).all(|value| value.is_finite());
        if finite {
            Ok(logits)
        } else {
            Err(failed("the answer holds values that are no numbers".to_owned()))
        }
    }

    fn instances(&self, logits: &Logits, letterbox: Letterbox, options: &SegmentOptions) -> Vec<Instance> {
        let ranked = rank(logits, self.labels.len(), letterbox, options);
        ranked
            .into_iter()
            .filter_map(|candidate| {
                let mask = candidate.mask(logits, letterbox);
                let label = self.labels.get(candidate.category)?.clone();
                let bbox = mask.bbox();
                (mask.area() > 0).then_some(Instance {
                    category: candidate.category,
                    label,
                    score: candidate.score,
                    mask,
                    bbox,
                })
            })
            .collect()
    }
}
