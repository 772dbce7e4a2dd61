//! Grows (dilates), shrinks (erodes) and smooths masks.

use super::BinaryMask;

impl BinaryMask {
    /// Returns the mask with every pixel at most `radius` pixels away from it.
    #[must_use]
    pub fn grown(&self, radius: usize) -> Self {
        let mut grown = Self::empty(self.width, self.height);
        let reaches: Vec<usize> = (0..=radius).map(|down| (radius * radius - down * down).isqrt()).collect();
        for y in 0..self.height {
            for run in self.runs(y) {
                for (down, reach) in reaches.iter().enumerate() {
                    let columns = run.start.saturating_sub(*reach)..run.end + reach;
                    if let Some(above) = y.checked_sub(down) {
                        grown.fill_row(above, columns.clone());
                    }
                    grown.fill_row(y + down, columns);
                }
            }
        }
        grown
    }

    /// Returns the mask without every pixel at most `radius` pixels away from its outside. Beyond the border
    /// of the photo there is no outside: objects that are cut off there continue.
    #[must_use]
    pub fn shrunk(&self, radius: usize) -> Self {
        self.complement().grown(radius).complement()
    }

    /// Returns the pixels that have more inside than outside among the photo's pixels at most `radius` rows
    /// and columns away: corners are rounded, and parts thinner than `radius` vanish.
    #[must_use]
    pub fn smoothed(&self, radius: usize) -> Self {
        let mut smoothed = Self::empty(self.width, self.height);
        let [left, top, width, height] = self.bbox();
        let rows = top.saturating_sub(radius)..(top + height + radius).min(self.height);
        let columns = left.saturating_sub(radius)..(left + width + radius).min(self.width);
        // Number of pixels inside per column, in the rows around the current one.
        let mut depths = vec![0_usize; self.width];
        let mut sums = vec![0_usize; self.width + 1];
        (rows.start.saturating_sub(radius)..(rows.start + radius).min(self.height))
            .for_each(|y| self.count(y, &mut depths, 1));
        for y in rows.clone() {
            if y + radius < self.height {
                self.count(y + radius, &mut depths, 1);
            }
            if let Some(past) = y.checked_sub(radius + 1).filter(|_| y > rows.start) {
                self.count(past, &mut depths, usize::MAX);
            }
            for x in 0..self.width {
                sums[x + 1] = sums[x] + depths[x];
            }
            let rows_around = (y + radius + 1).min(self.height) - y.saturating_sub(radius);
            for x in columns.clone() {
                let (from, to) = (x.saturating_sub(radius), (x + radius + 1).min(self.width));
                if 2 * (sums[to] - sums[from]) > rows_around * (to - from) {
                    smoothed.set(x, y, true);
                }
            }
        }
        smoothed
    }

    /// Adds `change`, 1 or −1 in two's complement, to the columns of row `y` that are inside.
    fn count(&self, y: usize, depths: &mut [usize], change: usize) {
        for run in self.runs(y) {
            depths[run].iter_mut().for_each(|depth| *depth = depth.wrapping_add(change));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::mask::Rle;

    /// COCO's encoding of a mask, and of `scipy`'s results for it.
    #[derive(Deserialize)]
    struct Reference {
        size: [usize; 2],
        mask: String,
        filled: String,
        /// Results by radius, as in the following fields.
        grown: Vec<(usize, String)>,
        shrunk: Vec<(usize, String)>,
        smoothed: Vec<(usize, String)>,
        pieces: Vec<String>,
    }

    #[test]
    fn equals_scipy() {
        let references: Vec<Reference> =
            serde_json::from_str(include_str!("../../tests/fixtures/morphology.json")).unwrap();
        for Reference { size, mask, filled, grown, shrunk, smoothed, pieces } in references {
            let mask = Rle::from_coco_string(size, &mask).unwrap().to_mask().unwrap();
            let text = |mask: &BinaryMask| Rle::from_mask(mask).to_coco_string();
            assert_eq!(text(&mask.without_holes()), filled);
            grown.iter().for_each(|(radius, grown)| assert_eq!(text(&mask.grown(*radius)), *grown));
            shrunk.iter().for_each(|(radius, shrunk)| assert_eq!(text(&mask.shrunk(*radius)), *shrunk));
            smoothed.iter().for_each(|(radius, smooth)| assert_eq!(text(&mask.smoothed(*radius)), *smooth));
            let split = mask.pieces(usize::MAX);
            assert_eq!(split.iter().map(text).collect::<Vec<_>>(), pieces);
        }
    }

    #[test]
    fn more_pieces_than_wanted_stay_together() {
        let dots = BinaryMask::from_fn(70, 3, |x, y| y == 1 && x % 3 == 0 || x < 2);
        let pieces = dots.pieces(3);
        assert_eq!(pieces.iter().map(BinaryMask::area).collect::<Vec<_>>(), [6, 1, 22]);
        let mut whole = BinaryMask::empty(70, 3);
        pieces.iter().for_each(|piece| whole.add(piece));
        assert_eq!(whole, dots);
        assert!(BinaryMask::empty(70, 3).pieces(3).is_empty());
    }

    #[test]
    fn empty_masks_stay_empty() {
        for (width, height) in [(0, 0), (1, 1), (64, 2)] {
            let empty = BinaryMask::empty(width, height);
            for same in [empty.grown(3), empty.shrunk(3), empty.smoothed(3), empty.without_holes()] {
                assert_eq!(same, empty);
            }
        }
    }
}
