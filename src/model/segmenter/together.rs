//! The forward pass of a photo by two workers, each of which has half of its tokens.

use burn::tensor::Tensor;

use super::{MaskSegmenter, Proposals};

/// One of the two workers on a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// The one with the first tokens.
    First,
    /// The one with the last tokens.
    Second,
}

impl Half {
    /// Joins own tokens, or numbers of each, with those of the other worker, `[B, t, D]`.
    fn joined(self, own: Tensor<3>, others: Tensor<3>) -> Tensor<3> {
        let both = match self {
            Self::First => vec![own, others],
            Self::Second => vec![others, own],
        };
        Tensor::cat(both, 1)
    }
}

impl MaskSegmenter {
    /// Returns whether [`propose_together`](Self::propose_together) is possible: nothing but the tokens goes
    /// through the blocks.
    #[must_use]
    pub fn divides(&self) -> bool {
        self.config.num_queries == 0 && self.lateral.is_none() && self.config.encoder.rotary_base.is_none()
    }

    /// Runs [`propose`](Self::propose) together with another worker, which runs it for the other half. Each
    /// has the keys and values of its own tokens, and gets those of the other's from `swap`, block by block
    /// (context parallelism, <https://arxiv.org/abs/2411.01783>), and at the end the tokens. Only the first
    /// has the result.
    ///
    /// # Shapes
    /// - `images`: `[B, 3, height, width]`, normalised
    /// - `swap`: `[B, t, N]` to the other worker's `[B, T − t, N]`
    ///
    /// # Errors
    /// The error of `swap`.
    pub async fn propose_together<E>(
        &self,
        images: Tensor<4>,
        half: Half,
        swap: impl AsyncFn(Tensor<3>) -> Result<Tensor<3>, E>,
    ) -> Result<Option<Proposals>, E> {
        let grid = self.grid(&images);
        let tokens = self.encoder.with_prefix(self.encoder.embed(images));
        let count = tokens.dims()[1];
        let first = count.div_ceil(2);
        let mut own = match half {
            Half::First => tokens.narrow(1, 0, first),
            Half::Second => tokens.narrow(1, first, count - first),
        };
        let complete = async |own: Tensor<3>| Ok(half.joined(own.clone(), swap(own).await?));
        for block in &self.encoder.blocks {
            own = block.forward_part(own, &complete).await?;
        }
        let tokens = complete(own).await?;
        Ok((half == Half::First).then(|| self.proposals(tokens, grid)))
    }
}
