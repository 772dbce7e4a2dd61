//! Binary masks, one bit per pixel, and their COCO run-length encoding.

use std::ops::Range;

mod cells;
mod contour;
mod depth;
mod guided;
mod matte;
mod morphology;
mod rle;
mod runs;
mod stroke;

pub(crate) use cells::Cells;
pub use contour::Contour;
pub use depth::Deepest;
pub use matte::{HALF, Matte, SoftPixel};
pub use rle::Rle;
pub use stroke::Stroke;

/// Why a mask or its run-length encoding could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MaskError {
    /// A pixel buffer does not fit the size.
    #[error("a mask of {width} × {height} pixels needs one byte per pixel, not {bytes} bytes in all")]
    WrongLength {
        /// Pixels per row.
        width: usize,
        /// Number of rows.
        height: usize,
        /// Length of the buffer.
        bytes: usize,
    },
    /// The runs do not add up to the number of pixels.
    #[error("the runs cover {covered} pixels, but the mask has {height} × {width} (height × width)")]
    WrongCover {
        /// Sum of the runs.
        covered: u64,
        /// Pixels per row.
        width: usize,
        /// Number of rows.
        height: usize,
    },
    /// The text is not a compressed run-length encoding as COCO defines it.
    #[error("the compressed mask is not valid at character {at}: expected COCO's run-length text")]
    WrongText {
        /// Index of the offending character.
        at: usize,
    },
}

/// The set of pixels of an image that belong to an object, one bit per pixel: a 24-megapixel mask takes 3 MB.
#[derive(Clone, PartialEq, Eq)]
pub struct BinaryMask {
    width: usize,
    height: usize,
    /// Rows of `width.div_ceil(64)` words; bit `x % 64` of word `x / 64` is pixel `x`; bits past the width
    /// are 0.
    words: Vec<u64>,
}

impl std::fmt::Debug for BinaryMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BinaryMask({} × {}, area {})", self.width, self.height, self.area())
    }
}

impl BinaryMask {
    /// Creates a mask without a pixel inside.
    #[must_use]
    pub fn empty(width: usize, height: usize) -> Self {
        Self { width, height, words: vec![0; width.div_ceil(64) * height] }
    }

    /// Creates a mask from a row-major `[height, width]` buffer, in which every non-zero byte is inside.
    ///
    /// # Errors
    /// [`MaskError::WrongLength`] if the buffer does not have that many bytes.
    pub fn new(width: usize, height: usize, pixels: &[u8]) -> Result<Self, MaskError> {
        if width.checked_mul(height) != Some(pixels.len()) {
            return Err(MaskError::WrongLength { width, height, bytes: pixels.len() });
        }
        Ok(Self::from_fn(width, height, |x, y| pixels[y * width + x] != 0))
    }

    /// Creates a mask of the pixels for which `inside(x, y)` is true.
    #[must_use]
    pub fn from_fn(width: usize, height: usize, mut inside: impl FnMut(usize, usize) -> bool) -> Self {
        let mut mask = Self::empty(width, height);
        for y in 0..height {
            for x in 0..width {
                if inside(x, y) {
                    mask.set(x, y, true);
                }
            }
        }
        mask
    }

