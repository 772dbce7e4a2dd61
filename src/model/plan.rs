//! The random choices of a training step of the segmenter.

use std::iter::repeat;
use std::ops::Range;

use burn::tensor::{Device, Int, Tensor};

/// The random choices of one training step.
#[derive(Debug, Clone, Default)]
pub struct TrainingPlan {
    /// Masked attention, per block in which the queries take part: `Some` means that the model predicts
    /// before that block, and queries attend only to patches inside their predicted masks. The flags say, per
    /// image and query (`[B · Q]`), which queries are masked there; mask annealing turns them off one by one.
    /// `None` means no prediction and no masking.
    pub masked: Vec<Option<Vec<bool>>>,
    /// Stochastic depth (<https://arxiv.org/abs/1603.09382>): for each block of the model, from the first on,
    /// the factors of the two branches per image. Blocks without an entry drop nothing.
    pub branches: Vec<[Vec<f32>; 2]>,
    /// For each image the queries whose masks are drawn in the final prediction, in that order; shorter lists
    /// are padded with the first query to the length of the longest, at least one. `None` draws all.
    pub drawn: Option<Vec<Vec<usize>>>,
}

impl TrainingPlan {
    /// Returns the plan of some images of the batch, for a number of queries per image.
    #[must_use]
    pub fn of_images(&self, part: Range<usize>, queries: usize) -> Self {
        let of_queries = |kept: &Vec<bool>| kept[part.start * queries..part.end * queries].to_vec();
        let of_branch = |factors: &Vec<f32>| factors[part.clone()].to_vec();
        Self {
            masked: self.masked.iter().map(|kept| kept.as_ref().map(of_queries)).collect(),
            branches: self.branches.iter().map(|pair| pair.each_ref().map(of_branch)).collect(),
            drawn: self.drawn.as_ref().map(|drawn| drawn[part].to_vec()),
        }
    }

    /// Returns [`drawn`](Self::drawn) as rows of `[B · Q]`, image after image; `None` if all are drawn.
    pub(super) fn rows(&self, queries: usize, device: &Device) -> Option<Tensor<1, Int>> {
        let drawn = self.drawn.as_ref()?;
        let longest = drawn.iter().map(Vec::len).max()?.max(1);
        let of_image = |(image, drawn): (usize, &Vec<usize>)| {
            let filled = drawn.iter().copied().chain(repeat(0)).take(longest);
            filled.map(|query| (image * queries + query) as i32).collect::<Vec<_>>()
        };
        let rows: Vec<i32> = drawn.iter().enumerate().flat_map(of_image).collect();
        Some(Tensor::from_data(rows.as_slice(), device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_many_for_each_image() {
        let plan = TrainingPlan { drawn: Some(vec![vec![3, 1], vec![], vec![2]]), ..TrainingPlan::default() };
        let rows =
            |plan: &TrainingPlan| Some(plan.rows(4, &Device::flex())?.try_into_vec_as::<i32>().unwrap());
        assert_eq!(rows(&plan), Some(vec![3, 1, 4, 4, 10, 8]));
        assert_eq!(rows(&plan.of_images(1..2, 4)), Some(vec![0]), "at least one");
        assert_eq!(rows(&TrainingPlan::default()), None);
    }
}
