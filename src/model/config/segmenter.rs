//! The architecture of the mask segmenter.

use serde::{Deserialize, Serialize};

use super::{ConfigError, VitConfig, nonzero};

/// The configuration of the mask segmenter: an encoder, learned queries, and the blocks in which they take
/// part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmenterConfig {
    /// The encoder.
    pub encoder: VitConfig,
    /// Number of learned queries, each of which may claim one instance; 0: every patch is a query and may
    /// claim the instance around it.
    pub num_queries: usize,
    /// Number of classes, without "no object".
    pub num_classes: usize,
    /// Number of blocks in which the queries take part.
    pub num_blocks: usize,
    /// Number of ×2 upscaling steps from the patch grid to the mask logits.
    pub num_upscale_blocks: usize,
    /// Encoder depths (1 = after the first block) whose features feed new blocks over a frozen encoder (PMT,
    /// <https://github.com/tue-mps/pmt>); empty: the queries take part in the encoder's own last blocks
    /// (EoMT, <https://arxiv.org/abs/2503.19108>).
    #[serde(default)]
    pub lateral_layers: Vec<usize>,
    /// Number of features per patch of a teacher, predicted in training in addition to the objects; 0 for
    /// none.
    #[serde(default)]
    pub teacher_dim: usize,
    /// For each of the `num_blocks`, the share of the queries that attend only inside their own predicted
    /// masks, also in inference (`attn_mask_probs` of EoMT's files); empty: no masked attention.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attn_mask_probs: Vec<f32>,
}

impl SegmenterConfig {
    /// Returns a segmenter whose queries take part in the encoder's own last `num_blocks` blocks.
    #[must_use]
    pub fn new(encoder: VitConfig, num_queries: usize, num_classes: usize, num_blocks: usize) -> Self {
        Self {
            encoder,
            num_queries,
            num_classes,
            num_blocks,
            num_upscale_blocks: 2,
            lateral_layers: Vec::new(),
            teacher_dim: 0,
            attn_mask_probs: Vec::new(),
        }
    }

    /// Returns the score from which objects are usually worth showing, 0 to 1. It is lower if patches are the
    /// queries: they learn to be as certain as their masks are right, which is less certain than learned
    /// queries are.
    #[must_use]
    pub fn usual_threshold(&self) -> f32 {
        if self.num_queries == 0 { 0.07 } else { 0.3 }
    }

    /// Returns which queries attend only inside their own masks, per block as in
    /// [`TrainingPlan::masked`](super::super::TrainingPlan::masked), for a number of images.
    ///
    /// `transformers` draws these queries anew each time; here they are always the same, spread evenly.
    #[must_use]
    pub fn masked_queries(&self, images: usize) -> Vec<Option<Vec<bool>>> {
        let golden = (5.0_f32.sqrt() - 1.0) / 2.0;
        let of_block = |(block, share): (usize, &f32)| {
            let chosen = |query: usize| ((block * self.num_queries + query) as f32 * golden).fract() < *share;
            (*share > 0.0).then(|| (0..self.num_queries).map(chosen).collect::<Vec<_>>().repeat(images))
        };
        self.attn_mask_probs.iter().enumerate().map(of_block).collect()
    }

    /// Returns the number of encoder blocks that run before the queries join.
    #[must_use]
    pub fn query_free_depth(&self) -> usize {
        if self.lateral_layers.is_empty() { self.encoder.depth - self.num_blocks } else { self.encoder.depth }
    }

    /// Checks that the sizes are possible and fit each other.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field at fault.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.encoder.validate()?;
        nonzero("num_classes", self.num_classes)?;
        nonzero("num_blocks", self.num_blocks)?;
        nonzero("num_upscale_blocks + 1", self.num_upscale_blocks.saturating_add(1))?;
        nonzero("num_registers + 1", self.encoder.num_registers.saturating_add(1))?;
        let depth = self.encoder.depth;
        if self.lateral_layers.is_empty() && self.num_blocks > depth {
            return Err(ConfigError::LayerOutOfRange { field: "num_blocks", value: self.num_blocks, depth });
        }
        if !self.attn_mask_probs.is_empty() && self.attn_mask_probs.len() != self.num_blocks {
            return Err(ConfigError::MaskProbabilities(self.attn_mask_probs.len(), self.num_blocks));
        }
        match self.lateral_layers.iter().find(|layer| **layer == 0 || **layer > depth) {
            Some(&value) => Err(ConfigError::LayerOutOfRange { field: "lateral_layers", value, depth }),
            None => Ok(()),
        }
    }
}
