//! What a step of training holds in memory at once.

use anyhow::{Context as _, Result};

use crate::engine::Picked;
use crate::memory::ask_for;
use crate::model::VitConfig;
use crate::text::counted;

/// The photos of a step, or of a part of it, and the blocks that they go through and that learn from them.
pub(super) struct AtOnce {
    /// Photos at once.
    pub(super) photos: usize,
    /// The blocks.
    pub(super) stacks: Vec<Stack>,
}

/// Blocks that are alike.
pub(super) struct Stack {
    /// Tokens of a photo.
    pub(super) tokens: usize,
    /// How many blocks.
    pub(super) depth: usize,
    /// Width of a token.
    pub(super) width: usize,
    /// Width inside the MLPs.
    pub(super) inner: usize,
}

impl Stack {
    /// The last `depth` blocks of `encoder`, for so many of a photo's patches.
    pub(super) fn of(encoder: &VitConfig, patches: usize, depth: usize) -> Self {
        let tokens = patches + encoder.num_prefix();
        Self { tokens, depth, width: encoder.embed_dim, inner: encoder.mlp_dim }
    }

    /// Bytes that it takes at the least: of each weight also its gradient and two moments, and of each token
    /// what the way back needs, in 16 bits perhaps.
    fn bytes(&self, photos: usize) -> u64 {
        let product =
            |factors: [usize; 3]| factors.into_iter().fold(4, |all: u64, n| all.saturating_mul(n as u64));
        let kept = product([photos.saturating_mul(self.tokens), self.depth, 3 * self.width + self.inner]);
        let weights = product([self.depth, self.width, 4 * self.width + 2 * self.inner]);
        kept.saturating_add(weights.saturating_mul(4))
    }
}

impl AtOnce {
    /// Asks for the memory that one of so many processes needs at the least, where a CPU computes.
    pub(super) fn ask_for_memory(&self, device: &Picked, processes: usize) -> Result<()> {
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
