//! The proposals of the queries, and the drawing of their masks.

use burn::tensor::{Int, Tensor};

use super::MaskSegmenter;

/// The predictions of the queries before any mask is drawn.
#[derive(Debug, Clone)]
pub struct Proposals {
    /// Class logits, `[B, Q, K + 1]`; the last class is "no object".
    pub class_logits: Tensor<3>,
    /// Query tokens, `[B, Q, D]`.
    pub(super) queries: Tensor<3>,
    /// Patch tokens, `[B, L, D]`.
    pub(super) patches: Tensor<3>,
    /// Mask features, `[B, height·width, E]`, whose product with a query's embedding is its mask.
    pixels: Tensor<3>,
    grid: [usize; 2],
    size: [usize; 2],
}

impl Proposals {
    /// Returns the number of patch rows and columns.
    #[must_use]
    pub fn grid(&self) -> [usize; 2] {
        self.grid
    }

    /// Returns height and width of a mask.
    #[must_use]
    pub fn mask_size(&self) -> [usize; 2] {
        self.size
    }
}

impl MaskSegmenter {
    /// Runs the second half of [`forward`](Self::forward): mask logits, `[B, N, height, width]`, of all
    /// queries or of the `chosen` ones, N for each image, given by their rows in `[B · Q]`.
    #[must_use]
    pub fn draw(&self, proposals: &Proposals, chosen: Option<&Tensor<1, Int>>) -> Tensor<4> {
        let masks = self.embeddings(proposals, chosen).matmul(proposals.pixels.clone().swap_dims(1, 2));
        let ([batch, count, _], [height, width]) = (masks.dims(), proposals.size);
        masks.reshape([batch, count, height, width])
    }

    /// Computes mask logits of all queries at some cells of the masks, given by row-major index: `[B, Q,
    /// cells]`.
    #[must_use]
    pub fn draw_at(&self, proposals: &Proposals, cells: Tensor<1, Int>) -> Tensor<3> {
        let pixels = proposals.pixels.clone().select(1, cells);
        self.embeddings(proposals, None).matmul(pixels.swap_dims(1, 2))
    }

    /// Returns the mask embeddings, `[B, N, E]`, of all queries or of the chosen ones.
    fn embeddings(&self, proposals: &Proposals, chosen: Option<&Tensor<1, Int>>) -> Tensor<3> {
        let of_chosen = |all: Tensor<3>| match chosen {
            Some(rows) => {
                let ([batch, count, d], [chosen]) = (all.dims(), rows.dims());
                all.reshape([batch * count, d]).select(0, rows.clone()).reshape([batch, chosen / batch, d])
            }
            None => all,
        };
        let embedded = self.head.embeddings(of_chosen(proposals.queries.clone()));
        match &self.extent {
            Some(extent) => {
                let bowls = of_chosen(extent.bowls(proposals.patches.clone(), proposals.grid));
                Tensor::cat(vec![embedded, bowls], 2)
            }
            None => embedded,
        }
    }

    pub(super) fn proposals(&self, tokens: Tensor<3>, grid: [usize; 2]) -> Proposals {
        let norm = self.lateral.as_ref().map_or(&self.encoder.norm, |lateral| &lateral.norm);
        let tokens = norm.forward(tokens);
        let first_patch = self.config.num_queries + self.config.encoder.num_prefix();
        let patches = tokens.clone().narrow(1, first_patch, grid[0] * grid[1]);
        let queries = match self.config.num_queries {
            0 => patches.clone(),
            count => tokens.narrow(1, 0, count),
        };
        let (mut pixels, size) = self.head.pixels(patches.clone(), grid);
        if let Some(extent) = &self.extent {
            pixels = Tensor::cat(vec![pixels.clone(), extent.places(pixels, grid, size)], 2);
        }
        Proposals { class_logits: self.head.classes(queries.clone()), queries, patches, pixels, grid, size }
    }
}
