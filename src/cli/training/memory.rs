//! An estimate of the memory that a training step needs.

use anyhow::{Context as _, Result};

use crate::engine::Picked;
use crate::memory::ask_for;
use crate::model::VitConfig;
use crate::text::counted;

/// The photos of a step, or of one of its micro-batches, and the blocks that are trained on them.
pub(in crate::cli) struct AtOnce {
    /// Number of photos in memory at once.
    pub(in crate::cli) photos: usize,
    /// The blocks, grouped by size.
    pub(in crate::cli) stacks: Vec<Stack>,
}

/// A stack of blocks of one size.
pub(in crate::cli) struct Stack {
    /// Number of tokens of a photo.
    pub(in crate::cli) tokens: usize,
    /// Number of blocks.
    pub(in crate::cli) depth: usize,
    /// Width of a token.
    pub(in crate::cli) width: usize,
    /// Hidden width of the MLPs.
    pub(in crate::cli) inner: usize,
}

impl Stack {
    /// Returns the last `depth` blocks of `encoder`, given `patches` patches per photo.
    pub(in crate::cli) fn of(encoder: &VitConfig, patches: usize, depth: usize) -> Self {
        let tokens = patches + encoder.num_prefix();
        Self { tokens, depth, width: encoder.embed_dim, inner: encoder.mlp_dim }
    }

    /// Returns a lower bound of the memory in bytes: each weight with its gradient and two moments, and for
    /// each token the activations that the backward pass needs, which may be stored in 16 bits.
    fn bytes(&self, photos: usize) -> u64 {
        let product =
            |factors: [usize; 3]| factors.into_iter().fold(4, |all: u64, n| all.saturating_mul(n as u64));
        let kept = product([photos.saturating_mul(self.tokens), self.depth, 3 * self.width + self.inner]);
        let weights = product([self.depth, self.width, 4 * self.width + 2 * self.inner]);
        kept.saturating_add(weights.saturating_mul(4))
    }
}

impl AtOnce {
    /// Requests the memory that one of `processes` processes needs at least, if the device is a CPU.
    pub(in crate::cli) fn ask_for_memory(&self, device: &Picked, processes: usize) -> Result<()> {
        if device.is_gpu {
            return Ok(());
        }
        let photos = self.photos / processes.max(1);
        let bytes = self.stacks.iter().map(|stack| stack.bytes(photos)).fold(0, u64::saturating_add);
        ask_for(bytes).with_context(|| format!("a step with {} at once", counted(photos, "photo")))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn a_step_that_no_machine_has_memory_for_is_told_before_it_is_taken() {
        let picked = |is_gpu| Picked { device: Device::flex(), description: String::new(), is_gpu };
        let step = |photos| AtOnce { photos, stacks: vec![Stack::of(&VitConfig::tiny(224), 196, 12)] };
        let error = step(1 << 40).ask_for_memory(&picked(false), 1).unwrap_err();
        assert!(error.to_string().contains("1099511627776 photos at once"), "{error}");
        assert!(
            step(1 << 40).ask_for_memory(&picked(true), 1).is_ok(),
            "the GPU's memory is not ours to ask for"
        );
        assert!(step(1).ask_for_memory(&picked(false), 1).is_ok());
    }
}
