//! COCO's run-length encoding, in column-major order, beginning with a run outside.

use serde::{Deserialize, Serialize};

use super::{BinaryMask, MaskError};

/// Alternating run lengths over the pixels in column-major order; the first run is outside.
///
/// ```
/// use mae_seg::mask::{MaskError, Rle};
///
/// // Three columns of two pixels: the first is outside, the second inside, and the upper pixel of the third.
/// let rle = Rle { size: [2, 3], counts: vec![2, 3, 1] };
/// let mask = rle.to_mask()?;
/// assert_eq!(mask.area(), 3);
/// assert_eq!(Rle::from_mask(&mask), rle);
/// # Ok::<(), MaskError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rle {
    /// Height and width of the mask.
    pub size: [usize; 2],
    /// Run lengths: outside, inside, outside, …
    pub counts: Vec<u32>,
}

impl Rle {
    /// Encodes a mask exactly as `pycocotools.mask.encode` does.
    #[must_use]
    pub fn from_mask(mask: &BinaryMask) -> Self {
        let (width, height) = (mask.width(), mask.height());
        let [left, top, box_width, box_height] = mask.bbox();
        // For each column, the rows in which the mask changes: where the words of two rows differ.
        let mut turns: Vec<Vec<usize>> = vec![Vec::new(); box_width];
        let outside = vec![0; mask.stride()];
        let row =
            |y: usize| if (top..top + box_height).contains(&y) { mask.row(y) } else { outside.as_slice() };
        for y in top..=top + box_height {
            let above = y.checked_sub(1).map_or(outside.as_slice(), row);
            for (word, (above, here)) in above.iter().zip(row(y)).enumerate() {
                let mut differing = above ^ here;
                while differing != 0 {
                    turns[word * 64 + differing.trailing_zeros() as usize - left].push(y);
                    differing &= differing - 1;
                }
            }
        }
        let mut edges: Vec<usize> = Vec::new();
        for at in (left..).zip(turns).flat_map(|(x, turns)| turns.into_iter().map(move |y| x * height + y)) {
            // A run that continues in the next column is one run.
            if edges.last() == Some(&at) {
                edges.pop();
            } else {
                edges.push(at);
            }
        }
        edges.push(width * height);
        edges.dedup();
        let mut from = 0;
        let counts =
            edges.into_iter().map(|edge| (edge - std::mem::replace(&mut from, edge)) as u32).collect();
        Self { size: [height, width], counts }
    }

    /// Decodes the runs to a mask.
    ///
    /// # Errors
    /// [`MaskError::WrongCover`] if the runs do not add up to the size.
    pub fn to_mask(&self) -> Result<BinaryMask, MaskError> {
        let [height, width] = self.size;
        let covered = self.counts.iter().map(|&run| u64::from(run)).sum();
        if (height as u64).checked_mul(width as u64) != Some(covered) {
            return Err(MaskError::WrongCover { covered, width, height });
        }
        let mut mask = BinaryMask::empty(width, height);
        // First set the pixels at which a column changes, …
        let mut at = 0;
        for (index, &run) in self.counts.iter().enumerate() {
            let end = at + run as usize;
            while index % 2 == 1 && at < end {
                let (x, bottom) = (at / height, at - at % height + height);
                let until = bottom.min(end);
                mask.flip(x, at % height);
                if until < bottom {
                    mask.flip(x, until % height);
                }
                at = until;
            }
            at = end;
        }
        // … then propagate them downwards.
        for word in mask.stride()..mask.words.len() {
            mask.words[word] ^= mask.words[word - mask.stride()];
        }
        Ok(mask)
    }

