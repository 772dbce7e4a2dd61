//! The inside of a mask as horizontal runs, and its connected components.

use std::cmp::Reverse;
use std::ops::Range;

use super::BinaryMask;

/// A run of pixels inside, in one row.
struct Run {
    y: usize,
    columns: Range<usize>,
}

impl BinaryMask {
    /// Returns the runs of pixels inside in row `y`, from left to right.
    pub(super) fn runs(&self, y: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let row = self.row(y);
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = first_bit(row, at, 0).filter(|start| *start < self.width)?;
            at = first_bit(row, start, u64::MAX).map_or(self.width, |end| end.min(self.width));
            Some(start..at)
        })
    }

    /// Returns the 8-connected components of the mask, largest first. If there are more than `at_most`, which
    /// is at least 1, the smallest ones stay together in the last.
    #[must_use]
    pub fn pieces(&self, at_most: usize) -> Vec<Self> {
        let area = |piece: &[Run]| piece.iter().map(|run| run.columns.len()).sum::<usize>();
        let mut pieces = self.connected(1);
        pieces.sort_by_key(|piece| Reverse(area(piece)));
        if pieces.len() > at_most {
            let rest = pieces.split_off(at_most);
            if let Some(last) = pieces.last_mut() {
                last.extend(rest.into_iter().flatten());
            }
        }
        let drawn = |piece: Vec<Run>| {
            let mut mask = Self::empty(self.width, self.height);
            piece.into_iter().for_each(|run| mask.fill_row(run.y, run.columns));
            mask
        };
        pieces.into_iter().map(drawn).collect()
    }

    /// Returns the mask with its holes filled; an area that touches the border of the photo is not a hole.
    #[must_use]
    pub fn without_holes(&self) -> Self {
        let mut filled = self.clone();
        let at_edge = |run: &Run| {
            let Range { start, end } = run.columns;
            run.y == 0 || run.y + 1 == self.height || start == 0 || end == self.width
        };
        let holes = self.complement().connected(0).into_iter().filter(|piece| !piece.iter().any(at_edge));
        holes.flatten().for_each(|run| filled.fill_row(run.y, run.columns));
        filled
    }

    /// Returns the 8-connected components that have a pixel in common with `other`.
    pub(super) fn touching(&self, other: &Self) -> Self {
        let mut touching = Self::empty(self.width, self.height);
        let touches = |run: &Run| run.columns.clone().any(|x| other.get(x, run.y));
        let pieces = self.connected(1).into_iter().filter(|piece| piece.iter().any(touches));
        pieces.flatten().for_each(|run| touching.fill_row(run.y, run.columns));
        touching
    }

    /// Returns everything outside.
    pub(super) fn complement(&self) -> Self {
        let mut outside = Self::empty(self.width, self.height);
        (0..self.height).for_each(|y| outside.fill_row(y, 0..self.width));
        outside.subtract(self);
        outside
    }

    /// Returns the runs of all rows by connected component. A run is connected to those of the row above with
    /// which it shares a column once both are extended by `reach` on the right: 0 gives 4-connectivity, 1
    /// gives 8-connectivity.
    fn connected(&self, reach: usize) -> Vec<Vec<Run>> {
        let (mut runs, mut parents): (Vec<Run>, Vec<usize>) = (Vec::new(), Vec::new());
        let mut above = 0..0;
        for y in 0..self.height {
            let first = runs.len();
            for columns in self.runs(y) {
                // Runs that end before this one begins end before all that follow, too.
                above.start += runs[above.clone()]
                    .iter()
                    .take_while(|over| over.columns.end + reach <= columns.start)
                    .count();
                parents.push(runs.len());
                for over in above.clone().take_while(|&over| runs[over].columns.start < columns.end + reach) {
                    let (a, b) = (root(&mut parents, over), root(&mut parents, runs.len()));
                    parents[a.max(b)] = a.min(b);
                }
                runs.push(Run { y, columns });
            }
            above = first..runs.len();
        }
        let mut pieces: Vec<Vec<Run>> = Vec::new();
        let mut places = vec![0; runs.len()];
        for (index, run) in runs.into_iter().enumerate() {
            let root = root(&mut parents, index);
            if root == index {
                places[root] = pieces.len();
                pieces.push(Vec::new());
            }
            pieces[places[root]].push(run);
        }
        pieces
    }
}

/// Returns the first column from `from` on whose bit is set after an exclusive or with `flip`.
fn first_bit(row: &[u64], from: usize, flip: u64) -> Option<usize> {
    let mut mask = u64::MAX << (from % 64);
    for (index, word) in row.iter().enumerate().skip(from / 64) {
        let bits = (word ^ flip) & mask;
        if bits != 0 {
            return Some(index * 64 + bits.trailing_zeros() as usize);
        }
        mask = u64::MAX;
    }
    None
}

/// Returns the root of `run` in the union-find forest, halving the path to it.
fn root(parents: &mut [usize], mut run: usize) -> usize {
    while parents[run] != run {
        parents[run] = parents[parents[run]];
        run = parents[run];
    }
    run
}
