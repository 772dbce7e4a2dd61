//! Encoded photos, and the questions that can be asked about them.

use std::sync::Arc;

use burn::tensor::{Int, Tensor, TensorData};

use super::postprocess::{Answer, Places, Segment, find, likely, prompted};
use super::{Engine, EngineError, Logits, SegmentOptions};
use crate::image::RgbImage;
use crate::instance::{Instance, num_things};
use crate::memory::ask_for;
use crate::model::Proposals;
use crate::pixels::{Letterbox, prepare};
use crate::prompt::Prompt;

/// A photo after the encoder and query head. It stays on the device, so that questions about the photo cost
/// no second pass through the encoder.
#[derive(Debug, Clone)]
pub struct Encoded {
    pub(super) proposals: Proposals,
    /// Class logits, `[Q, K + 1]`.
    pub(super) class_logits: Vec<f32>,
    pub(super) letterbox: Letterbox,
    /// The photo as it lies on the canvas; only for models in which every patch is a query.
    pub(super) guide: Option<Arc<RgbImage>>,
}

impl Encoded {
    /// Returns the same encoding for the photo at another width and height, in whose pixels prompts and masks
    /// are given from then on; small masks are drawn faster.
    #[must_use]
    pub fn resized(&self, [width, height]: [usize; 2]) -> Self {
        Self { letterbox: self.letterbox.with_photo([width, height]), ..self.clone() }
    }
}

/// A photo as the model takes it.
pub(super) struct Prepared {
    /// The canvas, planar and normalised, as [`prepare`] returns it.
    pub(super) pixels: Vec<f32>,
    /// Where the photo lies on the canvas.
    pub(super) letterbox: Letterbox,
    /// Becomes [`Encoded::guide`].
    pub(super) guide: Option<Arc<RgbImage>>,
}