    /// Returns the number of pixels inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.counts.iter().skip(1).step_by(2).map(|&run| u64::from(run)).sum()
    }

    /// Returns COCO's compressed text: each run (from the fourth on, its difference to the run two before) in
    /// groups of five bits, lowest first, with a sixth bit for "more follows", as characters from `0` on.
    #[must_use]
    pub fn to_coco_string(&self) -> String {
        let mut text = String::new();
        for (index, &run) in self.counts.iter().enumerate() {
            let mut rest = i64::from(run) - if index > 2 { i64::from(self.counts[index - 2]) } else { 0 };
            loop {
                let group = (rest & 0x1F) as u8;
                rest >>= 5;
                let more = rest != if group & 0x10 == 0 { 0 } else { -1 };
                text.push(char::from(48 + group + if more { 0x20 } else { 0 }));
                if !more {
                    break;
                }
            }
        }
        text
    }

    /// Reads COCO's compressed text for a mask of `size` = height, width.
    ///
    /// # Errors
    /// [`MaskError::WrongText`] if the text is not in that form.
    pub fn from_coco_string(size: [usize; 2], text: &str) -> Result<Self, MaskError> {
        let mut counts: Vec<u32> = Vec::new();
        let (mut value, mut shift) = (0_i64, 0);
        for (at, byte) in text.bytes().enumerate() {
            let group = byte.checked_sub(48).filter(|&group| group < 64 && shift < 40);
            let group = group.ok_or(MaskError::WrongText { at })?;
            value |= i64::from(group & 0x1F) << shift;
            shift += 5;
            if group & 0x20 != 0 {
                continue;
            }
            if group & 0x10 != 0 {
                value |= -1 << shift;
            }
            if counts.len() > 2 {
                value += i64::from(counts[counts.len() - 2]);
            }
            counts.push(u32::try_from(value).ok().ok_or(MaskError::WrongText { at })?);
            (value, shift) = (0, 0);
        }
        if shift == 0 { Ok(Self { size, counts }) } else { Err(MaskError::WrongText { at: text.len() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Reference {
        h: usize,
        w: usize,
        /// Omitted from the file where it would be long.
        row_major: Option<Vec<u8>>,
        uncompressed: Vec<u32>,
        compressed: String,
        area: u64,
        bbox: [f64; 4],
    }

    #[test]
    fn equals_pycocotools() {
        let text = include_str!("../../tests/fixtures/rle.json");
        for case in serde_json::from_str::<Vec<Reference>>(text).unwrap() {
            let listed = Rle { size: [case.h, case.w], counts: case.uncompressed.clone() };
            let mask = match case.row_major {
                Some(pixels) => BinaryMask::new(case.w, case.h, &pixels).unwrap(),
                None => listed.to_mask().unwrap(),
            };
            let rle = Rle::from_mask(&mask);
            assert_eq!(rle.counts, case.uncompressed);
            assert_eq!(rle.to_coco_string(), case.compressed);
            assert_eq!(Rle::from_coco_string([case.h, case.w], &case.compressed).unwrap(), rle);
            assert_eq!(rle.to_mask().unwrap(), mask);
            assert_eq!(rle.area(), case.area);
            assert_eq!(mask.bbox().map(|v| v as f64), case.bbox);
        }
    }

    #[test]
    fn any_mask_survives_both_forms() {
        let mut state = 1_u32;
        for (width, height) in [(1, 1), (1, 90), (90, 1), (70, 33), (64, 64), (129, 5)] {
            let mask = BinaryMask::from_fn(width, height, |_, _| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state >> 30 != 0
            });
            let rle = Rle::from_mask(&mask);
            assert_eq!(
                Rle::from_coco_string(rle.size, &rle.to_coco_string()).unwrap().to_mask().unwrap(),
                mask
            );
        }
        assert_eq!(Rle::from_mask(&BinaryMask::empty(3, 2)).counts, [6]);
        assert_eq!(Rle::from_mask(&BinaryMask::from_fn(3, 2, |_, _| true)).counts, [0, 6]);
    }

    #[test]
    fn empty_runs_between_others_join_them() {
        let joined = Rle { size: [6, 2], counts: vec![1, 2, 0, 2, 0, 3, 4] };
        let whole = Rle { size: [6, 2], counts: vec![1, 7, 4] };
        assert_eq!(joined.to_mask(), whole.to_mask());
        assert_eq!(Rle::from_mask(&joined.to_mask().unwrap()), whole);
    }

    #[test]
    fn broken_text_and_runs_are_errors() {
        for text in ["o", " ", "ñ", "oooooooooo0", "O"] {
            assert!(
                matches!(Rle::from_coco_string([1, 1], text), Err(MaskError::WrongText { .. })),
                "{text}"
            );
        }
        assert!(Rle { size: [2, 2], counts: vec![3] }.to_mask().is_err());
        assert!(Rle { size: [usize::MAX, 2], counts: vec![3] }.to_mask().is_err());
    }
}
