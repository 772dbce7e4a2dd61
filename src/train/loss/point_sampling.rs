//! Points on masks: drawing and choosing them, and interpolating maps at them.
//!
//! A point is `(x, y)` in `[0, 1)²` of the map. Pixel `i` along a side of `n` pixels has its centre at `(i +
//! 0.5) / n`, so maps of any resolution share one set of points. The map is zero outside.

use burn::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::mask::BinaryMask;

/// A source of random points: seeded generators in training, a recording in a parity test.
pub trait PointDraws {
    /// Draws a row of `points` points for each of `images` (indices in the batch, which may repeat):
    /// `images.len() · points · 2` values in `[0, 1)`, x before y.
    fn uniform(&mut self, images: &[usize], points: usize) -> Vec<f32>;
}

/// Points from seeded generators, one per image. The points of an image do not depend on the other images,
/// and equal seeds give equal points on every machine.
#[derive(Debug, Clone)]
pub struct SeededDraws(Vec<ChaCha8Rng>);

impl SeededDraws {
    /// Creates one generator per image from `seeds`.
    #[must_use]
    pub fn new(seeds: &[u64]) -> Self {
        Self(seeds.iter().map(|&seed| ChaCha8Rng::seed_from_u64(seed)).collect())
    }
}

impl PointDraws for SeededDraws {
    fn uniform(&mut self, images: &[usize], points: usize) -> Vec<f32> {
        let mut numbers = vec![0.0; images.len() * points * 2];
        let mut rows: Vec<Vec<&mut [f32]>> = self.0.iter().map(|_| Vec::new()).collect();
        for (&image, row) in images.iter().zip(numbers.chunks_exact_mut((2 * points).max(1))) {
            rows[image].push(row);
        }
        let each = self.0.par_iter_mut().zip(rows);
        each.for_each(|(rng, rows)| rows.into_iter().flatten().for_each(|number| *number = rng.random()));
        numbers
    }
}

/// The size of a map in pixels; its values are stored row by row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MapSize {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl MapSize {
    pub(crate) fn area(self) -> usize {
        self.width * self.height
    }

    /// Returns the centre of every pixel, row by row.
    pub(crate) fn centres(self) -> Vec<f32> {
        let centre = |index: usize, side: usize| (index as f32 + 0.5) / side as f32;
        (0..self.area())
            .flat_map(|i| [centre(i % self.width, self.width), centre(i / self.width, self.height)])
            .collect()
    }

    /// Returns the four pixels `(column, row)` around a point with their bilinear weights, which are 0
    /// outside the map.
    fn taps(self, x: f32, y: f32) -> [Tap; 4] {
        let (x, y) = (x * self.width as f32 - 0.5, y * self.height as f32 - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (dx, dy) = (x - left, y - top);
        let tap = |column: f32, row: f32, weight: f32| {
            let inside =
                column >= 0.0 && row >= 0.0 && column < self.width as f32 && row < self.height as f32;
            if inside {
                Tap { column: column as usize, row: row as usize, weight }
            } else {
                Tap { column: 0, row: 0, weight: 0.0 }
            }
        };
        [
            tap(left, top, (1.0 - dx) * (1.0 - dy)),
            tap(left + 1.0, top, dx * (1.0 - dy)),
            tap(left, top + 1.0, (1.0 - dx) * dy),
            tap(left + 1.0, top + 1.0, dx * dy),
        ]
    }

    fn index(self, tap: Tap) -> usize {
        tap.row * self.width + tap.column
    }

    /// Interpolates a map, given row by row, at one point.
    fn sample(self, map: &[f32], point: &[f32]) -> f32 {
        self.taps(point[0], point[1]).iter().map(|&tap| tap.weight * map[self.index(tap)]).sum()
    }
}

#[derive(Debug, Clone, Copy)]
struct Tap {
    column: usize,
    row: usize,
    weight: f32,
}

/// Returns the mask's value at each point of `points` (x, y pairs), between 0 and 1.
pub(crate) fn sample_mask(mask: &BinaryMask, points: &[f32]) -> Vec<f32> {
    let size = MapSize { width: mask.width(), height: mask.height() };
    let covered = |tap: &Tap| if mask.get(tap.column, tap.row) { tap.weight } else { 0.0 };
    points.chunks_exact(2).map(|p| size.taps(p[0], p[1]).iter().map(covered).sum()).collect()
}