impl Engine {
    /// Encodes a photo.
    ///
    /// # Errors
    /// [`EngineError::NoMemory`], [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn encode(&self, image: &RgbImage) -> Result<Encoded, EngineError> {
        let Prepared { pixels, letterbox, guide } = self.prepare(image)?;
        Ok(Encoded { guide, ..self.encode_pixels(pixels, letterbox).await? })
    }

    /// Makes a photo the model's input.
    pub(super) fn prepare(&self, image: &RgbImage) -> Result<Prepared, EngineError> {
        self.check_memory(Letterbox::of(image.width(), image.height(), &self.preprocess).canvas())?;
        let (pixels, letterbox) = prepare(image, &self.preprocess);
        let guide = if self.is_dense() { self.guide(&pixels, letterbox) } else { None };
        Ok(Prepared { pixels, letterbox, guide })
    }

    /// Recovers the photo on the canvas from the model's input.
    fn guide(&self, pixels: &[f32], letterbox: Letterbox) -> Option<Arc<RgbImage>> {
        let ([width, height], [canvas_w, canvas_h]) = (letterbox.content(), letterbox.canvas());
        let bytes = (0..height).flat_map(|y| (0..width).map(move |x| y * canvas_w + x)).flat_map(|at| {
            [0, 1, 2].map(|channel| self.preprocess.byte(channel, pixels[channel * canvas_w * canvas_h + at]))
        });
        RgbImage::new(width, height, bytes.collect()).ok().map(Arc::new)
    }

    /// Asks for the minimum memory that the model needs for a canvas of this width and height: its pixels,
    /// and the activations of one block for all patches.
    fn check_memory(&self, canvas: [usize; 2]) -> Result<(), EngineError> {
        const PIXEL: u64 = 3 * 4;
        let encoder = &self.model.config().encoder;
        let [width, height] = canvas.map(|side| side as u64);
        let patches = width * height / (encoder.patch_size * encoder.patch_size) as u64;
        let of_patch = 4 * (4 * encoder.embed_dim + encoder.mlp_dim) as u64;
        ask_for(width * height * PIXEL + patches * of_patch)
            .map_err(|source| EngineError::NoMemory { side: canvas[0].max(canvas[1]), source })
    }

    /// Finds the objects of a photo, best first; masks have the photo's size.
    ///
    /// # Errors
    /// [`EngineError::Failed`], [`EngineError::NotFinite`]
    pub async fn find(
        &self,
        encoded: &Encoded,
        options: &SegmentOptions,
    ) -> Result<Vec<Instance>, EngineError> {
        let logits = self.draw_likely(encoded, options.score_thresh).await?;
        let mut segments = find(&self.answer(encoded, &logits), options);
        segments.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(self.instances(segments))
    }

    /// Finds the object at a prompt, whether or not [`find`](Self::find) returns it.
    ///
    /// Returns the likeliest mask first, then up to `at_most` − 1 alternatives there, such as a part of the
    /// object or what it is a part of: first the larger ones from the next larger on, then the smaller ones
    /// from the smallest on. Their score is the model's certainty of the mask.
    ///
    /// # Errors
    /// [`EngineError::Prompt`] for points outside the photo, [`EngineError::Failed`],
    /// [`EngineError::NotFinite`]
    pub async fn find_at(
        &self,
        encoded: &Encoded,
        prompt: &Prompt,
        at_most: usize,
    ) -> Result<Vec<Instance>, EngineError> {
        let Encoded { proposals, class_logits, letterbox, .. } = encoded;
        prompt.check(letterbox.photo())?;
        let patches = self.is_dense().then(|| proposals.grid());
        let places = Places::of(prompt, letterbox, proposals.mask_size(), patches);
        let cells = places.cells();
        let cells = Tensor::<1, Int>::from_data(cells.as_slice(), &self.device);
        let logits = numbers(self.model.draw_at(proposals, cells)).await?;
        let chosen = places.candidates(class_logits, self.labels.len(), &logits);
        let logits = self.draw(encoded, chosen).await?;
        Ok(self.instances(prompted::find(&self.answer(encoded, &logits), prompt, &places, at_most)))
    }

    pub(super) async fn encode_pixels(
        &self,
        pixels: Vec<f32>,
        letterbox: Letterbox,
    ) -> Result<Encoded, EngineError> {
        let proposals = self.model.propose(self.on_device(pixels, letterbox.canvas()));
        let class_logits = numbers(proposals.class_logits.clone()).await?;
        Ok(Encoded { proposals, class_logits, letterbox, guide: None })
    }

    /// Puts the canvas of a photo on the device, `[1, 3, height, width]`.
    pub(super) fn on_device(&self, pixels: Vec<f32>, [width, height]: [usize; 2]) -> Tensor<4> {
        Tensor::from_data(TensorData::new(pixels, [1, 3, height, width]), &self.device)
    }

    /// Draws the masks of queries that are an object with a probability of at least `score_thresh`.
    pub(super) async fn draw_likely(
        &self,
        encoded: &Encoded,
        score_thresh: f32,
    ) -> Result<Logits, EngineError> {
        self.draw(encoded, likely(&encoded.class_logits, self.labels.len() + 1, score_thresh)).await
    }

    /// Draws the masks of queries, given in ascending order.
    async fn draw(&self, encoded: &Encoded, queries: Vec<usize>) -> Result<Logits, EngineError> {
        let class_logits = encoded.class_logits.clone();
        let Some(first) = queries.first().map(|&query| query as i32) else {
            return Ok(Logits { class_logits, queries, mask_logits: Vec::new(), grid: [0, 0] });
        };
        let chosen = queries.iter().map(|&query| query as i32);
        // Padding to a multiple of 16 keeps the number of shapes small: a GPU may compile a kernel for each.
        let repeated = std::iter::repeat_n(first, queries.len().next_multiple_of(16) - queries.len());
        let chosen: Vec<i32> = chosen.chain(repeated).collect();
        let chosen = Tensor::from_data(chosen.as_slice(), &self.device);
        let masks = self.model.draw(&encoded.proposals, Some(&chosen));
        let [_, _, height, width] = masks.dims();
        let mut mask_logits = numbers(masks).await?;
        mask_logits.truncate(queries.len() * height * width);
        Ok(Logits { class_logits, queries, mask_logits, grid: [height, width] })
    }

    fn answer<'a>(&self, encoded: &'a Encoded, logits: &'a Logits) -> Answer<'a> {
        Answer {
            logits,
            num_classes: self.labels.len(),
            num_things: num_things(&self.labels),
            letterbox: encoded.letterbox,
            dense: self.is_dense(),
            guide: encoded.guide.as_deref(),
        }
    }

    /// Converts segments to instances with labels; segments without pixels are left out.
    fn instances(&self, segments: Vec<Segment>) -> Vec<Instance> {
        let instance = |Segment { category, score, mask, .. }: Segment| {
            let label = self.labels.get(category)?.clone();
            let bbox = mask.bbox();
            (mask.area() > 0).then_some(Instance { category, label, score, mask, bbox })
        };
        segments.into_iter().filter_map(instance).collect()
    }
}

/// Reads a tensor's values back to the host, and checks that all of them are finite.
pub(super) async fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, EngineError> {
    let data = tensor.into_data_async().await.map_err(|error| EngineError::Failed(format!("{error:?}")))?;
    let numbers = data.try_into_vec::<f32>().map_err(|error| EngineError::Failed(format!("{error:?}")))?;
    if numbers.iter().all(|number| number.is_finite()) {
        return Ok(numbers);
    }
    Err(EngineError::NotFinite)
}
