//! The distance of a mask's pixels from its border.

use super::BinaryMask;

/// The pixel of a mask that is farthest from its border.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deepest {
    /// Column.
    pub x: usize,
    /// Row.
    pub y: usize,
    /// Squared distance to the nearest pixel outside, in pixels.
    pub squared_distance: u64,
}

impl BinaryMask {
    /// Returns the pixel inside that is farthest from everything outside, by exact Euclidean distance; of
    /// several, the first in row-major order. Everything beyond the image counts as outside. `None` for an
    /// empty mask.
    ///
    /// Takes two passes in linear time (Meijster et al., "A general algorithm for computing distance
    /// transforms in linear time", 2000), over the mask's box only.
    #[must_use]
    pub fn deepest(&self) -> Option<Deepest> {
        let [left, top, width, height] = self.bbox();
        // Distances to the nearest pixel outside in the same column, row by row, with an empty column on
        // either side.
        let mut down = vec![0_u64; (width + 2) * height];
        for column in 0..width {
            let at = |row: usize| row * (width + 2) + column + 1;
            let mut distance = 0;
            for row in 0..height {
                distance = if self.get(left + column, top + row) { distance + 1 } else { 0 };
                down[at(row)] = distance;
            }
            distance = 0;
            for row in (0..height).rev() {
                distance = (distance + 1).min(down[at(row)]);
                down[at(row)] = distance;
            }
        }
        let mut best: Option<Deepest> = None;
        for (row, distances) in down.chunks_exact(width + 2).enumerate() {
            for (column, squared_distance) in nearest_in_row(distances).into_iter().enumerate() {
                if squared_distance > best.map_or(0, |best| best.squared_distance) {
                    best = Some(Deepest { x: left + column - 1, y: top + row, squared_distance });
                }
            }
        }
        best
    }
}

/// Returns for each column x the minimum of (x − i)² + `down[i]`² over all columns i: the lower envelope of
/// parabolas.
fn nearest_in_row(down: &[u64]) -> Vec<u64> {
    let height = |x: usize, i: usize| x.abs_diff(i).pow(2) as u64 + down[i].pow(2);
    // Columns whose parabolas are lowest somewhere, and the column from which on they are.
    let mut lowest: Vec<(usize, usize)> = Vec::new();
    for i in 0..down.len() {
        while lowest.pop_if(|(site, from)| height(*from, *site) > height(*from, i)).is_some() {}
        let Some(&(site, _)) = lowest.last() else {
            lowest.push((i, 0));
            continue;
        };
        // Up to here the parabola of `site` is no higher. The difference is never negative, since `site`
        // would have been popped.
        let squares = (i * i - site * site) as u64 + down[i].pow(2);
        let crossing = (squares.saturating_sub(down[site].pow(2))) as usize / (2 * (i - site));
        if crossing + 1 < down.len() {
            lowest.push((i, crossing + 1));
        }
    }
    let mut nearest = vec![0; down.len()];
    for x in (0..down.len()).rev() {
        let Some(&(site, from)) = lowest.last() else { break };
        nearest[x] = height(x, site);
        if x == from {
            lowest.pop();
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computes the result by looking at every pixel outside.
    fn by_hand(mask: &BinaryMask) -> Option<Deepest> {
        let (width, height) = (mask.width() as i64, mask.height() as i64);
        let mut best: Option<Deepest> = None;
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let around = (-1..=height).flat_map(|v| (-1..=width).map(move |u| (u, v)));
            let outside = around.filter(|&(u, v)| u < 0 || v < 0 || !mask.get(u as usize, v as usize));
            let squared_distance = outside.map(|(u, v)| ((u - x).pow(2) + (v - y).pow(2)) as u64).min();
            let squared_distance = squared_distance.unwrap();
            if squared_distance > best.map_or(0, |best| best.squared_distance) {
                best = Some(Deepest { x: x as usize, y: y as usize, squared_distance });
            }
        }
        best
    }

    #[test]
    fn the_deepest_pixel_is_found_exactly() {
        let mut seed = 7_u32;
        let mut random = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) as usize
        };
        for (width, height) in [(1, 1), (1, 9), (9, 1), (20, 14), (65, 11)] {
            for share in [1, 2, 5, 30] {
                let mask = BinaryMask::from_fn(width, height, |_, _| random() % (share + 1) > 0);
                assert_eq!(mask.deepest(), by_hand(&mask), "{width} × {height}, {share}");
            }
            let disc = BinaryMask::from_fn(width, height, |x, y| {
                (2 * x).abs_diff(width).pow(2) + (3 * y).abs_diff(height).pow(2) < 90
            });
            assert_eq!(disc.deepest(), by_hand(&disc), "{width} × {height}");
        }
        assert_eq!(BinaryMask::empty(5, 4).deepest(), None);
    }

    #[test]
    fn the_edge_of_the_image_is_a_border() {
        let whole = BinaryMask::from_fn(9, 5, |_, _| true);
        assert_eq!(whole.deepest(), Some(Deepest { x: 2, y: 2, squared_distance: 9 }));
    }
}