/// Interpolates each map at its own points: `maps` is `[M, h·w]`, `points` are `M · n` pairs. Returns `[M,
/// n]`, differentiable in `maps`.
pub(crate) fn sample_own(maps: Tensor<2>, size: MapSize, points: &[f32]) -> Tensor<2> {
    let [count, _] = maps.dims();
    let per_map = points.len() / 2 / count;
    let mut indices = vec![0_i32; count * 4 * per_map];
    let mut weights = vec![0_f32; indices.len()];
    let of_maps = indices.par_chunks_exact_mut(4 * per_map).zip(weights.par_chunks_exact_mut(4 * per_map));
    of_maps.zip(points.par_chunks_exact(2 * per_map)).for_each(|((indices, weights), points)| {
        for (offset, point) in points.chunks_exact(2).enumerate() {
            for (corner, tap) in size.taps(point[0], point[1]).into_iter().enumerate() {
                indices[corner * per_map + offset] = size.index(tap) as i32;
                weights[corner * per_map + offset] = tap.weight;
            }
        }
    });
    let device = maps.device();
    let indices = Tensor::from_data(TensorData::new(indices, [count, 4 * per_map]), &device);
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 4 * per_map]), &device);
    let corners = maps.gather(1, indices).mul(weights).reshape([count, 4, per_map]);
    corners.sum_dim(1).reshape([count, per_map])
}

/// Interpolates all maps of an image at the image's points: `maps` is `[B, Q, h·w]`, `points` are `B · n`
/// pairs. Returns `[B, n, Q]`.
///
/// Whole rows of Q values are fetched at once, which on a CPU is many times faster than one gather per query.
pub(crate) fn sample_shared(maps: Tensor<3>, size: MapSize, points: &[f32]) -> Tensor<3> {
    let [images, queries, area] = maps.dims();
    let count = points.len() / 2;
    let per_image = count / images;
    let device = maps.device();
    let rows = maps.swap_dims(1, 2).reshape([images * area, queries]);
    let taps: Vec<_> = points.chunks_exact(2).map(|p| size.taps(p[0], p[1])).collect();
    let corner = |k: usize| {
        let index = |(i, taps): (usize, &[Tap; 4])| (i / per_image * area + size.index(taps[k])) as i32;
        let indices: Vec<i32> = taps.iter().enumerate().map(index).collect();
        let weights: Vec<f32> = taps.iter().map(|taps| taps[k].weight).collect();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &device);
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), &device);
        rows.clone().select(0, indices).mul(weights)
    };
    (1..4).fold(corner(0), |sum, k| sum.add(corner(k))).reshape([images, per_image, queries])
}

/// The number of points in a loss, and how many of them are chosen where the prediction is least certain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PointBudget {
    pub(crate) total: usize,
    pub(crate) candidates: usize,
    pub(crate) important: usize,
}

/// Chooses `budget.total` points for each map: the `budget.important` points with the smallest `|logit|`
/// among `budget.candidates` uniform ones, and further uniform points. `maps` concatenates the maps of
/// `images`; returns `images.len() · total` pairs.
pub(crate) fn choose_uncertain(
    maps: &[f32],
    images: &[usize],
    size: MapSize,
    budget: PointBudget,
    draws: &mut impl PointDraws,
) -> Vec<f32> {
    let fresh = budget.total - budget.important;
    let candidates = draws.uniform(images, budget.candidates);
    let random = if fresh > 0 { draws.uniform(images, fresh) } else { Vec::new() };
    let important: Vec<Vec<f32>> = maps
        .par_chunks(size.area())
        .zip(candidates.par_chunks(2 * budget.candidates))
        .map(|(map, points)| most_uncertain(map, size, points, budget.important))
        .collect();
    let random_of = |map: usize| &random[map * 2 * fresh..(map + 1) * 2 * fresh];
    important.iter().enumerate().flat_map(|(i, kept)| kept.iter().chain(random_of(i)).copied()).collect()
}

