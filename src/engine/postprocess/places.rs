//! Locates a prompt on the model's grids, and selects the queries that may answer it.

use super::softmax;
use crate::pixels::Letterbox;
use crate::prompt::Prompt;

/// Number of masks drawn for each place besides those of the patches around it: as many as a GPU draws at
/// once.
const CANDIDATES: usize = 12;

/// The four cells around a point, by row-major index, and their bilinear weights.
type Around = [(usize, f32); 4];

/// A place on the object.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Place {
    /// The cells of the mask grid around the place.
    pub(super) cells: Around,
    /// The patches around the place, as queries; empty for learned queries.
    pub(super) patches: Vec<(usize, f32)>,
}

/// The positive and the negative places of a prompt; the centre of a box is a positive one.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Places {
    pub(super) positive: Vec<Place>,
    pub(super) negative: Vec<Place>,
    /// The prompt's box, left, top, right and bottom in cells of the masks.
    pub(super) bounds: Option<[f32; 4]>,
}

impl Place {
    /// Returns a mask's logit at the place.
    pub(super) fn logit(&self, plane: &[f32]) -> f32 {
        self.cells.iter().map(|&(cell, share)| share * plane[cell]).sum()
    }

    /// Returns the distance from the place to a cell of a mask `width` cells wide, in cells.
    pub(super) fn distance(&self, cell: usize, width: usize) -> f32 {
        let along = |of: fn(usize, usize) -> usize| {
            let here: f32 = self.cells.iter().map(|&(cell, share)| share * of(cell, width) as f32).sum();
            here - of(cell, width) as f32
        };
        along(|cell, width| cell % width).hypot(along(|cell, width| cell / width))
    }
}

impl Places {
    /// Locates the prompt on masks of `mask_size`, and on the grid of `patches` if these are queries; sizes
    /// are height and width.
    pub(in crate::engine) fn of(
        prompt: &Prompt,
        letterbox: &Letterbox,
        [height, width]: [usize; 2],
        patches: Option<[usize; 2]>,
    ) -> Self {
        let grid = [width, height];
        let place = |at: [usize; 2]| {
            let around = patches.map(|[rows, columns]| letterbox.cells_around(at, [columns, rows]));
            let patches = around.into_iter().flatten().filter(|(_, share)| *share > 0.0).collect();
            Place { cells: letterbox.cells_around(at, grid), patches }
        };
        let negative = prompt.points.iter().filter(|point| !point.positive);
        let bounds = prompt.bounds.map(|[x, y, width, height]| {
            let corner = |x: usize, y: usize| letterbox.on_grid([x as f32, y as f32], grid);
            let ([left, top], [right, bottom]) = (corner(x, y), corner(x + width, y + height));
            [left, top, right, bottom]
        });
        Self {
            positive: prompt.anchors().map(place).collect(),
            negative: negative.map(|point| place([point.x, point.y])).collect(),
            bounds,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Place> {
        self.positive.iter().chain(&self.negative)
    }

    /// Returns the cells around every place, one after another, padded to a multiple of 16 so that a GPU
    /// meets few shapes.
    pub(in crate::engine) fn cells(&self) -> Vec<i32> {
        let cells = self.all().flat_map(|place| place.cells).map(|(cell, _)| cell as i32);
        let mut cells: Vec<i32> = cells.collect();
        cells.resize(cells.len().next_multiple_of(16), 0);
        cells
    }

    /// Returns the queries whose masks are worth drawing, ascending: for each place the patches around it,
    /// and the queries that are most likely an object that covers it. `logits` holds the mask logits of all
    /// queries at [`cells`](Self::cells).
    pub(in crate::engine) fn candidates(
        &self,
        class_logits: &[f32],
        num_classes: usize,
        logits: &[f32],
    ) -> Vec<usize> {
        let count = self.cells().len();
        let objectness =
            class_logits.chunks_exact(num_classes + 1).map(|row| 1.0 - softmax(row)[num_classes]);
        let objectness: Vec<f32> = objectness.collect();
        let mut queries = Vec::new();
        for (index, place) in self.all().enumerate() {
            queries.extend(place.patches.iter().map(|(patch, _)| *patch));
            let there = logits.chunks_exact(count).map(|row| {
                let logits = row[4 * index..].iter().zip(place.cells);
                logits.map(|(logit, (_, share))| logit * share).sum::<f32>()
            });
            let mut ranked: Vec<(usize, f32)> =
                there.zip(&objectness).map(|(logit, object)| sigmoid(logit) * object).enumerate().collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
            queries.extend(ranked.into_iter().take(CANDIDATES).map(|(query, _)| query));
        }
        queries.sort_unstable();
        queries.dedup();
        queries
    }
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_the_queries_that_are_an_object_and_cover_the_place() {
        let letterbox = Letterbox::fit(8, 8, 8);
        let places = Places::of(&Prompt::point(3, 3), &letterbox, [8; 2], None);
        let cells = places.cells().len();
        // Two queries more than are taken: one is no object, another does not cover the place.
        let (nothing, elsewhere) = (2, 7);
        let queries = 0..CANDIDATES + 2;
        let class_logits =
            queries.clone().flat_map(|query| if query == nothing { [0.0, 4.0] } else { [4.0, 0.0] });
        let logits =
            queries.clone().flat_map(|query| vec![if query == elsewhere { -2.0 } else { 2.0 }; cells]);
        let found = places.candidates(&class_logits.collect::<Vec<_>>(), 1, &logits.collect::<Vec<_>>());
        let expected: Vec<usize> = queries.filter(|query| ![nothing, elsewhere].contains(query)).collect();
        assert_eq!(found, expected);
    }
}