    /// Returns the mask as a part of a larger one of `size` (width, height), with its upper left pixel at
    /// `place`; what lies beyond the larger mask is cut off.
    #[must_use]
    pub fn within(&self, size: [usize; 2], place: [usize; 2]) -> Self {
        let mut whole = Self::empty(size[0], size[1]);
        let [left, top, width, height] = self.bbox();
        for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
            if self.get(x, y) {
                whole.set(place[0] + x, place[1] + y, true);
            }
        }
        whole
    }

    /// Returns the number of pixels per row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Returns whether the pixel is inside; pixels beyond the border are not.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> bool {
        x < self.width && y < self.height && self.row(y)[x / 64] >> (x % 64) & 1 == 1
    }

    /// Puts one pixel inside or outside; pixels beyond the border are ignored.
    pub fn set(&mut self, x: usize, y: usize, inside: bool) {
        if x < self.width && y < self.height {
            let word = &mut self.row_mut(y)[x / 64];
            let bit = 1 << (x % 64);
            *word = if inside { *word | bit } else { *word & !bit };
        }
    }

    /// Puts the pixels `columns` of row `y` inside; pixels beyond the border are ignored.
    pub fn fill_row(&mut self, y: usize, columns: Range<usize>) {
        let end = columns.end.min(self.width);
        if y >= self.height || columns.start >= end {
            return;
        }
        let (first, last) = (columns.start / 64, (end - 1) / 64);
        let from_start = u64::MAX << (columns.start % 64);
        let to_end = u64::MAX >> (63 - (end - 1) % 64);
        let row = self.row_mut(y);
        if first == last {
            row[first] |= from_start & to_end;
        } else {
            row[first] |= from_start;
            row[first + 1..last].fill(u64::MAX);
            row[last] |= to_end;
        }
    }

    /// Returns the number of pixels inside.
    #[must_use]
    pub fn area(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the tight box `[x, y, width, height]` around the pixels inside; all zeros for an empty mask.
    #[must_use]
    pub fn bbox(&self) -> [usize; 4] {
        let rows = || (0..self.height).filter(|&y| self.row(y).iter().any(|&word| word != 0));
        let (Some(top), Some(bottom)) = (rows().next(), rows().next_back()) else { return [0; 4] };
        let mut any = vec![0; self.stride()];
        for y in top..=bottom {
            any.iter_mut().zip(self.row(y)).for_each(|(seen, word)| *seen |= word);
        }
        let columns = || (0..self.width).filter(|x| any[x / 64] >> (x % 64) & 1 == 1);
        let (left, right) = (columns().next().unwrap_or(0), columns().next_back().unwrap_or(0));
        [left, top, right + 1 - left, bottom + 1 - top]
    }

    /// Returns the intersection over union; 0 for masks of different sizes and for two empty ones.
    #[must_use]
    pub fn iou(&self, other: &Self) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 0.0;
        }
        let (mut inter, mut union) = (0, 0);
        for (a, b) in self.words.iter().zip(&other.words) {
            inter += u64::from((a & b).count_ones());
            union += u64::from((a | b).count_ones());
        }
        if union == 0 { 0.0 } else { inter as f64 / union as f64 }
    }

    /// Returns the intersection over the smaller of the two areas: 1 if one mask lies inside the other, 0 if
    /// [`BinaryMask::iou`] is 0.
    #[must_use]
    pub fn containment(&self, other: &Self) -> f64 {
        let (areas, smaller) = (self.area() + other.area(), self.area().min(other.area()));
        let iou = self.iou(other);
        if smaller == 0 { 0.0 } else { iou / (1.0 + iou) * areas as f64 / smaller as f64 }
    }

    /// Puts every pixel of `other`, a mask of the same size, inside.
    pub fn add(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Puts every pixel of `other`, a mask of the same size, outside.
    pub fn subtract(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// Puts every pixel outside the box `[x, y, width, height]` outside the mask.
    pub fn clip(&mut self, [x, y, width, height]: [usize; 4]) {
        let mut inside = Self::empty(self.width, self.height);
        (y..y + height).for_each(|row| inside.fill_row(row, x..x + width));
        self.words.iter_mut().zip(&inside.words).for_each(|(word, inside)| *word &= inside);
    }

    /// Returns one byte per pixel, row-major `[height, width]`, 1 inside and 0 outside.
    #[must_use]
    pub fn pixels(&self) -> Vec<u8> {
        (0..self.height)
            .flat_map(|y| {
                let row = self.row(y);
                (0..self.width).map(move |x| (row[x / 64] >> (x % 64) & 1) as u8)
            })
            .collect()
    }

    fn flip(&mut self, x: usize, y: usize) {
        self.row_mut(y)[x / 64] ^= 1 << (x % 64);
    }

    fn stride(&self) -> usize {
        self.width.div_ceil(64)
    }

    fn row(&self, y: usize) -> &[u64] {
        &self.words[y * self.stride()..(y + 1) * self.stride()]
    }

    fn row_mut(&mut self, y: usize) -> &mut [u64] {
        let stride = self.stride();
        &mut self.words[y * stride..(y + 1) * stride]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_round_trip_at_every_width_around_a_word() {
        for width in [1, 2, 63, 64, 65, 127, 128, 129] {
            let pixels: Vec<u8> = (0..width * 3).map(|i| u8::from(i * 7 % 5 < 2)).collect();
            let mask = BinaryMask::new(width, 3, &pixels).unwrap();
            assert_eq!(mask.pixels(), pixels);
            assert_eq!(mask.area(), pixels.iter().map(|&p| usize::from(p)).sum::<usize>());
        }
        assert!(BinaryMask::new(2, 2, &[0; 3]).is_err());
    }

    #[test]
    fn filling_a_row_equals_setting_its_pixels() {
        for (start, end) in [(0, 0), (0, 1), (3, 64), (63, 65), (5, 200), (64, 128), (129, 130), (140, 150)] {
            let mut filled = BinaryMask::empty(130, 2);
            filled.fill_row(1, start..end);
            assert_eq!(filled, BinaryMask::from_fn(130, 2, |x, y| y == 1 && (start..end).contains(&x)));
        }
    }

    #[test]
    fn box_and_overlap_by_hand() {
        let a = BinaryMask::from_fn(100, 80, |x, y| (10..70).contains(&x) && (20..40).contains(&y));
        let b = BinaryMask::from_fn(100, 80, |x, y| (40..100).contains(&x) && (20..40).contains(&y));
        assert_eq!(a.bbox(), [10, 20, 60, 20]);
        assert!((a.iou(&b) - 30.0 / 90.0).abs() < 1e-12);
        assert_eq!(BinaryMask::empty(5, 5).bbox(), [0; 4]);
        assert_eq!(a.iou(&BinaryMask::empty(5, 5)), 0.0);
        let part = BinaryMask::from_fn(100, 80, |x, y| (60..80).contains(&x) && (20..40).contains(&y));
        assert!((a.containment(&part) - 0.5).abs() < 1e-12);
        assert!((b.containment(&part) - 1.0).abs() < 1e-12);
        assert_eq!(a.containment(&BinaryMask::empty(100, 80)), 0.0);
    }

    #[test]
    fn nothing_is_beyond_the_border() {
        let all = BinaryMask::from_fn(64, 2, |_, _| true);
        assert!(all.get(63, 1));
        assert!(!all.get(64, 1) && !all.get(63, 2));
    }

    #[test]
    fn a_part_lies_at_its_place_and_ends_at_the_border() {
        let part = BinaryMask::from_fn(70, 4, |x, y| (x + y) % 3 == 0);
        let whole = part.within([100, 5], [40, 2]);
        let expected = |x: usize, y: usize| x >= 40 && y >= 2 && part.get(x - 40, y - 2);
        assert_eq!(whole, BinaryMask::from_fn(100, 5, expected));
    }

    #[test]
    fn clipping_keeps_the_box() {
        let mut mask = BinaryMask::from_fn(100, 8, |x, y| (x + y).is_multiple_of(2));
        mask.clip([60, 3, 20, 2]);
        let expected =
            |x: usize, y: usize| (60..80).contains(&x) && (3..5).contains(&y) && (x + y).is_multiple_of(2);
        assert_eq!(mask, BinaryMask::from_fn(100, 8, expected));
    }

    #[test]
    fn the_box_of_a_far_pixel_is_that_pixel() {
        assert_eq!(BinaryMask::from_fn(200, 9, |x, y| x == 130 && y == 7).bbox(), [130, 7, 1, 1]);
    }

    #[test]
    fn adding_and_subtracting_by_hand() {
        let span = |from, to| BinaryMask::from_fn(100, 2, |x, y| y == 1 && (from..to).contains(&x));
        let mut mask = span(10, 80);
        mask.add(&span(70, 95));
        assert_eq!(mask, span(10, 95));
        mask.subtract(&span(5, 66));
        assert_eq!(mask, span(66, 95));
    }

    #[test]
    fn a_box_cuts_off_what_is_beyond() {
        let mut mask = BinaryMask::from_fn(100, 9, |x, y| (x + y) % 3 > 0);
        mask.clip([60, 2, 30, 20]);
        let inside = |x, y| (60..90).contains(&x) && y >= 2 && (x + y) % 3 > 0;
        assert_eq!(mask, BinaryMask::from_fn(100, 9, inside));
    }

    #[test]
    fn beyond_the_border_is_outside() {
        let mut mask = BinaryMask::empty(3, 2);
        mask.set(3, 0, true);
        mask.set(0, 2, true);
        assert_eq!(mask.area(), 0);
        assert!(!mask.get(70, 0));
    }
}