fn most_uncertain(map: &[f32], size: MapSize, points: &[f32], keep: usize) -> Vec<f32> {
    let mut ranked: Vec<(f32, usize)> =
        points.chunks_exact(2).enumerate().map(|(i, point)| (size.sample(map, point).abs(), i)).collect();
    if keep < ranked.len() {
        ranked.select_nth_unstable_by(keep, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranked.truncate(keep);
    }
    ranked.iter().flat_map(|&(_, i)| [points[2 * i], points[2 * i + 1]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: MapSize = MapSize { width: 5, height: 4 };

    /// Returns a plane `a·x + b·y` over pixel centres, which bilinear interpolation reproduces exactly away
    /// from the border.
    fn plane(x: f32, y: f32) -> f32 {
        2.0 * x - 3.0 * y + 1.0
    }

    fn plane_map() -> Vec<f32> {
        SIZE.centres().chunks_exact(2).map(|p| plane(p[0], p[1])).collect()
    }

    #[test]
    fn a_plane_is_read_exactly_between_pixel_centres() {
        let map = plane_map();
        for p in SeededDraws::new(&[3]).uniform(&[0], 200).chunks_exact(2) {
            let (x, y) = (0.1 + 0.8 * p[0], 0.125 + 0.75 * p[1]);
            let read = SIZE.sample(&map, &[x, y]);
            assert!((read - plane(x, y)).abs() < 1e-5, "({x}, {y}): {read}");
        }
    }

    #[test]
    fn outside_the_map_counts_as_zero() {
        let full = BinaryMask::from_fn(SIZE.width, SIZE.height, |_, _| true);
        let read = sample_mask(&full, &[0.0, 0.0, 0.0, 0.5, 0.5, 0.5]);
        let one_two_four_of_four_pixels = [0.25, 0.5, 1.0];
        assert!(read.iter().zip(one_two_four_of_four_pixels).all(|(a, b)| (a - b).abs() < 1e-6), "{read:?}");
    }

    #[test]
    fn tensors_and_host_agree() {
        let device = Device::flex();
        let points = SeededDraws::new(&[11]).uniform(&[0, 0], 30);
        let values: Vec<f32> = SeededDraws::new(&[12]).uniform(&[0], 3 * SIZE.area());
        let maps = Tensor::<3>::from_data(TensorData::new(values.clone(), [2, 3, SIZE.area()]), &device);
        let shared = sample_shared(maps.clone(), SIZE, &points).try_into_vec_as::<f32>().unwrap();
        for (image, query, p) in
            (0..2).flat_map(|b| (0..3).flat_map(move |q| (0..30).map(move |p| (b, q, p))))
        {
            let at = 2 * (image * 30 + p);
            let map = &values[(image * 3 + query) * SIZE.area()..];
            let expected = SIZE.sample(map, &points[at..at + 2]);
            assert!((shared[(image * 30 + p) * 3 + query] - expected).abs() < 1e-6);
        }
        let first = maps.slice([0..2, 0..1]).reshape([2, SIZE.area()]);
        let own = sample_own(first, SIZE, &points).try_into_vec_as::<f32>().unwrap();
        let from_shared: Vec<f32> = shared.chunks_exact(3).map(|q| q[0]).collect();
        assert!(own.iter().zip(&from_shared).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn the_least_certain_candidates_are_kept() {
        let map = plane_map();
        let points = SeededDraws::new(&[5]).uniform(&[0], 64);
        let logit = |p: &[f32]| SIZE.sample(&map, p).abs();
        let mut all: Vec<f32> = points.chunks_exact(2).map(logit).collect();
        all.sort_by(f32::total_cmp);
        let kept = most_uncertain(&map, SIZE, &points, 10);
        let mut of_kept: Vec<f32> = kept.chunks_exact(2).map(logit).collect();
        of_kept.sort_by(f32::total_cmp);
        assert_eq!(of_kept, all[..10]);
    }

    #[test]
    fn a_seed_is_a_stream_of_points_in_the_unit_square() {
        let points = SeededDraws::new(&[1, 2]).uniform(&[0, 1], 100);
        assert_eq!(points.len(), 400);
        assert!(points.iter().all(|v| (0.0..1.0).contains(v)));
        assert_eq!(points[200..], SeededDraws::new(&[2]).uniform(&[0], 100), "whatever stands beside it");
        assert_ne!(points[..200], points[200..]);
    }
}
